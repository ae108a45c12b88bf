"""count: matches -> how often each alert was matched, and when first and last.

In:   the lake's `matches`, as a stream
Out:  alerts whose `count`, `first_seen` and `last_seen` are those of the whole window

`jobs.detect` raises an alert with what one micro-batch saw; this job keeps the sum in Spark's state and sets it.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from detectors.grouping import AHEAD
from detectors.sigma.metadata import MAX_ALERT_SECONDS
from hamrong.config import Config
from jobs.alerts import alert_rows, build_documents
from jobs.sinks import delta, opensearch


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. Effectively once: state and offsets are in the checkpoint, and alerts only grow."""

    def store(batch: DataFrame, batch_id: int) -> None:
        opensearch.publish(batch, build_documents(cfg.detection), cfg)

    # State of a window may go when no line of it can come any more: one longest window after its start, plus the
    # lateness that we grant, plus what a clock that runs ahead may take from all others.
    kept = MAX_ALERT_SECONDS + cfg.detection.watermark_seconds + AHEAD
    matches = delta.stream(spark, cfg, "matches").withWatermark("window_start", f"{kept} seconds")
    return (
        alert_rows(matches)
        .writeStream.queryName("count")
        .outputMode("update")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/count")
        .trigger(processingTime=f"{cfg.spark.slow_trigger_seconds} seconds")
        .foreachBatch(store)
        .start()
    )
