"""report: one local day -> one HTML file that opens anywhere.

In:   the lake's `events`, the alerts in OpenSearch, the register, the rule set, the anomaly model
Out:  `Report`, and the file made of it; nothing but the file is written, so a report may be made again at any time
Docs: docs/decisions/0005-anomaly.md

A line belongs to the day on which it was received, an alert to the day on which it was raised: both are settled when
the day is over, whatever clock the sender has, so tomorrow's report never changes what today's said.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from hamrong.config import Config
from jobs import loaded
from jobs.report import alerts, knowledge, lake, page
from jobs.report.contents import Day, Hour, Raised, Report, SystemDay
from jobs.report.lake import Lines

__all__ = ["build", "write"]


def build(cfg: Config, spark: SparkSession, day: Day, now: datetime) -> Report:
    """The day's numbers. Raises ServiceError when OpenSearch is away, HamrongError when there is no lake."""
    raised = alerts.read(cfg, day)
    lines = lake.read(cfg, spark, day)
    return Report(
        day=day,
        generated_at=now,
        systems=_systems(lines, raised, cfg),
        hours=_hours(lines, raised),
        sources=lines.sources,
        accounts=lines.accounts,
        hosts=lines.hosts,
        tags=lines.tags,
        late_seconds=cfg.detection.watermark_seconds,
        ahead_seconds=lake.AHEAD_SECONDS,
        raised=raised,
        rules=knowledge.rules(cfg),
        model=knowledge.model(cfg),
    )


def _hours(lines: Lines, raised: Raised) -> tuple[Hour, ...]:
    return tuple(
        Hour(hour, lines.by_hour[hour].events, lines.by_hour[hour].unparsed, raised.hours[hour]) for hour in range(24)
    )


def _systems(lines: Lines, raised: Raised, cfg: Config) -> tuple[SystemDay, ...]:
    """The register's systems in its order, then the names that it does not know; "" stands for lines of no system."""
    register = {system.id: system for system in loaded.register(cfg.detection).systems}
    alerted = {count.key: count.count for count in raised.systems}
    strangers = sorted((lines.by_system.keys() | alerted.keys()) - register.keys())
    return tuple(
        SystemDay(
            id=name,
            name_vi=register[name].name_vi if name in register else name,
            name_en=register[name].name_en if name in register else name,
            owner_vi=register[name].owner_vi if name in register else "",
            owner_en=register[name].owner_en if name in register else "",
            asset_level=register[name].asset_level if name in register else None,
            tally=lines.by_system[name],
            alerts=alerted.get(name, 0),
        )
        for name in (*register, *strangers)
    )


def write(report: Report, path: Path) -> Path:
    """The file, replaced in one step: a reader or a mail job never meets half a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(page.render(report))
    os.chmod(temporary, 0o644)
    return Path(temporary).replace(path)
