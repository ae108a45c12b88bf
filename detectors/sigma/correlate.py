"""correlate: matches over time -> firings of Sigma correlations.

In:   occurrences (a match's time, event and rule) of one correlation and one group
Out:  firings, and a state to go on from
Docs: Sigma specification 2.1, correlation rules; docs/reference/sigma.md

Time is the events' own. A window slides: it ends at each occurrence and reaches back one timespan, so that a firing
is a fact about the set of occurrences and not about the order in which they came: the same set, shuffled, cut into
batches or replayed, gives the same firings. A later arrival may enlarge a firing that was told before; it is then told
again, and whoever keeps the largest count, the earliest start and the latest end has the truth.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson
import pyarrow as pa

from detectors.sigma.rule import Condition, Correlation

INPUTS = pa.schema(
    [
        ("row", pa.int32()),
        ("correlation", pa.string()),
        ("group", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("event_id", pa.string()),
        ("value", pa.string()),
        ("rule", pa.string()),
    ]
)
"""What `Ruleset.correlation_inputs` gives: one row for each match that a correlation counts."""
LATENESS_SECONDS = 600
"""How much older than the newest an occurrence may be and still count."""
MAX_OCCURRENCES = 5_000
"""Kept of one group, the newest. Counts above are told as this."""
MAX_EVENT_IDS = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1) // timedelta(microseconds=1)


class Occurrence(NamedTuple):
    """A match of a rule that a correlation counts. `rule` and `value` are as `correlation_inputs` gives them."""

    at: int
    """Microseconds since 1970 UTC."""
    event_id: str
    rule: str
    value: str | None = None


@dataclass(frozen=True, order=True)
class Firing:
    """The condition held in the window that ends at `at`."""

    at: datetime
    first_seen: datetime
    last_seen: datetime
    count: int
    event_ids: tuple[str, ...]
    """At most five, oldest first; the last is the event that completed the window."""


@dataclass(frozen=True)
class State:
    """What one group must remember."""

    occurrences: tuple[Occurrence, ...] = ()
    """By time, then event."""
    until: int = 0
    """Microseconds since 1970 UTC; when event time has passed it, the state may be dropped."""

    def dump(self) -> bytes:
        return orjson.dumps({"occurrences": [tuple(one) for one in self.occurrences], "until": self.until})

    @classmethod
    def load(cls, content: bytes) -> State:
        raw = orjson.loads(content)
        return cls(tuple(Occurrence(*occurrence) for occurrence in raw["occurrences"]), raw["until"])


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def reach_seconds(correlation: Correlation) -> int:
    """How far back a firing can look: its timespan, and below it that of the correlations it counts."""
    below = max((reach_seconds(child) for child in correlation.children), default=0)
    return correlation.timespan_seconds + below


def advance(
    correlation: Correlation,
    state: State,
    occurrences: Iterable[Occurrence],
    lateness_seconds: int = LATENESS_SECONDS,
) -> tuple[State, list[Firing]]:
    """The next state, and the firings that are new or changed. An event seen twice counts once."""
    known = set(state.occurrences)
    fresh = {occurrence for one in occurrences if (occurrence := Occurrence(*one)) not in known}
    if not fresh:
        return state, []
    merged = sorted((*state.occurrences, *fresh), key=by_time)
    newest = merged[-1].at
    lateness = lateness_seconds * _SECOND
    reach = reach_seconds(correlation) * _SECOND
    # Windows that end before the first of the new ones are what they were.
    since = max(newest - lateness, min(occurrence.at for occurrence in fresh))
    told = set(_firings(correlation, state.occurrences, since))
    found = _firings(correlation, merged, since)
    kept = [occurrence for occurrence in merged if occurrence.at > newest - lateness - reach][-MAX_OCCURRENCES:]
    return State(tuple(kept), newest + lateness + reach), [firing for firing in found if firing not in told]


def by_time(occurrence: Occurrence) -> tuple[int, str, str, str]:
    return occurrence.at, occurrence.event_id, occurrence.rule, occurrence.value or ""


def episodes(correlation: Correlation, firings: Iterable[Firing]) -> list[Firing]:
    """Firings closer than a timespan made one, told at the first with all that followed."""
    span = timedelta(seconds=correlation.timespan_seconds)
    merged: list[Firing] = []
    end = None
    for firing in sorted(firings):
        if end is not None and firing.at - end < span:
            last = merged[-1]
            merged[-1] = replace(last, last_seen=firing.last_seen, count=max(last.count, firing.count))
        else:
            merged.append(firing)
        end = firing.at
    return merged


class _Point(NamedTuple):
    """An occurrence, or the firing of a correlation below, as the window above counts it."""

    at: int
    event_id: str
    rule: str
    value: str | None
    since: int
    event_ids: tuple[str, ...]


def _firings(correlation: Correlation, occurrences: Sequence[Occurrence], since: int) -> list[Firing]:
    """Of windows that end at `since` or later."""
    return [_firing(points) for points in _completed(correlation, _points(correlation, occurrences, 0), since)]


def _points(correlation: Correlation, occurrences: Sequence[Occurrence], depth: int) -> list[_Point]:
    """What a correlation counts: direct matches, and below it, group by group, its children's firings."""
    points: list[_Point] = []
    children = {child.id: child for child in correlation.children}
    below: dict[tuple[str, str], list[Occurrence]] = {}
    for occurrence in occurrences:
        path = occurrence.rule.split("/")
        if len(path) == depth + 1:
            at, event_id, _, value = occurrence
            if depth:
                value = orjson.loads(value or "[]")[depth][1]
            points.append(_Point(at, event_id, path[depth], value, at, (event_id,)))
        else:
            group = orjson.loads(occurrence.value or "[]")[depth + 1][0]
            below.setdefault((path[depth], group), []).append(occurrence)
    for (name, _), inner in below.items():
        child = children[name]
        # A level's own value of the event that completed the child's window.
        values = {occurrence.event_id: orjson.loads(occurrence.value or "[]")[depth][1] for occurrence in inner}
        for window in _completed(child, _points(child, inner, depth + 1), inner[0].at):
            last = window.last
            points.append(_Point(last.at, last.event_id, name, values[last.event_id], window.since, window.event_ids))
    return sorted(points, key=lambda point: (point.at, point.event_id, point.rule))


