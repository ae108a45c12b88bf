"""ndjson: JSON lines -> events for the matcher.

In:   lines of one JSON object each, with Sigma's field names or ECS ones, dotted or nested
Out:  `Objects`, or a flat batch, with a row for every line; a line that is no object is a row of nulls and is counted
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma.objects import Objects


def read(block: bytes) -> tuple[Objects, list[int]]:
    """The lines of a block, with or without an end to the last; and which of them hold no JSON object."""
    try:
        events: list[Any] = list(map(orjson.loads, io.BytesIO(block)))
    except orjson.JSONDecodeError:
        events = [_object(line) for line in io.BytesIO(block)]
    return Objects(block, events), _without(events)


def flat_batch(lines: Sequence[bytes]) -> tuple[pa.RecordBatch, list[int]]:
    """Lines as a flat batch, and which of them hold no JSON object."""
    events = [_object(line) for line in lines]
    return Objects(b"", events).batch(), _without(events)


def _object(line: bytes) -> Any:
    """What the line holds; None if it is no JSON."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # Half a surrogate pair, NaN, a number past any double, bytes that are not UTF-8.
            event = _sound(json.loads(line.decode("utf-8", "replace")))
        except (ValueError, RecursionError):
            return None
    return event


def _without(events: Sequence[Any]) -> list[int]:
    return [row for row, event in enumerate(events) if type(event) is not dict]


def _sound(value: Any) -> Any:
    """The same with text that can be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sound(name): _sound(inner) for name, inner in value.items()}
    return list(map(_sound, value)) if isinstance(value, list) else value
