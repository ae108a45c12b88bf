"""volume: what the tasks found, counted up.

In:   tasks and the chosen rules
Out:  DataFrames of matches and alerts, and the few rows that are shown of them

Alerts come of the same matches by the same ids as in the stream: a plain rule's are grouped by entity and window, a
correlation's are what the stream's `correlate` fires on the same occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from detectors.grouping import MATCH, of_firings
from detectors.raised import IDENTITY
from detectors.sigma.correlate import INPUTS, Firing
from detectors.sigma.occurrences import correlate
from ingest.event import LONG, TIMESTAMP
from jobs.backtest.chosen import Chosen
from jobs.backtest.contents import EntityVolume
from jobs.backtest.matching import COUNTED, FOUND, Task

ALERTS = pa.schema(
    [*MATCH, ("count", LONG), ("first_seen", TIMESTAMP), ("last_seen", TIMESTAMP), ("raised", TIMESTAMP)]
)
"""`raised` is the receipt of the line that would have raised it."""

TOP = 10
SLOTS = 100
"""Into so many pieces the time between the first and the last match is cut, to draw samples from each."""


def found(spark: SparkSession, tasks: Sequence[Task], chosen: Chosen) -> DataFrame:
    """Rows of FOUND; one Spark task each."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield from tasks[number].run(chosen)

    return spark.range(0, len(tasks), 1, max(len(tasks), 1)).mapInArrow(run, from_arrow_schema(FOUND))


def matches(rows: DataFrame, since: datetime) -> DataFrame:
    """Without those from before the span, which are only there for the windows of a correlation."""
    return rows.where(F.col("rule_id").isNotNull() & (F.col("received") >= F.lit(since)))


def alerts(rows: DataFrame, chosen: Chosen, since: datetime) -> DataFrame:
    """Rows of ALERTS."""
    if chosen.correlation:
        return _fired(rows, chosen).where(F.col("raised") >= F.lit(since))
    return (
        matches(rows, since)
        .where("alert_id is not null")
        .groupBy(*IDENTITY)
        .agg(
            F.count("*").alias("count"),
            F.min("at").alias("first_seen"),
            F.max("at").alias("last_seen"),
            F.min("received").alias("raised"),
        )
    )


def _fired(rows: DataFrame, chosen: Chosen) -> DataFrame:
    def fire(group: pa.Table) -> pa.Table:
        ruleset = chosen.ruleset()
        correlations = [one for one in ruleset.correlations if one.id == chosen.id]
        received = dict(zip(group["event_id"].to_pylist(), group["received"].to_pylist(), strict=True))
        numbered = group.append_column("row", pa.array(np.arange(group.num_rows), pa.int32()))
        inputs = numbered.select(INPUTS.names).cast(INPUTS)
        firings: dict[str, list[Firing]] = {}
        for _, name, firing in correlate(correlations, inputs):
            firings.setdefault(name, []).append(firing)
        made = [alert for name, its in firings.items() for alert in of_firings(correlations[0], name, its)]
        for alert in made:
            known = [received[event] for event in alert.pop("event_ids") if event in received]
            alert["raised"] = max(known, default=alert["last_seen"])
        return pa.Table.from_pylist(made, schema=ALERTS)

    counted = rows.where(F.size("counted") > 0).select("received", F.inline("counted"))
    assert counted.columns == ["received", *COUNTED.names]
    return counted.groupBy("correlation", "group").applyInArrow(fire, from_arrow_schema(ALERTS))


def by_day(rows: DataFrame, moment: str, zone: str) -> dict[str, int]:
    """How many rows each local day has."""
    day = F.date_format(F.from_utc_timestamp(moment, zone), "yyyy-MM-dd")
    return {row.day: row.number for row in rows.groupBy(day.alias("day")).agg(F.count("*").alias("number")).collect()}


def entities(rows: DataFrame) -> tuple[EntityVolume, ...]:
    """Those with the most alerts."""
    counted = rows.groupBy("entity_type", "entity_value").agg(
        F.count("*").alias("alerts"), F.sum("count").alias("matches")
    )
    first = counted.orderBy(F.desc("alerts"), F.desc("matches"), "entity_type", "entity_value").limit(TOP)
    return tuple(EntityVolume(row.entity_type, row.entity_value, row.alerts, row.matches) for row in first.collect())


def places(rows: DataFrame, wanted: int = TOP) -> list[tuple[str, int, int]]:
    """File, row group and row of a few matches, spread over the time in which there are any, the oldest first."""
    bounds = rows.agg(F.min("received").alias("first"), F.max("received").alias("last"))
    slot = F.floor((_seconds("received") - _seconds("first")) * SLOTS / (_seconds("last") - _seconds("first") + 1))
    place = "struct(received, path, row_group, row)"
    drawn = (
        rows.join(F.broadcast(bounds))
        .groupBy(slot.alias("slot"))
        .agg(F.expr(f"min_by({place}, {place}, {wanted})").alias("places"))
        .select(F.explode("places").alias("place"))
        .collect()
    )
    ordered = sorted({_place(row.place) for row in drawn})
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(wanted, len(ordered))).round().astype(int))
    return [ordered[number][1:] for number in chosen.tolist()]


def _seconds(name: str) -> Column:
    return F.unix_seconds(F.col(name))


def _place(row: Row) -> tuple[Any, str, int, int]:
    return row.received, row.path, row.row_group, row.row
