"""Correlations in a real Spark stream: by timers, in event time, and the same as in a batch."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.pandas.types import from_arrow_schema

from detectors.grouping import of_firings
from detectors.sigma.occurrences import correlate
from hamrong.config import Config
from ingest.event import flatten
from jobs import loaded
from jobs.correlate import correlate as correlated
from jobs.correlator import Lost
from jobs.sinks.delta import SCHEMAS
from tests.detectors.sigma.log_in_rules import LOG_INS

START = datetime(2026, 3, 5, 2, tzinfo=UTC)
LATENESS = 600

RULES = (
    LOG_INS
    + """
title: refused and never accepted
id: never
name: never
correlation:
  type: temporal
  rules: [refused, accepted]
  group-by: [source.ip]
  timespan: 1m
  condition: refused and not accepted
---
title: many refused
id: many
correlation: {type: event_count, rules: [refused], group-by: [source.ip], timespan: 1m, condition: {gte: 3}}
---
title: never accepted twice
id: twice
correlation:
  type: event_count
  rules: [never]
  group-by: [source.ip]
  timespan: 10m
  condition: {gte: 2}
  generate: true
"""
)

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

Line = tuple[float, str, str]
"""Second, address, outcome."""


@pytest.fixture
def cfg(cfg: Config, tmp_path: Path) -> Config:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "never.yml").write_text(RULES)
    detection = dataclasses.replace(
        cfg.detection, rules=(tmp_path / "rules",), watermark_seconds=LATENESS, cache=tmp_path / "cache"
    )
    return dataclasses.replace(cfg, detection=detection)


def matches(lines: list[Line]) -> pa.Table:
    rows = []
    for second, address, outcome in lines:
        at = START + timedelta(seconds=second)
        event = {
            "@timestamp": at,
            "event": {"id": f"{address} {second}", "outcome": outcome, "ingested": at, "dataset": "linux.sshd"},
            "source": {"ip": address},
        }
        rows.append({"rule_id": {"failure": "refused", "success": "accepted"}[outcome], "at": at, "event": event})
    return pa.Table.from_pylist(rows, schema=SCHEMAS["matches"])


Told = dict[tuple[str, str], tuple[int, datetime, datetime]]


def in_stream(spark: Any, cfg: Config, folder: Path, batches: list[list[Line]]) -> tuple[list[Told], Counter[Any]]:
    """What each batch told: (rule, entity) -> count, first and last seen; and what was not counted."""
    source = folder / "matches"
    source.mkdir()
    lost: Any = spark.sparkContext.accumulator(Counter(), Lost())
    told: list[Told] = []

    def store(batch: Any, batch_id: int) -> None:
        rows = batch.collect()
        assert all(row.samples for row in rows)
        told[-1].update(
            {
                (row.rule_id, row.entity_value): (
                    row["count"],
                    row.first_seen.replace(tzinfo=UTC),
                    row.last_seen.replace(tzinfo=UTC),
                )
                for row in rows
            }
        )

    stream = spark.readStream.schema(from_arrow_schema(SCHEMAS["matches"])).parquet(str(source))
    query = (
        correlated(stream, cfg.detection, lost)
        .writeStream.outputMode("update")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .foreachBatch(store)
        .start()
    )
    try:
        for number, lines in enumerate(batches):
            told.append({})
            pq.write_table(matches(lines), folder / "part")
            (folder / "part").rename(source / f"{number}.parquet")
            query.processAllAvailable()
    finally:
        query.stop()
    return told, lost.value


def in_batch(cfg: Config, lines: list[Line]) -> Told:
    ruleset = loaded.ruleset(cfg.detection)
    table = matches(lines).combine_chunks().to_batches()[0]
    events = flatten(pa.RecordBatch.from_struct_array(table.column("event")))
    inputs = ruleset.correlation_inputs(table.column("rule_id"), events)
    told: Told = {}
    groups: dict[tuple[str, str], list[Any]] = {}
    for correlation, group, firing in correlate(ruleset.correlations, inputs):
        groups.setdefault((correlation.id, group), []).append(firing)
    by_id = {one.id: one for one in ruleset.correlations}
    for (name, group), firings in groups.items():
        for alert in of_firings(by_id[name], group, firings):
            told[name, alert["entity_value"]] = (alert["count"], alert["first_seen"], alert["last_seen"])
    return told


def test_what_must_not_come_is_told_when_its_window_has_closed(spark: Any, cfg: Config, tmp_path: Path) -> None:
    alone, late, many = "192.0.2.1", "192.0.2.2", "192.0.2.3"
    far = LATENESS + 61
    batches: list[list[Line]] = [
        [(0, alone, "failure"), (0, late, "failure"), *((second, many, "failure") for second in (0, 1, 2))],
        # Time goes on, but not so far that the windows have closed.
        [(LATENESS + 30, "192.0.2.9", "success")],
        # Ten minutes late, and still in time.
        [(40, late, "success")],
        [(far, "192.0.2.9", "success")],
        # Now it is too late.
        [(50, alone, "success"), (51, alone, "failure")],
        [(120, "192.0.2.7", "failure"), (far + 300, "192.0.2.9", "success")],
    ]
    told, lost = in_stream(spark, cfg, tmp_path, batches)
    assert [sorted(one) for one in told] == [
        [("many", many)],
        [],
        [],
        [("never", alone), ("never", many)],
        [],
        [("never", "192.0.2.7")],
    ]
    assert lost == {("never", "late"): 2, ("many", "late"): 1, ("twice", "late"): 2}
    in_time = [line for batch in (*batches[:4], batches[5]) for line in batch]
    assert in_batch(cfg, in_time) == {key: value for one in told for key, value in one.items()}
