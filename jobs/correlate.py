"""correlate: matches -> alerts of Sigma correlations, by event time.

In:   the lake's `matches`, as a stream
Out:  alerts of correlations; their `count` is the largest that one sliding window held
Docs: Sigma correlation rules specification 2.1; Spark transformWithState
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery

from detectors.raised import ALERT
from hamrong.config import Config, Detection
from ingest.event import TIMESTAMP, flatten
from jobs import loaded
from jobs.alerts import build_documents
from jobs.canaries import road
from jobs.correlator import GRACE_SECONDS, OCCURRENCES, Correlator, Lost, LostCounts
from jobs.sinks import delta, opensearch
from jobs.uncounted import Uncounted


def occurrences(matches: DataFrame, detection: Detection) -> DataFrame:
    """Matches -> rows for each correlation that a match feeds, and one a batch for its clock."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ruleset = loaded.live(detection)
        for batch in batches:
            events = flatten(pa.RecordBatch.from_struct_array(batch.column("event")))
            found = ruleset.correlation_inputs(batch.column("rule_id"), events)
            samples = batch.column("sample").take(found.column("row"))
            canaries = pa.array([road.key(event_id) for event_id in found.column("event_id").to_pylist()], pa.string())
            clock = _clock(events)
            clocks = clock.take(found.column("row"))
            yield pa.RecordBatch.from_arrays([*found.columns, samples, canaries, clocks], schema=OCCURRENCES)
            # Also a match that no correlation counts says that time goes on, and lets windows close.
            yield pa.RecordBatch.from_pylist([{"clock": pc.max(clock).as_py()}], OCCURRENCES)

    rows = matches.select("rule_id", "event", F.to_json("event").alias("sample"))
    return rows.mapInArrow(run, from_arrow_schema(OCCURRENCES))


def _clock(events: pa.RecordBatch) -> pa.Array:
    """An event's time, but no later than its receipt: one sender with a clock in the future must not make everybody
    else's lines late."""
    names = [name for name in ("@timestamp", "event.ingested") if name in events.schema.names]
    # Arrow has no smaller of two times.
    times = [events.column(name).cast(TIMESTAMP).cast(pa.int64()) for name in names]
    return pc.min_element_wise(*times).cast(TIMESTAMP) if times else pa.nulls(events.num_rows, TIMESTAMP)


def correlate(matches: DataFrame, detection: Detection, lost: LostCounts) -> DataFrame:
    """A stream of matches -> a stream of ALERT rows. State is bounded by group and ends with its windows."""
    # Lines of one moment come by different relays, which buffer for minutes: until then a window may still fill.
    lateness = f"{detection.watermark_seconds + GRACE_SECONDS} seconds"
    fed = occurrences(matches, detection).withWatermark("clock", lateness)
    return fed.groupBy("correlation", "group", "canary").transformWithStateInPandas(
        Correlator(detection, lost), from_arrow_schema(ALERT), outputMode="Update", timeMode="EventTime"
    )


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. Effectively once: state and offsets are in the checkpoint, and alerts only grow."""
    lost: LostCounts = spark.sparkContext.accumulator(Counter(), Lost())
    uncounted = Uncounted()

    def store(batch: DataFrame, batch_id: int) -> None:
        opensearch.publish(batch, build_documents(cfg.detection), cfg)
        uncounted.tell(lost.value, cfg, datetime.now(UTC))

    return (
        correlate(delta.stream(spark, cfg, "matches"), cfg.detection, lost)
        .writeStream.queryName("correlate")
        .outputMode("update")
        # The number says how state is written: a checkpoint of an older way cannot be gone on with.
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/correlate-2")
        .trigger(processingTime=f"{cfg.spark.trigger_seconds} seconds")
        .foreachBatch(store)
        .start()
    )
