"""alerts: matches -> alert documents, the same way in every job.

In:   matches (`jobs.detect.matched`), in a micro-batch or as a stream
Out:  one row an alert (`detectors.raised.ALERT`), and the function that makes its document
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from detectors.alert import SAMPLES
from detectors.counting import count_up
from detectors.raised import ALERT, IDENTITY, documents
from detectors.samples import written
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
    events = matches.column("event")
    found = count_up(matches, events.field("event").field("id"))
    rows = found.column("rows")
    samples = pa.ListArray.from_arrays(
        rows.offsets, pa.array(written(pa.RecordBatch.from_struct_array(events.take(rows.values))), pa.string())
    )
    return pa.RecordBatch.from_arrays([*found.columns[:-1], samples], schema=ALERT)


def build_documents(detection: Detection) -> Build:
    """Rows of ALERT -> documents, by the rule set that is live; it and the register are read on the executor."""

    def build(batch: pa.RecordBatch) -> list[dict[str, Any]]:
        return documents_of(loaded.register(detection), loaded.live(detection))(batch)

    return build


def documents_of(register: Register, ruleset: Ruleset) -> Build:
    """The same by this rule set: whoever matches tells by the same one, though another may have become live."""
    return lambda batch: documents(batch.to_pylist(), ruleset, register.asset_level, datetime.now(UTC))
