"""alerts: matches -> alert documents, the same way in every job.

In:   matches (`jobs.detect.matched`), in a micro-batch or as a stream
Out:  one row an alert (ALERT), and the function that makes its document
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from detectors.alert import SAMPLES, Seen, Source, document
from detectors.grouping import MATCH
from detectors.sigma.rule import Correlation, Rule
from hamrong.config import Detection
from ingest.event import TEXTS, TIMESTAMP
from ingest.sources import Register
from jobs import loaded

IDENTITY = tuple(MATCH.names)

ALERT = pa.schema(
    [
        *MATCH,
        pa.field("count", pa.int64()),
        pa.field("first_seen", TIMESTAMP),
        pa.field("last_seen", TIMESTAMP),
        pa.field("samples", TEXTS),
    ]
)
"""An alert before it is a document; `samples` are events as JSON, oldest first."""


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


def build_documents(detection: Detection) -> Callable[[pa.RecordBatch], list[dict[str, Any]]]:
    """Rows of `alert_rows` -> documents; the rule set and the register are read on the executor."""

    def build(batch: pa.RecordBatch) -> list[dict[str, Any]]:
        register, ruleset = loaded.register(detection), loaded.ruleset(detection)
        known: dict[str, Rule | Correlation] = {rule.id: rule for rule in ruleset.rules}
        known |= {correlation.id: correlation for correlation in ruleset.correlations}
        now = datetime.now(UTC)
        return [
            document(
                source(known.get(row["rule_id"]) or removed(row["rule_id"]), ruleset.version), seen(row, register), now
            )
            for row in batch.to_pylist()
        ]

    return build


def removed(rule_id: str) -> Rule:
    """What stands for a rule that was taken out of the set while its matches were still on their way."""
    return Rule(id=rule_id, title=f"Rule {rule_id} (no longer in the rule set)", level="medium")


def source(rule: Rule | Correlation, version: str) -> Source:
    return Source(
        id=rule.id,
        title=rule.title,
        level=rule.level,
        detector="correlation" if isinstance(rule, Correlation) else "sigma",
        status=rule.status,
        description=rule.description,
        author=rule.author,
        tags=rule.tags,
        references=rule.references,
        reason=rule.reason,
        reason_vi=rule.reason_vi,
        runbook=rule.runbook,
        ruleset=version,
    )


def seen(row: dict[str, Any], register: Register) -> Seen:
    samples = [orjson.loads(sample) for sample in row["samples"]]
    systems = [(sample.get("service") or {}).get("name") for sample in samples]
    values = {name: row[name] for name in (*IDENTITY[2:], "count", "first_seen", "last_seen")}
    return Seen(**values, samples=samples, asset_level=register.asset_level(systems))
