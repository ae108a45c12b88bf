"""rule: what a Sigma rule and a Sigma correlation are to the rest of the project.

In:   made by `load`
Out:  frozen dataclasses; conditions live in `expression`
Docs: Sigma specification 2.1, rules and correlation rules
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

LEVELS = ("informational", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class LogSource:
    product: str | None = None
    category: str | None = None
    service: str | None = None

    def __str__(self) -> str:
        named = [f"{name} {value}" for name, value in vars(self).items() if value]
        return ", ".join(named) or "any log source"


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What rules and correlations share. Text is "" and lists are empty where the file says nothing."""

    id: str
    name: str = ""
    """Sigma's `name`, by which correlations and filters may point at a rule."""
    title: str
    level: str = "medium"
    status: str = "test"
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    path: str = ""
    line: int = 1
    entity: str | None = None
    """Dotted ECS field by whose value alerts are grouped."""
    window_seconds: int = 3600
    reason: str = ""
    """Template for people: `{count}` and dotted fields in braces."""
    reason_vi: str = ""
    runbook: str = ""
    generate: bool = True
    """False: it only feeds correlations and raises no alert of its own."""


@dataclass(frozen=True, kw_only=True)
class Rule(Metadata):
    logsource: LogSource = LogSource()


class Condition(NamedTuple):
    """`gte 10`: what a correlation's count must be."""

    op: str
    number: float


class Alternative(NamedTuple):
    """One way in which a condition over rule names holds."""

    present: tuple[str, ...]
    """Ids of the rules that must occur, in the order of the correlation's rules."""
    absent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Correlation(Metadata):
    type: str
    rules: tuple[str, ...]
    """Ids of the rules (or correlations) whose matches count."""
    group_by: tuple[str, ...] = ()
    """ECS fields, as the first rule's log source maps the names that stand in the file."""
    group_by_written: tuple[str, ...] = ()
    timespan_seconds: int
    conditions: tuple[Condition, ...] = ()
    """All of them must hold of the count; none where the condition is one of rule names."""
    alternatives: tuple[Alternative, ...] = ()
    """A condition over rule names (`a and not b`): one of them must hold."""
    field: tuple[str, ...] = ()
    """The field whose values count, as the file writes it; of several, their combinations (`value_count`)."""
    percentile: float = 0
    aliases: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """(alias, ((rule id, field), …)): names that the rules write differently."""
    children: tuple[Correlation, ...] = ()
    """The correlations among `rules`, whole."""

    @cached_property
    def meaning(self) -> int:
        """Differs where correlations count differently: what one has counted says nothing to the other."""
        counts = (
            self.type,
            self.rules,
            self.group_by_written,
            self.timespan_seconds,
            self.conditions,
            self.alternatives,
            self.field,
            self.percentile,
            self.aliases,
            tuple(child.meaning for child in self.children),
        )
        return zlib.crc32(repr(counts).encode())
