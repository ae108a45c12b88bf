"""json_lines: JSON objects whose keys are ECS names -> columns.

In:   a column of texts
Out:  the rows that hold a JSON object, and their columns by dotted name
Docs: RFC 8259; ECS, "nested and dotted keys"

Keys may be dotted, nested or both. What `ingest.event.FIELDS` does not know becomes text in `vendor`. A value that its
field can't hold (a word for a port) is left out: it stands in `event.original`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
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
    vendor: list[list[tuple[str, str]]] = []
    cells: defaultdict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for row, text in enumerate(texts.to_pylist()):
        document = _object(text)
        if document is not None:
            document = accept(document)
        if document is None:
            continue
        others: list[tuple[str, str]] = []
        for name, value in document.items():
            kind = FIELDS.get(name)
            if name in SET_HERE or name.startswith("log.syslog."):
                continue
            if kind is None:
                others.append((name, _text(value)))
            elif (fitting := _FIT[kind](value)) is not None:
                positions, values = cells[name]
                positions.append(len(rows))
                values.append(fitting)
        rows.append(row)
        vendor.append(others)
    known = np.array(rows, dtype=np.int64)
    columns = {name: _column(name, at, values, len(rows)) for name, (at, values) in cells.items()}
    of_rows = zones.take(pa.array(known))
    for name, column in columns.items():
        if FIELDS[name] == TIMESTAMP:
            columns[name] = stamps.iso(column, of_rows)
    return known, columns | {"vendor": pa.array([pairs or None for pairs in vendor], MAP)}


def _object(text: str | None) -> Document | None:
    """The object with its nested keys dotted; None when the text is not one."""
    try:
        document = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    if any(isinstance(value, dict) for value in document.values()):
        return dict(_leaves(document))
    return {name: value for name, value in document.items() if value is not None}


def _leaves(document: Document) -> Iterator[tuple[str, Any]]:
    # A stack, not a recursion: the depth of a line is its sender's to choose.
    stack = [iter([("", document)])]
    names: list[str] = []
    while stack:
        for name, value in stack[-1]:
            path = f"{names[-1]}.{name}" if names and names[-1] else name
            if isinstance(value, dict):
                stack.append(iter(value.items()))
                names.append(path)
                break
            if value is not None:
                yield path, value
        else:
            stack.pop()
            if names:
                names.pop()


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