@dataclass(frozen=True)
class _Window:
    """`points[start:end]` counted; the last of them completed it."""

    points: Sequence[_Point]
    start: int
    end: int
    count: int
    plain: bool
    """No correlation is counted: each point began when it is."""

    @property
    def last(self) -> _Point:
        return self.points[self.end - 1]

    @property
    def since(self) -> int:
        """The first event's time; what a correlation below fired on may be older than the firing."""
        if self.plain:
            return self.points[self.start].at
        return min(self.points[at].since for at in range(self.start, self.end))

    @property
    def event_ids(self) -> tuple[str, ...]:
        ids: dict[str, None] = {}
        for at in range(self.start, self.end):
            ids.update(dict.fromkeys(self.points[at].event_ids))
            if len(ids) > MAX_EVENT_IDS:
                break
        ids.pop(self.last.event_id, None)
        return (*list(ids)[: MAX_EVENT_IDS - 1], self.last.event_id)


def _firing(window: _Window) -> Firing:
    last = _time(window.last.at)
    return Firing(last, _time(window.since), last, window.count, window.event_ids)


def _time(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _completed(correlation: Correlation, points: Sequence[_Point], since: int) -> Iterator[_Window]:
    """The windows in which the condition holds, of those that end at `since` or later."""
    if correlation.type == "temporal_ordered":
        yield from _sequences(correlation, points, since)
        return
    span = correlation.timespan_seconds * _SECOND
    start = 0
    counted: Counter[str | None] = Counter()
    for end, point in enumerate(points):
        counted[_counted(correlation, point)] += 1
        while points[start].at <= point.at - span:
            gone = _counted(correlation, points[start])
            counted[gone] -= 1
            if not counted[gone]:
                del counted[gone]
            start += 1
        count = end - start + 1 if correlation.type == "event_count" else len(counted) - (None in counted)
        if point.at >= since and _meets(correlation.condition, count):
            yield _Window(points, start, end + 1, count, not correlation.children)


def _counted(correlation: Correlation, point: _Point) -> str | None:
    """What is counted once however often it comes; None is not counted."""
    match correlation.type:
        case "value_count":
            return point.value
        case "temporal":
            return point.rule
    return None


def _sequences(correlation: Correlation, points: Sequence[_Point], since: int) -> Iterator[_Window]:
    """One point of each rule in the rules' order, the last at the window's end. Points of one time are in any order."""
    span = correlation.timespan_seconds * _SECOND
    of_rule: dict[str, list[_Point]] = {rule: [] for rule in correlation.rules}
    for point in points:
        of_rule[point.rule].append(point)
    times = {rule: [point.at for point in its] for rule, its in of_rule.items()}
    for end in dict.fromkeys(times[correlation.rules[-1]]):
        chain: list[_Point] = []
        limit = end
        for rule in reversed(correlation.rules):
            used = {point.event_id for point in chain}
            at = bisect.bisect_right(times[rule], limit) - 1
            while at >= 0 and of_rule[rule][at].event_id in used:
                at -= 1
            if at < 0 or times[rule][at] <= end - span:
                break
            chain.append(of_rule[rule][at])
            limit = times[rule][at]
        else:
            if end >= since:
                yield _Window(chain[::-1], 0, len(chain), len(chain), not correlation.children)


def _meets(condition: Condition, count: int) -> bool:
    return count > condition.number if condition.op == "gt" else count >= condition.number
