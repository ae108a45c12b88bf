"""train: the lake's last days -> the anomaly model.

In:   the lake's `events`
Out:  a model in the models' folder, which the stream takes up at its next batch
Docs: docs/decisions/0005-anomaly.md
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from detectors.anomaly import store
from detectors.anomaly.features import NAMES, features
from detectors.anomaly.forest import fit
from hamrong.config import Config
from jobs.sinks import delta

MAX_ROWS = 400_000
"""Windows that a forest is fitted to; more are drawn from, the same ones each time. 40 MB in the driver."""


@dataclass(frozen=True)
class Trained:
    """What was learned."""

    path: str
    version: str
    since: datetime
    until: datetime
    windows: int
    entities: int
    thresholds: dict[str, float]
    seconds: float

    def sentence(self) -> str:
        above = ", ".join(f"{threshold:.3f} for {kind}" for kind, threshold in self.thresholds.items())
        return (
            f"Learned from {self.windows} windows of {self.entities} entities in {self.seconds} s; unusual is a score "
            f"above {above}. {self.path}"
        )


def train(cfg: Config, spark: SparkSession, until: datetime) -> Trained:
    """Fit and store a model of the `history_days` before `until`.

    Raises TooFewWindowsError when they hold too little, HamrongError when there is no lake.
    """
    started = time.monotonic()
    since = until - timedelta(days=cfg.anomaly.history_days)
    windows = history(cfg, spark, since, until)
    # Drawn by hash, so that the same lake gives the same rows and the same model.
    drawn = windows.orderBy(F.xxhash64("entity_type", "entity_value", "window_start")).limit(MAX_ROWS)
    rows = drawn.select("entity_type", "entity_value", *NAMES).toArrow()
    model = fit(rows, cfg.anomaly.window_seconds, cfg.anomaly.contamination, since, until)
    return Trained(
        path=str(store.save(model, cfg.anomaly.models)),
        version=model.version,
        since=since,
        until=until,
        windows=rows.num_rows,
        entities=int(pc.count_distinct(pc.binary_join_element_wise(rows["entity_type"], rows["entity_value"], " "))),
        thresholds={name: forest.threshold for name, forest in model.forests.items()},
        seconds=round(time.monotonic() - started, 1),
    )


def history(cfg: Config, spark: SparkSession, since: datetime, until: datetime) -> DataFrame:
    """The windows of the events between two moments, both by their own time and by their receipt."""
    events = delta.table(spark, cfg, "events").where(
        F.col("ingest_day").between(since.date(), until.date())
        & (F.col("`@timestamp`") >= since)
        & (F.col("`@timestamp`") < until)
    )
    return features(events, cfg.anomaly.window_seconds, cfg.report.timezone, cfg.detection.watermark_seconds)
