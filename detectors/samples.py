"""samples: an alert's sample events as JSON, however large, in a bounded number of bytes.

In:   nested events; to be bounded, without nulls and each text cut
Out:  the same, or without what is too long
Docs: docs/decisions/0006-alerts.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pyarrow as pa

from ingest.event import flatten, to_documents

SAMPLES_BYTES = 112 << 10
"""Of all samples of an alert, as JSON. What else it holds of them (`source`, `related` …) is at most as much again, so
that no line makes an alert larger than `alert.DOCUMENT_BYTES`."""
WHOLE = ("event.original", "event.id")
"""The raw line stays, cut like every text, while anything else of its sample can go."""


def written(events: pa.RecordBatch) -> list[str]:
    """Nested events (`ingest.event.NESTED`) as JSON, as Spark's `to_json` writes them: without nulls, moments in ISO
    8601 with milliseconds."""
    flat = flatten(events)
    documents = to_documents(flat.select([name for name in flat.schema.names if name != "vendor"]))
    vendors = flat.column("vendor").to_pylist() if "vendor" in flat.schema.names else [None] * flat.num_rows
    return [
        orjson.dumps(nested(document) | ({"vendor": dict(pairs)} if pairs else {})).decode()
        for document, pairs in zip(documents, vendors, strict=True)
    ]


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` -> `{"a": {"b": 1}}`, for names of `ingest.event.FIELDS`, of which none begins another."""
    tree: dict[str, Any] = {}
    for name, value in dotted.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree


def bounded(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`samples` within SAMPLES_BYTES: without their longest values, and if that is not enough without the last ones.

    A sample that lost values says how many under `soc.left_out`.
    """
    excess = len(orjson.dumps(samples, option=orjson.OPT_NON_STR_KEYS)) - SAMPLES_BYTES
    if excess <= 0:
        return samples
    values = [(size, number, path) for number, sample in enumerate(samples) for size, path in _sizes(sample, ())]
    gone: list[set[tuple[str, ...]]] = [set() for _ in samples]
    # A mark takes some bytes too.
    excess += 64 * len(samples)
    for size, number, path in sorted(values, key=lambda value: (-value[0], value[1:])):
        if excess <= 0:
            break
        gone[number].add(path)
        excess -= size
    kept = [_without(sample, its, ()) | _mark(len(its)) for sample, its in zip(samples, gone, strict=True)]
    while len(kept) > 1 and len(orjson.dumps(kept, option=orjson.OPT_NON_STR_KEYS)) > SAMPLES_BYTES:
        kept.pop()
    return kept


def _sizes(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Bytes of each value with its name, and where it is; a list is one value."""
    for name, inner in value.items():
        here = (*path, name)
        if isinstance(inner, Mapping):
            yield from _sizes(inner, here)
        elif ".".join(here) not in WHOLE:
            yield len(orjson.dumps({name: inner}, option=orjson.OPT_NON_STR_KEYS)) - 1, here


def _without(value: Mapping[str, Any], gone: set[tuple[str, ...]], path: tuple[str, ...]) -> dict[str, Any]:
    kept = {
        name: _without(inner, gone, (*path, name)) if isinstance(inner, Mapping) else inner
        for name, inner in value.items()
        if (*path, name) not in gone
    }
    return {name: inner for name, inner in kept.items() if inner != {}}


def _mark(count: int) -> dict[str, Any]:
    return {"soc": {"left_out": count}} if count else {}
