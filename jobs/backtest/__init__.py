"""backtest: what a rule would have said of the lake's last days.

In:   the lake's `events`, a rule that need not be live
Out:  `Backtest`; nothing is written
Docs: docs/guide/detection.md

Stream and backtest give the same alerts of the same events: reading, matching, grouping and correlating are one code.
What differs is only what the stream's clock does: a line that came later than `detection.watermark_seconds` is counted
here, since all lines are at hand.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from detectors.sigma.rule import Correlation
from hamrong.config import Config
from hamrong.errors import ServiceError
from ingest.event import to_documents
from jobs.backtest import lake, matching, past, volume
from jobs.backtest.chosen import Chosen
from jobs.backtest.contents import Backtest, DayVolume, Read, Span, Verdicts
from jobs.backtest.watching import Tell, watched
from jobs.sinks import delta
from jobs.streams import reason_of

__all__ = ["backtest"]


def backtest(cfg: Config, spark: SparkSession, chosen: Chosen, span: Span, tell: Tell) -> Backtest:
    """Raises HamrongError when there is no lake, ServiceError when Spark cannot read it.

    `tell` hears how many of the tasks are done.
    """
    started = time.monotonic()
    files = lake.files(cfg)
    rule = chosen.rule
    # What lies before the span may stand at the beginning of a window that ends in it.
    lead = _length_seconds(rule) + cfg.detection.watermark_seconds if isinstance(rule, Correlation) else 0
    tasks = lake.tasks(cfg, files, span.since - timedelta(seconds=lead), span.until)
    with _kept(volume.found(spark, tasks, chosen)) as rows:
        try:
            watched(spark, rows.count, len(tasks), tell)
        except PySparkException as error:
            raise ServiceError(f"{cfg.lake.path}: Spark cannot read it: {reason_of(str(error))}") from error
        matches = volume.matches(rows, span.since)
        with _kept(volume.alerts(rows, chosen, span.since)) as alerts:
            days = _days(matches, alerts, span)
            matched_events, overlap = past.overlap(spark, cfg, matches, chosen, span)
            verdicts, unknown = _verdicts(spark, cfg, alerts, chosen, span)
            return Backtest(
                rule_id=rule.id,
                title=rule.title,
                status=rule.status,
                level=rule.level,
                kind="correlation" if chosen.correlation else "rule",
                generates=rule.generate,
                span=span,
                days=days,
                matches=sum(day.matches for day in days),
                matched_events=matched_events,
                alerts=sum(day.alerts for day in days),
                entities=volume.entities(alerts),
                samples=_samples(cfg, matches),
                overlap=tuple(overlap),
                verdicts=verdicts,
                verdicts_unknown=unknown,
                read=_read(rows, sum(file.bytes for file in files), len(tasks)),
                seconds=round(time.monotonic() - started, 1),
            )


@contextlib.contextmanager
def _kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Computed once, and kept in memory or on disk until the end."""
    frame = frame.persist()
    try:
        yield frame
    finally:
        frame.unpersist()


def _days(matches: DataFrame, alerts: DataFrame, span: Span) -> tuple[DayVolume, ...]:
    matched, raised = (
        volume.by_day(frame, moment, span.zone) for frame, moment in ((matches, "received"), (alerts, "raised"))
    )
    return tuple(DayVolume(day, whole, matched.get(day, 0), raised.get(day, 0)) for day, whole in span.days())


def _samples(cfg: Config, matches: DataFrame) -> tuple[dict[str, Any], ...]:
    folder = delta.uri(cfg, "events")
    events = [matching.event(folder, *place) for place in volume.places(matches)]
    return tuple(document for event in events for document in to_documents(event))


def _length_seconds(correlation: Correlation) -> int:
    """How long what one firing counts may have taken: its timespan, and those of what it counts."""
    return correlation.timespan_seconds + max(map(_length_seconds, correlation.children), default=0)


def _verdicts(
    spark: SparkSession, cfg: Config, alerts: DataFrame, chosen: Chosen, span: Span
) -> tuple[Verdicts | None, str]:
    try:
        return past.verdicts(spark, cfg, alerts, chosen, span), ""
    except ServiceError as error:
        return None, str(error)


def _read(rows: DataFrame, table_bytes: int, tasks: int) -> Read:
    names = ("events", "tried", "bytes", "row_groups")
    sums = [F.coalesce(F.sum(f"read.{name}"), F.lit(0)).alias(name) for name in names]
    row = rows.where("read is not null").agg(F.count("*").alias("files"), *sums).first()
    assert row is not None
    return Read(row.files, row.row_groups, row.events, row.tried, row.bytes, table_bytes, tasks)
