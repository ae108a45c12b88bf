"""correlate: matches -> alerts of Sigma correlations, by event time.

In:   the lake's `matches`, as a stream
Out:  alerts of correlations; their `count` is the largest that one sliding window held
Docs: Sigma correlation rules specification 2.1; Spark transformWithState
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.stateful_processor import (
    ExpiredTimerInfo,
    StatefulProcessor,
    StatefulProcessorHandle,
    TimerValues,
)

from detectors.grouping import of_firings
from detectors.raised import ALERT
from detectors.sigma.correlate import INPUTS, Occurrence, State, advance
from hamrong.config import Config, Detection
from ingest.event import flatten
from jobs import loaded
from jobs.alerts import build_documents
from jobs.sinks import delta, opensearch

OCCURRENCES = INPUTS.append(pa.field("sample", pa.string()))
"""What a correlation counts, with the event as JSON for the alert's evidence."""


def occurrences(matches: DataFrame, detection: Detection) -> DataFrame:
    """Matches -> one row for each correlation that a match feeds."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ruleset = loaded.ruleset(detection)
        for batch in batches:
            events = flatten(pa.RecordBatch.from_struct_array(batch.column("event")))
            found = ruleset.correlation_inputs(batch.column("rule_id"), events)
            samples = batch.column("sample").take(found.column("row"))
            yield pa.RecordBatch.from_arrays([*found.columns, samples], schema=OCCURRENCES)

    rows = matches.select("rule_id", "event", F.to_json("event").alias("sample"))
    return rows.mapInArrow(run, from_arrow_schema(OCCURRENCES))


class Correlator(StatefulProcessor):
    """The sliding windows of one (correlation, group), kept in Spark's state."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._handle = handle
        self._state = handle.getValueState("window", "dump binary")

    def handleInputRows(  # noqa: N802 (Spark's name)
        self,
        key: Any,
        rows: Iterator[pd.DataFrame],
        timerValues: TimerValues,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        name, group = key
        by_id = {correlation.id: correlation for correlation in loaded.ruleset(self._detection).correlations}
        if name not in by_id:
            # The rule was taken out while its matches were on their way: nothing is left to fire.
            self._state.clear()
            return
        seen = [row for frame in rows for row in frame.itertuples(index=False)]
        # Spark hands times over without a zone, as those of the session's, UTC; `value` is nanoseconds since 1970.
        fresh = [Occurrence(row.at.value // 1000, row.event_id, row.rule, row.value) for row in seen]
        state, firings = advance(by_id[name], self._load(), fresh, self._detection.watermark_seconds)
        self._state.update((state.dump(),))
        self._handle.registerTimer(state.until // 1000)
        samples = {row.event_id: row.sample for row in seen}
        alerts = of_firings(by_id[name], group, firings)
        for alert in alerts:
            known = [samples[event] for event in alert.pop("event_ids") if event in samples]
            # A firing's own events may all lie in earlier batches; what came now is then the evidence at hand.
            alert["samples"] = known or [seen[-1].sample]
        if alerts:
            yield pd.DataFrame(alerts, columns=ALERT.names)

    def handleExpiredTimer(  # noqa: N802
        self,
        key: Any,
        timerValues: TimerValues,  # noqa: N803
        expiredTimerInfo: ExpiredTimerInfo,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        if self._load().until // 1000 <= timerValues.getCurrentWatermarkInMs():
            self._state.clear()
        return iter(())

    def _load(self) -> State:
        kept = self._state.get()
        return State.load(bytes(kept[0])) if kept else State()


def correlate(matches: DataFrame, detection: Detection) -> DataFrame:
    """A stream of matches -> a stream of ALERT rows. State is bounded by group and ends with its windows."""
    # Lines of one moment come by different relays, which buffer for minutes: until then a window may still fill.
    fed = occurrences(matches, detection).withWatermark("at", f"{detection.watermark_seconds} seconds")
    return fed.groupBy("correlation", "group").transformWithStateInPandas(
        Correlator(detection), from_arrow_schema(ALERT), outputMode="Update", timeMode="EventTime"
    )


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. Effectively once: state and offsets are in the checkpoint, and alerts only grow."""

    def store(batch: DataFrame, batch_id: int) -> None:
        opensearch.publish(batch, build_documents(cfg.detection), cfg)

    return (
        correlate(delta.stream(spark, cfg, "matches"), cfg.detection)
        .writeStream.queryName("correlate")
        .outputMode("update")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/correlate")
        .trigger(processingTime=f"{cfg.spark.trigger_seconds} seconds")
        .foreachBatch(store)
        .start()
    )
