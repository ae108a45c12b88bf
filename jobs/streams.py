"""streams: the continuous jobs in one Spark session, started, watched and started again.

In:   names of jobs: modules of `jobs` that have `start(spark, cfg) -> StreamingQuery`
Out:  their queries, until a signal comes

A query that fails starts again from its checkpoint after a pause that grows; whatever it had half done it does again,
and the sinks make that nothing new. A query that fails at every try ends the process, so that its keeper sees it.
"""

from __future__ import annotations

import importlib
import logging
import re
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from hamrong.config import Config
from hamrong.errors import ServiceError
from jobs import detect, life_signs, maintain, source_counts
from jobs.canaries import beats
from jobs.reload.watch import Reloader
from jobs.session import session
from jobs.sinks import delta

JOBS = ("detect", "count", "correlate", "anomaly")

log = logging.getLogger(__name__)


class Keeper:
    """One query, kept running."""

    PATIENCE = 10
    """Failures in a row, without ten good minutes between, before it gives up."""

    def __init__(self, name: str, spark: SparkSession, cfg: Config) -> None:
        self.name = name
        self._spark = spark
        self._cfg = cfg
        self._failures = 0
        self._started = 0.0
        self._retry_at = 0.0
        self._told = -1
        self.query: StreamingQuery | None = None

    def keep(self, now: float) -> None:
        """Start the query when it is not running and its pause is over. Raises ServiceError when patience ends."""
        if self.query is not None and self.query.isActive:
            self._tell(self.query)
            return
        if self.query is not None:
            self._failed(now)
        if now >= self._retry_at:
            self._started = now
            self.query = importlib.import_module(f"jobs.{self.name}").start(self._spark, self._cfg)

    def _tell(self, query: StreamingQuery) -> None:
        """One line in the log for each micro-batch that is seen, with what took its time."""
        progress = query.lastProgress
        if not progress or not progress.numInputRows or progress.batchId == self._told:
            return
        self._told = progress.batchId
        seconds = progress.durationMs.get("triggerExecution", 0) / 1000
        log.info("%s: batch %d, %d rows in %.1f s", self.name, progress.batchId, progress.numInputRows, seconds)

    def _failed(self, now: float) -> None:
        assert self.query is not None
        reason = reason_of(str(self.query.exception()))
        self.query = None
        self._failures = 1 if now - self._started > 600 else self._failures + 1
        if self._failures > self.PATIENCE:
            raise ServiceError(f"job {self.name} failed {self._failures} times in a row; the last reason: {reason}")
        pause = min(60, 2 ** (self._failures - 1))
        self._retry_at = now + pause
        log.error("job %s failed, starting again in %d s: %s", self.name, pause, reason)


def reason_of(exception: str) -> str:
    """The sentence in a streaming exception: a Python trace's last line when there is one, else its first."""
    errors = re.findall(r"^(?:[\w.]+\.)?\w*(?:Error|Exception)\b.*$", exception, re.MULTILINE)
    return str(errors[-1] if errors else exception.strip().partition("\n")[0])[:500]


def run(cfg: Config, names: Sequence[str] = JOBS) -> None:
    """Run the jobs until SIGTERM or SIGINT; batches under way are finished or, after a kill, done again."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    # Who matches lines also watches the rules, however many count what matched.
    reloader = Reloader(cfg.detection) if "detect" in names else None
    if reloader:
        reloader.begin()
    spark = session(cfg, "streams", with_rules=True)
    delta.create_tables(cfg)
    if "detect" in names:
        detect.warm(spark, cfg)
    keepers = [Keeper(name, spark, cfg) for name in names]
    for keeper in keepers:
        keeper.keep(time.monotonic())
    # Who writes the lake also tidies it: one process, however many read.
    beside = [maintain.start(cfg, stop)] if "detect" in names else []
    if reloader and cfg.detection.reload_seconds:
        beside.append(reloader.start(stop))
    if "detect" in names:
        beside += [life_signs.start(cfg, stop), source_counts.start(cfg, stop)]
        if cfg.detection.beat_seconds:
            beside.append(beats.start(cfg, stop))
    log.info("running: %s", ", ".join(names))
    while not stop.wait(1):
        for keeper in keepers:
            keeper.keep(time.monotonic())
    for query in spark.streams.active:
        query.stop()
    for thread in beside:
        thread.join(30)
    spark.stop()
