"""levels: correlations of correlations.

In:   occurrences of one state, and the watermark
Out:  by group, the windows of the outermost correlation that are to be told

An occurrence of a correlation with others below it carries, as JSON, group and value on every level; `rule` is the path
down to the rule. On each level the firings of the one below count as points, at the time of the event that completed
them and with that event's own group and value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from detectors.sigma.correlation.point import AnyPoint, Fired, Occurrence
from detectors.sigma.correlation.windows import Clock, Window, held, since
from detectors.sigma.rule import Correlation

Order = tuple[int, int, str, str, str]


def order(correlation: Correlation, point: AnyPoint) -> Order:
    """Points by time; those of one time in the order of the rules where that matters, else by event."""
    place = (
        correlation.rules.index(point.rule) if correlation.type == "temporal_ordered" and "/" not in point.rule else 0
    )
    return point.at, place, point.event_id, point.rule, point.value or ""


def counting(correlation: Correlation) -> Callable[[int, str, str, str | None], Occurrence]:
    """What tells one occurrence from another here: an event that several rules match is one, unless it is rules that
    are counted."""
    rules, values = correlation.type.startswith("temporal"), bool(correlation.field)

    def counted(at: int, event_id: str, rule: str, value: str | None) -> Occurrence:
        return Occurrence(at, event_id, rule if rules else "", value if values else None)

    return counted


def told(
    correlation: Correlation, occurrences: Sequence[Occurrence], fresh: Sequence[int], group: str, clock: Clock
) -> Iterator[tuple[str, Window]]:
    """Group and window. `group` is that of all occurrences, where they carry none of their own."""
    if not correlation.children:
        for window in held(correlation, occurrences, fresh, clock, told=True):
            yield group, window
        return
    new = frozenset(fresh)
    rows = [_Row(one, _path(one.rule), _levels(one.value or "[]"), at in new) for at, one in enumerate(occurrences)]
    for its, points, news in _groups(correlation, rows, 0, clock):
        for window in held(correlation, points, news, clock, told=True):
            yield its, window


@lru_cache(maxsize=10_000)
def _levels(text: str) -> list[tuple[str | None, str | None]]:
    """Most occurrences of a group carry the same."""
    levels: list[tuple[str | None, str | None]] = orjson.loads(text)
    return levels


@lru_cache(maxsize=1_000)
def _path(rule: str) -> list[str]:
    return rule.split("/")


class _Row(NamedTuple):
    occurrence: Occurrence
    path: list[str]
    levels: list[tuple[str | None, str | None]]
    """Group and value on each; no group = a field of it is missing."""
    fresh: bool


def _groups(
    correlation: Correlation, rows: Sequence[_Row], depth: int, clock: Clock
) -> Iterator[tuple[str, list[AnyPoint], list[int]]]:
    """Each group with its points in order and the indices of the new ones."""
    found: dict[str, dict[Occurrence, tuple[AnyPoint, bool]]] = {}
    below: dict[str, list[_Row]] = {}
    counted, needs_value = counting(correlation), bool(correlation.field)
    for row in rows:
        if len(row.path) > depth + 1:
            below.setdefault(row.path[depth], []).append(row)
            continue
        at, event_id, *_ = row.occurrence
        group, value = row.levels[depth]
        if group is not None and not (needs_value and value is None):
            its = counted(at, event_id, row.path[depth], value)
            points = found.setdefault(group, {})
            points[its] = its, row.fresh or (its in points and points[its][1])
    for child in correlation.children:
        for window, group, value in _fired(child, below.get(child.id, []), depth + 1, clock):
            if group is not None and not (needs_value and value is None):
                last = window.last
                its = counted(last.at, last.event_id, child.id, value)
                _put(found.setdefault(group, {}), its, Fired(*its, window), window.fresh)
    for group, points in sorted(found.items()):
        ordered = sorted(points, key=lambda its: order(correlation, its))
        fresh = [at for at, its in enumerate(ordered) if points[its][1]]
        yield group, [points[its][0] for its in ordered], fresh


def _put(points: dict[Occurrence, tuple[AnyPoint, bool]], its: Occurrence, point: AnyPoint, fresh: bool) -> None:
    """Of a match and a firing, or of two firings, that one event completes: the one that began first."""
    if its in points:
        other, news = points[its]
        point, fresh = (other if since(other) <= since(point) else point), fresh or news
    points[its] = point, fresh


def _fired(
    child: Correlation, rows: Sequence[_Row], depth: int, clock: Clock
) -> Iterator[tuple[Window, str | None, str | None]]:
    """The windows of the correlation below, with what the level above reads in the event that completed each."""
    carried: dict[tuple[str | None, str], dict[tuple[str | None, str | None], None]] = {}
    for row in rows:
        above = row.levels[depth - 1]
        carried.setdefault((row.levels[depth][0], row.occurrence.event_id), {})[above[0], above[1]] = None
    for group, points, fresh in _groups(child, rows, depth, clock):
        # Of several points of one event (its values) the last has seen the others.
        windows = {window.last.event_id: window for window in held(child, points, fresh, clock, told=False)}
        for event_id, window in windows.items():
            for above in carried[group, event_id]:
                yield window, *above
