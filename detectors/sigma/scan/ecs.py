"""ecs: events with Sigma's, Winlogbeat's or ECS names -> ECS.

In:   a flat batch as `ndjson` makes it
Out:  the same rows with the columns of `ingest.event.FIELDS`; what ECS lacks under `vendor`
Docs: `detectors/sigma/fields/*.yml`, read from the column to the field; ECS field reference

For the few events that matched: values go through Python one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from detectors.sigma.taxonomy import Taxonomy
from ingest.columns import Sheet
from ingest.entities import complete
from ingest.event import FIELDS, LONG, MAP, TEXT, TEXTS, TIMESTAMP

WHEN = "@timestamp"
WHO = ("host.name", "user.name")

# How exporters of Windows events, and other tools of this kind, call them; the tables know what rules use.
_ALSO = {
    WHEN: ("TimeCreated", "SystemTime", "timestamp", "UtcTime", "EventTime"),
    "host.name": ("Hostname", "hostname", "host"),
}
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class View:
    def __init__(self, taxonomy: Taxonomy) -> None:
        self._holders = {name: tuple(dict.fromkeys((*taxonomy.holders(name), *_ALSO.get(name, ())))) for name in FIELDS}

    def column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """One field in its type: row by row what the surest of the columns that can hold it says."""
        present = set(batch.schema.names)
        values: list[Any] = [None] * batch.num_rows
        for column in self._holders[name]:
            if column in present and None in values:
                held = map(_CONVERT[FIELDS[name]], batch.column(column).to_pylist())
                # Windows writes a field that has nothing to say as "-".
                said = held if column == name else (None if value in ("", "-") else value for value in held)
                values = [other if value is None else value for value, other in zip(values, said, strict=True)]
        return pa.array(values, FIELDS[name])

    def dated(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its time as `@timestamp`, whatever it was called."""
        others = {name: array for name, array in zip(batch.schema.names, batch.columns, strict=True) if name != WHEN}
        return pa.RecordBatch.from_pydict({**others, WHEN: self.column(batch, WHEN)})

    def events(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """All of it as `ingest.parse` would give it."""
        sheet = Sheet(batch.num_rows)
        sheet.put({"event.kind": pa.repeat(pa.scalar("event"), batch.num_rows)})
        sheet.put({name: self.column(batch, name) for name, kind in FIELDS.items() if kind != MAP})
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            if name not in FIELDS:
                sheet.put({name: pa.array(map(_text, array.to_pylist()), TEXT)})
        complete(sheet)
        return sheet.batch()


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(map(str, value)) if value else None
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _texts(value: Any) -> list[str] | None:
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item is not None] or None


def _number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text and _WHOLE.fullmatch(text) else None


def _time(value: Any) -> datetime | None:
    """A time without a zone is UTC, as Windows writes it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.removesuffix(" UTC"))
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        return None


_CONVERT: dict[pa.DataType, Callable[[Any], Any]] = {TEXT: _text, TEXTS: _texts, LONG: _number, TIMESTAMP: _time}
