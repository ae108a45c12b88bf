"""page: a report as one HTML file.

In:   `Report`
Out:  HTML that needs no other file, no network and no script; every value is escaped
Docs: WCAG 2.2 AA (contrast 1.4.3, use of colour 1.4.1); Jinja autoescaping
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jinja2

from detectors.alert import SEVERITIES
from detectors.anomaly.alerts import amount, grouped, label
from detectors.sigma.attack import technique_name
from jobs.report import words
from jobs.report.contents import Hour, Report

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 34, 24


@dataclass(frozen=True)
class Bar:
    """One hour of the histogram, in the picture's units."""

    hour: Hour
    x: float
    width: float
    y: float
    height: float
    unparsed_height: float


@dataclass(frozen=True)
class Histogram:
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    """(y, value) of each grid line."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def render(report: Report) -> str:
    return _environment().get_template("report.html").render(**_context(report))


@lru_cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jobs.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["grouped"] = grouped
    environment.globals.update(
        words=words, label=label, amount=amount, technique_name=technique_name, severities=tuple(reversed(SEVERITIES))
    )
    return environment


def _context(report: Report) -> dict[str, Any]:
    zone = report.day.local

    def clock(moment: datetime) -> str:
        return f"{zone(moment):%H:%M}"

    def stamp(moment: datetime) -> str:
        return f"{zone(moment):%d/%m/%Y %H:%M}"

    severe = sum(report.raised.count_of(name) for name in ("critical", "high"))
    closed = sum(count.count for count in report.raised.statuses if count.key == "closed")
    return {
        "report": report,
        "raised": report.raised,
        "total": report.total,
        "severe": severe,
        "unclosed": report.raised.total - closed,
        "heard": sum(system.asset_level is not None and system.tally.events > 0 for system in report.systems),
        "histogram": histogram(report.hours),
        "levels": {name: sum(rule.level == name for rule in report.rules.active) for name in SEVERITIES},
        "names": {system.id: (system.name_vi, system.name_en) for system in report.systems},
        "widest": max((system.tally.events for system in report.systems), default=0),
        "tactics": {count.key: count.count for count in report.raised.tactics},
        "clock": clock,
        "stamp": stamp,
        "generated": f"{zone(report.generated_at):%d/%m/%Y %H:%M:%S}",
        "unfinished": report.generated_at.astimezone(UTC) < report.day.end,
    }


def histogram(hours: Sequence[Hour]) -> Histogram:
    """Bars from hour 0 on, under a scale that ends on a round number."""
    step = round_step(max((hour.events for hour in hours), default=0))
    top = max(step, -(-max((hour.events for hour in hours), default=0) // step) * step)
    room, floor = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(hours))
    bars = tuple(
        Bar(
            hour=hour,
            x=round(LEFT + place * slot + slot * 0.14, 2),
            width=round(slot * 0.72, 2),
            y=round(floor - hour.events / top * room, 2),
            height=round(hour.events / top * room, 2),
            unparsed_height=round(hour.unparsed / top * room, 2),
        )
        for place, hour in enumerate(hours)
    )
    ticks = tuple((round(floor - value / top * room, 2), value) for value in range(0, top + 1, step))
    return Histogram(bars, ticks)


def round_step(highest: int) -> int:
    """1, 2 or 5 times a power of ten, so that at most five steps reach `highest`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * 5 >= highest:
                return factor * power
        power *= 10
