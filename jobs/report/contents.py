"""contents: what a report holds, before it is a page.

In:   numbers that `lake`, `alerts` and `knowledge` read
Out:  frozen dataclasses; `hamrong report --json` prints them as they are
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Day:
    """A calendar day of a place."""

    date: date
    zone: str

    @property
    def start(self) -> datetime:
        """The day's first moment, in UTC."""
        return datetime.combine(self.date, time(), ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The next day's first moment, in UTC."""
        return datetime.combine(self.date + timedelta(days=1), time(), ZoneInfo(self.zone)).astimezone(UTC)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.zone))


@dataclass(frozen=True)
class Tally:
    """Lines of one system, hour or day."""

    events: int = 0
    unparsed: int = 0
    late: int = 0
    """Lines whose own time lies more than the watermark before their receipt."""
    ahead: int = 0
    """Lines whose own time lies well after their receipt: a clock that runs ahead."""
    last: datetime | None = None

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.events + other.events,
            self.unparsed + other.unparsed,
            self.late + other.late,
            self.ahead + other.ahead,
            max((moment for moment in (self.last, other.last) if moment), default=None),
        )


@dataclass(frozen=True)
class SystemDay:
    """A shared system's day."""

    id: str
    name_vi: str
    name_en: str
    owner_vi: str
    owner_en: str
    asset_level: int | None
    """None: the register does not know this name."""
    tally: Tally
    alerts: int

    @property
    def silent(self) -> bool:
        return self.asset_level is not None and not self.tally.events


@dataclass(frozen=True)
class Hour:
    """An hour of the local day."""

    hour: int
    events: int
    unparsed: int
    alerts: int


@dataclass(frozen=True)
class Talker:
    """An address, account or host that many lines are about."""

    value: str
    events: int
    failures: int
    systems: int


@dataclass(frozen=True)
class Count:
    key: str
    count: int


@dataclass(frozen=True)
class RuleCount:
    id: str
    title: str
    detector: str
    severity: str
    count: int


@dataclass(frozen=True)
class EntityCount:
    type: str
    value: str
    count: int
    risk: int
    """The highest of its alerts."""


@dataclass(frozen=True)
class Alert:
    """One alert, as the report lists it."""

    id: str
    rule: str
    severity: str
    risk: int
    status: str
    system: str
    entity_type: str
    entity: str
    count: int
    first_seen: datetime
    reason_vi: str
    reason_en: str
    score: float | None = None
    features: tuple[Mapping[str, Any], ...] = ()
    """Of an anomaly: name, value, median, p99, share."""


@dataclass(frozen=True)
class Raised:
    """The day's alerts."""

    total: int = 0
    severities: tuple[Count, ...] = ()
    statuses: tuple[Count, ...] = ()
    detectors: tuple[Count, ...] = ()
    systems: tuple[Count, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    tactics: tuple[Count, ...] = ()
    """By id (TA0006)."""
    techniques: tuple[Count, ...] = ()
    entities: tuple[EntityCount, ...] = ()
    hours: tuple[int, ...] = (0,) * 24
    """By local hour."""
    riskiest: tuple[Alert, ...] = ()
    anomalies: tuple[Alert, ...] = ()

    def count_of(self, severity: str) -> int:
        return sum(each.count for each in self.severities if each.key == severity)


@dataclass(frozen=True)
class ActiveRule:
    id: str
    title: str
    level: str
    status: str
    kind: str
    """sigma or correlation."""


@dataclass(frozen=True)
class Rules:
    version: str
    active: tuple[ActiveRule, ...]


@dataclass(frozen=True)
class ModelFacts:
    """What the anomaly model in use was trained on."""

    version: str
    since: datetime
    until: datetime
    windows: Mapping[str, int]
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Report:
    day: Day
    generated_at: datetime
    systems: tuple[SystemDay, ...]
    hours: tuple[Hour, ...]
    sources: tuple[Talker, ...]
    accounts: tuple[Talker, ...]
    hosts: tuple[Talker, ...]
    tags: tuple[Count, ...]
    late_seconds: int
    ahead_seconds: int
    raised: Raised
    rules: Rules
    model: ModelFacts | None

    @property
    def total(self) -> Tally:
        return sum((system.tally for system in self.systems), Tally())

    @property
    def silent(self) -> tuple[SystemDay, ...]:
        return tuple(system for system in self.systems if system.silent)

    @property
    def registered(self) -> int:
        return sum(system.asset_level is not None for system in self.systems)
