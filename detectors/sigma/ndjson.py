"""ndjson: JSON lines -> a flat batch.

In:   lines of one JSON object each, with Sigma's field names or ECS ones, dotted or nested
Out:  a flat batch with a row for every line; a line that is no object is a row of nulls and is counted
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

MAX_FIELDS = 2_000
"""Of one event; the rest is left out."""
MAX_COLUMNS = 20_000
"""Of one batch, for events that name ever-new fields."""


def flat_batch(lines: Sequence[bytes]) -> tuple[pa.RecordBatch, list[int]]:
    """The batch, and which lines hold no JSON object."""
    columns: dict[str, list[Any]] = {}
    broken: list[int] = []
    rows = len(lines)
    for row, line in enumerate(lines):
        event = _object(line)
        if event is None:
            broken.append(row)
            continue
        for number, (name, value) in enumerate(_fields(event)):
            column = columns.get(name)
            if column is None:
                if len(columns) >= MAX_COLUMNS:
                    continue
                column = columns[name] = [None] * rows
            if number >= MAX_FIELDS:
                break
            column[row] = value if column[row] is None else [*_listed(column[row]), *_listed(value)]
    arrays = {name: _array(values) for name, values in columns.items()}
    if not arrays:
        arrays = {"message": pa.nulls(rows, pa.string())}
    return pa.RecordBatch.from_pydict(arrays), broken


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # Half a surrogate pair, a number past 64 bits, bytes that are not UTF-8.
            event = json.loads(line.decode("utf-8", "backslashreplace"))
        except (ValueError, RecursionError):
            return None
    return event if isinstance(event, dict) else None


def _fields(event: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Dotted names with scalars or lists of scalars; nulls are left out."""
    for value in event.values():
        if isinstance(value, (dict, list)):
            return _flattened("", event)
    return event.items()


def _flattened(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flattened(f"{prefix}.{name}" if prefix else name, inner)
    elif isinstance(value, list):
        scalars = [item for item in value if not isinstance(item, (dict, list)) and item is not None]
        if scalars:
            yield prefix, scalars
        for item in value:
            if isinstance(item, (dict, list)):
                yield from _flattened(prefix, item)
    elif value is not None:
        yield prefix, value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _array(values: list[Any]) -> pa.Array:
    """Text, whole numbers or lists of text; what is mixed becomes text."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError):
        pass
    if any(isinstance(value, list) for value in values):
        return pa.array([None if value is None else [_text(item) for item in _listed(value)] for value in values])
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return json.dumps(value)
