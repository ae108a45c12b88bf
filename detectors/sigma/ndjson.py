"""ndjson: JSON lines -> a flat batch.

In:   lines of one JSON object each, with Sigma's field names or ECS ones, dotted or nested
Out:  a flat batch with a row for every line; a line that is no object is a row of nulls and is counted
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

MAX_FIELDS = 2_000
"""Of one event; the rest is left out."""
MAX_COLUMNS = 20_000
"""Of one batch, for events that name ever-new fields."""


Values = list[Any]


def flat_batch(lines: Sequence[bytes]) -> tuple[pa.RecordBatch, list[int]]:
    """The batch, and which lines hold no JSON object."""
    columns: dict[str, Values] = {}
    broken: list[int] = []
    rows = len(lines)
    for row, line in enumerate(lines):
        event = _object(line)
        if event is None:
            broken.append(row)
            continue
        if len(event) > MAX_FIELDS:
            event = dict(itertools.islice(event.items(), MAX_FIELDS))
        for name, value in event.items():
            column = columns.get(name)
            if column is None:
                if len(columns) >= MAX_COLUMNS:
                    continue
                column = columns[name] = [None] * rows
            column[row] = value
    arrays = _arrays(columns, rows)
    if not arrays:
        arrays = {"message": pa.nulls(rows, pa.string())}
    return pa.RecordBatch.from_pydict(arrays), broken


def _arrays(columns: dict[str, Values], rows: int) -> dict[str, pa.Array]:
    """Objects are rare among flat events: only a column that turns out to hold some is taken apart."""
    arrays: dict[str, pa.Array] = {}
    inner: dict[str, Values] = {}
    for name, values in columns.items():
        array = _array(values)
        if array is None:
            _take_apart(name, values, inner, rows)
        elif array.null_count < rows:
            arrays[name] = array
    for name, values in inner.items():
        if name in arrays:
            # The same field, dotted here and nested there.
            values = [_joined(*both) for both in zip(columns[name], values, strict=True)]
        array = _array(values)
        if array is not None:
            arrays[name] = array
    return arrays


def _take_apart(name: str, values: Values, inner: dict[str, Values], rows: int) -> None:
    for row, value in enumerate(values):
        for dotted, scalar in itertools.islice(_flattened(name, value), MAX_FIELDS):
            column = inner.get(dotted)
            if column is None:
                if len(inner) >= MAX_COLUMNS:
                    break
                column = inner[dotted] = [None] * rows
            column[row] = _joined(column[row], scalar)


def _joined(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return [*_listed(one), *_listed(other)]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # Half a surrogate pair, a number past 64 bits, bytes that are not UTF-8.
            event = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return event if isinstance(event, dict) else None


def _flattened(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Dotted names with scalars or lists of scalars; nulls are left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flattened(f"{prefix}.{name}", inner)
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


def _array(values: Values) -> pa.Array | None:
    """Text, numbers, truth, or lists of those; what is mixed becomes text. None if objects are among them."""
    for kind in (pa.string(), None):
        try:
            array = pa.array(values, kind)
        except (pa.ArrowException, OverflowError, UnicodeEncodeError):
            continue
        item = array.type.value_type if pa.types.is_list(array.type) else array.type
        if not pa.types.is_nested(item):
            return array
        return None
    if any(_holds_object(value) for value in values):
        return None
    if any(isinstance(value, list) for value in values):
        return pa.array([_texts(value) for value in values], pa.list_(pa.string()))
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _holds_object(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _texts(value: Any) -> list[str] | None:
    return None if value is None else [_text(item) for item in _listed(value) if item is not None]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return json.dumps(value)
