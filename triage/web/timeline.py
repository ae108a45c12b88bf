"""timeline: what befell an entity, as places in a drawing.

In:   alerts around one of them; the days of an entity
Out:  numbers that a template puts into an SVG of WIDTH x HEIGHT; no script, no style, nothing but text and shapes
Docs: SVG 2; WCAG 2.2, 1.4.11 (the table beside each drawing says the same in words)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hamrong.zone import ZONE

WIDTH, HEIGHT = 960, 210
LEFT, RIGHT, TOP, BOTTOM = 40, 952, 12, 180
"""Of the field in which risks stand, 100 at TOP and 0 at BOTTOM."""
STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 180, 360, 720))
MOST_TICKS = 9
DAYS = 90
LEAST_DAYS = 14
SHORTEST = timedelta(hours=1)


@dataclass(frozen=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True)
class Dot:
    """An alert, from its first event to its last."""

    start: float
    x: float
    y: float
    alert: Mapping[str, Any]
    current: bool


@dataclass(frozen=True)
class Bar:
    """A day: from BOTTOM up to its highest risk."""

    x: float
    y: float
    width: float
    day: date
    alerts: int
    risk: int


@dataclass(frozen=True)
class Drawing:
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bar, ...] = ()


def height(risk: int) -> float:
    """Where a risk of 0-100 stands."""
    return round(BOTTOM - (BOTTOM - TOP) * min(max(risk, 0), 100) / 100, 1)


def of_alerts(alerts: Sequence[Mapping[str, Any]], current: str) -> Drawing:
    """`soc.alert` of each; the one whose id is `current` comes last, so that nothing covers it."""
    ends = [datetime.fromisoformat(alert["last_seen"]) for alert in alerts]
    if not ends:
        return Drawing(())
    # An alert may have begun long before; its line then comes from the edge.
    since = max(min(datetime.fromisoformat(alert["first_seen"]) for alert in alerts), min(ends) - timedelta(days=1))
    length = max((max(ends) - since) * 1.05, SHORTEST)
    start = since - (length - (max(ends) - since)) / 2

    def place(moment: datetime) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(max((moment - start) / length, 0.0), 1.0), 1)

    dots = [
        Dot(
            place(datetime.fromisoformat(alert["first_seen"])),
            place(end),
            height(int(alert["risk_score"])),
            alert,
            alert["id"] == current,
        )
        for alert, end in zip(alerts, ends, strict=True)
    ]
    ticks = tuple(Tick(place(moment), text) for moment, text in _hours(start, start + length))
    return Drawing(ticks, tuple(sorted(dots, key=lambda dot: dot.current)))


def _hours(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Round times of Viet Nam; the day is told where it begins, and with the first."""
    step = next((step for step in STEPS if (end - start) / step <= MOST_TICKS), timedelta(days=1))
    local = start.astimezone(ZONE)
    moment = local.replace(hour=0, minute=0, second=0, microsecond=0)
    moment += step * -((moment - local) // step)
    found: list[tuple[datetime, str]] = []
    while moment <= end:
        is_first = not found or moment.date() != found[-1][0].date()
        found.append((moment, f"{moment:%H:%M %d/%m}" if is_first else f"{moment:%H:%M}"))
        moment += step
    return found


def of_days(days: Sequence[tuple[str, int, int]], today: date) -> Drawing:
    """(ISO day, alerts, highest risk) of the days that have alerts; at most the last DAYS are drawn, to `today`."""
    known = [(date.fromisoformat(day), alerts, risk) for day, alerts, risk in days]
    last = max([today, *(day for day, _, _ in known)])
    first = min([last - timedelta(days=LEAST_DAYS - 1), *(day for day, _, _ in known)])
    first = max(first, last - timedelta(days=DAYS - 1))
    width = (RIGHT - LEFT) / ((last - first).days + 1)

    def place(day: date) -> float:
        return round(LEFT + width * (day - first).days, 1)

    every = -(-((last - first).days + 1) // MOST_TICKS)
    ticks = tuple(
        Tick(round(place(day) + width / 2, 1), f"{day:%d/%m}")
        for number in range((last - first).days + 1)
        if number % every == 0 and (day := first + timedelta(days=number))
    )
    bars = tuple(
        Bar(place(day), height(risk), round(width * 0.8, 1), day, alerts, risk)
        for day, alerts, risk in known
        if first <= day
    )
    return Drawing(ticks, bars=bars)
