"""alerts: matches -> alert documents, the same way in every job.

In:   matches (`jobs.detect.matched`), in a micro-batch or as a stream
Out:  one row an alert (`detectors.raised.ALERT`), and the function that makes its document
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from detectors.alert import SAMPLES
from detectors.raised import ALERT, IDENTITY, documents
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Detection
from ingest.sources import Register
from jobs import loaded

Build = Callable[[pa.RecordBatch], list[dict[str, Any]]]


def alert_rows(matches: DataFrame) -> DataFrame:
    """Matches -> rows of ALERT, with the first five events by time. In a stream, a row comes again when it grows."""
    return (
        matches.where("alert_id is not null")
        .groupBy(*IDENTITY)
        .agg(
            F.count("*").alias("count"),
            F.min("at").alias("first_seen"),
            F.max("at").alias("last_seen"),
            F.expr(f"min_by(to_json(event), struct(at, event.event.id), {SAMPLES})").alias("samples"),
        )
    )


def batch_rows(matches: pa.RecordBatch) -> pa.RecordBatch:
    """The same of one Arrow batch of matches, where it lies: rows of ALERT, by alert id."""
    alert, at, events = (matches.column(name) for name in ("alert_id", "at", "event"))
    keys = pa.table([alert, at, events.field("event").field("id")], names=["alert", "at", "event"])
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
    # Nulls come last: matches that only feed a correlation.
    order = order[: len(order) - alert.null_count]
    ids = alert.take(order).dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    ends = np.append(starts[1:], len(ids))[: len(starts)]
    rank = np.arange(len(ids)) - np.repeat(starts, ends - starts)
    samples = _json(events.take(order.filter(pa.array(rank < SAMPLES))))
    offsets = np.concatenate(([0], np.cumsum(np.minimum(ends - starts, SAMPLES))))
    firsts, lasts = order.take(pa.array(starts)), order.take(pa.array(ends - 1))
    return pa.RecordBatch.from_arrays(
        [
            *(matches.column(name).take(firsts) for name in IDENTITY),
            pa.array(ends - starts),
            at.take(firsts),
            at.take(lasts),
            pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), samples),
        ],
        schema=ALERT,
    )


def _json(events: pa.StructArray) -> pa.Array:
    """Events as JSON, as Spark's `to_json` writes them: without nulls, moments in ISO 8601 with milliseconds."""
    rows = [orjson.dumps(row, _moment, orjson.OPT_PASSTHROUGH_DATETIME).decode() for row in _rows(events)]
    return pa.array(rows, pa.string())


def _rows(events: pa.StructArray) -> list[dict[str, Any]]:
    """`to_pylist` without nulls. Of an event's 160 columns a batch has values in a few dozen; only those are walked."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(events))]
    for number, field in enumerate(events.type):
        column = events.field(number)
        if column.null_count == len(column):
            continue
        is_struct = pa.types.is_struct(column.type)
        values = _rows(column) if is_struct else column.to_pylist(maps_as_pydicts="lossy")
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                row[field.name] = value
    return rows


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def build_documents(detection: Detection) -> Build:
    """Rows of ALERT -> documents, by the rule set that is live; it and the register are read on the executor."""

    def build(batch: pa.RecordBatch) -> list[dict[str, Any]]:
        return documents_of(loaded.register(detection), loaded.live(detection))(batch)

    return build


def documents_of(register: Register, ruleset: Ruleset) -> Build:
    """The same by this rule set: whoever matches tells by the same one, though another may have become live."""
    return lambda batch: documents(batch.to_pylist(), ruleset, register.asset_level, datetime.now(UTC))
