"""json_lines: JSON objects whose keys are ECS names -> columns.

In:   a column of texts
Out:  the rows that hold a JSON object, and their columns by dotted name
Docs: RFC 8259; ECS, "nested and dotted keys"

Keys may be dotted, nested or both. What `ingest.event.FIELDS` does not know becomes text in `vendor`. A value that its
field can't hold (a word for a port) is left out: it stands in `event.original`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ingest import stamps
from ingest.event import FIELDS, LONG, MAP, TEXT, TEXTS, TIMESTAMP
from ingest.lines import Parsed

Document = dict[str, Any]

SET_HERE = {
    *("vendor", "tags", "error.message", "organization.name", "related.ip", "related.user", "related.hosts"),
    *(f"event.{name}" for name in ("original", "id", "kind", "module", "dataset", "ingested")),
}
"""Fields that the pipeline answers for: a sender may not write them."""


def read(texts: pa.Array, zones: pa.Array, accept: Callable[[Document], Document | None]) -> Parsed:
    """The objects that `accept` gives back, maybe changed, when shown them with dotted keys; None is "not mine".

    Stamps without an offset are in `zones`.
    """
    rows: list[int] = []
    counts: list[int] = []
    keys: list[str] = []
    others: list[str] = []
    cells: defaultdict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for row, text in enumerate(texts.to_pylist()):
        document = _object(text)
        if document is not None:
            document = accept(document)
        if document is None:
            continue
        before = len(keys)
        for name, value in document.items():
            if fit := _FITS.get(name):
                if (fitting := fit(value)) is not None:
                    positions, values = cells[name]
                    positions.append(len(rows))
                    values.append(fitting)
            elif not _is_set_here(name):
                keys.append(name)
                others.append(value if isinstance(value, str) else _text(value))
        rows.append(row)
        counts.append(len(keys) - before)
    known = np.array(rows, dtype=np.int64)
    columns = {name: _column(name, at, values, len(rows)) for name, (at, values) in cells.items()}
    of_rows = zones.take(pa.array(known))
    for name, column in columns.items():
        if FIELDS[name] == TIMESTAMP:
            columns[name] = stamps.iso(column, of_rows)
    return known, columns | {"vendor": _map(counts, keys, others)}


def _object(text: str | None) -> Document | None:
    """The object with its nested keys dotted; None when the text is not one."""
    try:
        document = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    leaves: Document = {}
    # A stack, not a recursion: the depth of a line is its sender's to choose.
    stack = [("", iter(document.items()))]
    while stack:
        prefix, items = stack[-1]
        for name, value in items:
            path = prefix + name
            if isinstance(value, dict):
                stack.append((f"{path}." if path else "", iter(value.items())))
                break
            if value is not None:
                leaves[path] = value
        else:
            stack.pop()
    return leaves


def _map(counts: list[int], keys: list[str], values: list[str]) -> pa.Array:
    """The pairs of each row, which come in order, as maps; null for a row without any."""
    of_row = np.array(counts, dtype=np.int64)
    bounds = np.concatenate([[0], np.cumsum(of_row)])
    offsets = pa.array(bounds, pa.int32(), mask=np.append(of_row == 0, False))
    return pa.MapArray.from_arrays(offsets, pa.array(keys, TEXT), pa.array(values, TEXT)).cast(MAP)


def _column(name: str, positions: list[int], values: list[Any], rows: int) -> pa.Array:
    kind = TEXT if FIELDS[name] == TIMESTAMP else FIELDS[name]
    column = pa.array(values, kind)
    if len(positions) == rows:
        return column
    source = np.full(rows, -1, dtype=np.int64)
    source[positions] = np.arange(len(positions))
    return column.take(pa.array(source, mask=source < 0))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _long(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 else None


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in value if item is not None] if isinstance(value, list) else [_text(value)]


def _scalar(value: Any) -> str | None:
    return None if isinstance(value, dict) else _text(value)


def _pairs(value: Any) -> None:
    return None


_FIT: dict[pa.DataType, Callable[[Any], Any]] = {
    TEXT: _scalar,
    LONG: _long,
    TEXTS: _texts,
    TIMESTAMP: _text,
    MAP: _pairs,
}


def _is_set_here(name: str) -> bool:
    return name in SET_HERE or name.startswith("log.syslog.")


# By name and not by type, since the hash of a type costs more than the value.
_FITS = {name: _FIT[kind] for name, kind in FIELDS.items() if not _is_set_here(name)}
