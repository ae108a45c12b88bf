"""anomaly: events -> windows of addresses and accounts -> alerts of those that are unlike the usual.

In:   the lake's `events`, as a stream; the model of `jobs.train`
Out:  alerts in OpenSearch and on `soc.alerts`
Docs: docs/decisions/0005-anomaly.md; Structured Streaming guide, window operations on event time

A window is scored while it is still open, each time lines were added to it: an attack is told within seconds, and the
alert grows with its window. Its id depends on entity and window alone, so it is never doubled.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from detectors.anomaly import store
from detectors.anomaly.alerts import alerts
from detectors.anomaly.features import features
from hamrong.config import Config
from hamrong.errors import HamrongError
from jobs import loaded
from jobs.sinks import delta, opensearch

log = logging.getLogger(__name__)


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. Effectively once: state and offsets are in the checkpoint, and alerts only grow."""
    told = ""

    def score(batch: DataFrame, batch_id: int) -> None:
        nonlocal told
        missing = lacks_model(cfg)
        if missing and missing != told:
            log.warning("no anomaly is looked for: %s", missing)
        if missing:
            # Windows are counted all the same: a batch that nobody reads would leave their state behind.
            batch.write.format("noop").mode("overwrite").save()
        else:
            opensearch.publish(batch, build_documents(cfg), cfg)
        told = missing

    # The state of a window goes when the watermark passes its end; relays buffer lines for minutes, and a line that
    # comes later than that is in the lake and the report, but not in a window.
    windows = features(
        _recent(delta.stream(spark, cfg, "events"), datetime.now(UTC)),
        cfg.anomaly.window_seconds,
        cfg.report.timezone,
        cfg.detection.watermark_seconds,
    )
    return (
        windows.writeStream.queryName("anomaly")
        .outputMode("update")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/anomaly")
        .trigger(processingTime=f"{cfg.spark.slow_trigger_seconds} seconds")
        .foreachBatch(score)
        .start()
    )


def _recent(events: DataFrame, now: datetime) -> DataFrame:
    """The events received since yesterday: a new checkpoint begins with the lake's oldest line, and windows that are
    months old are no news."""
    return events.where(F.col("ingest_day") >= now.date() - timedelta(days=1))


def lacks_model(cfg: Config) -> str:
    """Why nothing can be scored, in a sentence; "" when all is well."""
    try:
        model = store.load(cfg.anomaly.models)
    except HamrongError as error:
        return str(error)
    if model is None:
        return f"{cfg.anomaly.models} holds no model yet; run: hamrong train"
    if model.window_seconds != cfg.anomaly.window_seconds:
        return (
            f"the model knows windows of {model.window_seconds} s, anomaly.window_seconds is "
            f"{cfg.anomaly.window_seconds}; run: hamrong train"
        )
    return ""


def build_documents(cfg: Config) -> opensearch.Build:
    """Rows of `features` -> alert documents; the model is read on the executor, and again when it was replaced."""

    def build(batch: pa.RecordBatch) -> list[dict[str, Any]]:
        model = store.load(cfg.anomaly.models)
        register = loaded.register(cfg.detection)
        return alerts(model, batch, register.asset_level, datetime.now(UTC)) if model else []

    return build
