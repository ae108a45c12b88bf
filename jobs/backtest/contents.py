"""contents: what a backtest has found, before it is text or JSON.

In:   numbers that `volume`, `past` and `lake` make
Out:  frozen dataclasses; `hamrong rules backtest --json` prints them as they are
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Span:
    """From a moment to another, by receipt, the latter not included; days are those of `zone`."""

    since: datetime
    until: datetime
    zone: str

    def days(self) -> Iterator[tuple[str, bool]]:
        """Each local day that the span touches, and whether it holds all of it."""
        day = self.since.astimezone(ZoneInfo(self.zone)).date()
        while (start := self.start_of(day)) < self.until:
            yield day.isoformat(), self.since <= start and self.start_of(day + timedelta(days=1)) <= self.until
            day += timedelta(days=1)

    def start_of(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True)
class DayVolume:
    """A local day. A line counts on the day of its receipt, an alert on the day on which it would have been raised."""

    day: str
    whole: bool
    matches: int
    alerts: int


@dataclass(frozen=True)
class EntityVolume:
    type: str
    value: str
    alerts: int
    matches: int


@dataclass(frozen=True)
class Shared:
    """Events of this rule that a rule which was live matched, too."""

    rule_id: str
    title: str
    events: int
    share: float


@dataclass(frozen=True)
class Verdicts:
    """What analysts said of closed alerts that were about the same entity at the same time."""

    alerts: int
    """Of this rule, for which there is any."""
    by_verdict: dict[str, int]
    """Alerts of this rule by what was said; one of which several things were said counts for each."""
    own: dict[str, int]
    """The same where it was said of this rule's own alert."""


@dataclass(frozen=True)
class Read:
    """What was looked at to know it."""

    files: int
    row_groups: int
    events: int
    """In the span."""
    tried: int
    """Of the rule's log source."""
    bytes: int
    table_bytes: int
    """Of the whole table `events`."""
    tasks: int


@dataclass(frozen=True)
class Backtest:
    rule_id: str
    title: str
    status: str
    level: str
    kind: str
    """`rule`, or `correlation`: matches are then those of the rules that it counts."""
    generates: bool
    """False: it only feeds correlations."""
    span: Span
    days: tuple[DayVolume, ...]
    matches: int
    matched_events: int
    alerts: int
    entities: tuple[EntityVolume, ...]
    samples: tuple[dict[str, Any], ...]
    """Events of `ingest.event.FIELDS`, dotted, without nulls; spread over the span, the oldest first."""
    overlap: tuple[Shared, ...]
    verdicts: Verdicts | None
    verdicts_unknown: str
    """Why there are none: OpenSearch does not answer."""
    read: Read
    seconds: float

    def over(self, most: int) -> list[DayVolume]:
        """Days with more alerts than that."""
        return [day for day in self.days if day.alerts > most]
