"""windows: where a correlation's condition holds, among the points of one group.

In:   points in order, and what of them is new
Out:  windows; the same set of points gives the same, in whatever order they came

Two kinds, and nothing of either snaps to the clock. *Trailing*: one ends at each point and reaches back one timespan,
(t - timespan, t]; for conditions that more events can only make truer. *Fullest*: points within one timespan to which
no other could be added without letting one go; for all other conditions. A burst of a hundred has many windows with two
of its events, at its ends, but one fullest window, with all hundred; and where `a` and `b` fit into one window there is
no fullest window with `a` alone.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from detectors.sigma.correlation.measures import measure
from detectors.sigma.correlation.point import AnyPoint, Fired
from detectors.sigma.correlation.spans import SECOND, closes, memory_below, settling
from detectors.sigma.rule import Correlation

MAX_EVENT_IDS = 5


class Clock(NamedTuple):
    """Microseconds since 1970 UTC."""

    before: int
    """The watermark when the windows were last asked for."""
    now: int
    """The watermark: nothing older will come."""
    floor: int
    """Everything later than this is remembered."""


class Window(NamedTuple):
    """`points[start:end]`, counted."""

    points: Sequence[AnyPoint]
    start: int
    end: int
    since: int
    """The first event's time; what a correlation below fired on may be older than its firing."""
    amount: int
    """What the condition is about."""
    shown: tuple[str, ...]
    """Ids of the events that show it, where not any of its events does."""
    fresh: bool
    """It holds something new, or has closed just now."""

    @property
    def last(self) -> AnyPoint:
        return self.points[self.end - 1]

    @property
    def event_ids(self) -> tuple[str, ...]:
        """At most five, oldest first; the last is the event that completed the window."""
        ids = dict.fromkeys(self.shown)
        for at in range(self.start, self.end if not ids else self.start):
            point = self.points[at]
            ids.update(dict.fromkeys(point.window.event_ids if isinstance(point, Fired) else (point.event_id,)))
            if len(ids) > MAX_EVENT_IDS:
                break
        ids.pop(self.last.event_id, None)
        return (*list(ids)[: MAX_EVENT_IDS - 1], self.last.event_id)


def since(point: AnyPoint) -> int:
    return point.window.since if isinstance(point, Fired) else point.at


class _Earliest:
    """The earliest start among the points in a sliding window."""

    def __init__(self, points: Sequence[AnyPoint], start: int, end: int) -> None:
        self._points = points
        self._kept: deque[int] = deque()
        """Indices of points that began before all that follow them."""
        for at in range(start, end):
            self.add(at)

    def add(self, at: int) -> None:
        while self._kept and since(self._points[self._kept[-1]]) >= since(self._points[at]):
            self._kept.pop()
        self._kept.append(at)

    def of(self, start: int) -> int:
        while self._kept[0] < start:
            self._kept.popleft()
        return since(self._points[self._kept[0]])


def held(
    correlation: Correlation, points: Sequence[AnyPoint], fresh: Sequence[int], clock: Clock, *, told: bool
) -> Iterator[Window]:
    """The windows in which the condition holds. `fresh`: indices of new points; `told`: without the fresh, none."""
    if closes(correlation):
        return _fullest(correlation, points, clock, told)
    if told:
        return _trailing(correlation, points, fresh, _touched(correlation, points, fresh))
    return _trailing(correlation, points, fresh, [(0, len(points))] if points else [])


def _touched(correlation: Correlation, points: Sequence[AnyPoint], fresh: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of points at which windows end that hold something new."""
    span = correlation.timespan_seconds * SECOND
    ranges: list[tuple[int, int]] = []
    for at in fresh:
        end = bisect.bisect_left(points, points[at].at + span, lo=at, key=_at)
        if ranges and at <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((at, end))
    return ranges


def _at(point: AnyPoint) -> int:
    return point.at


def _trailing(
    correlation: Correlation, points: Sequence[AnyPoint], fresh: Sequence[int], ranges: Sequence[tuple[int, int]]
) -> Iterator[Window]:
    span = correlation.timespan_seconds * SECOND
    for low, high in ranges:
        start = bisect.bisect_right(points, points[low].at - span, key=_at)
        inside = measure(correlation, ending=True)
        inside.fill(points[start:low])
        earliest = _Earliest(points, start, low if correlation.children else start)
        news = iter(fresh[bisect.bisect_left(fresh, low) :])
        newest, following = -1, next(news, None)
        for end in range(low, high):
            point = points[end]
            inside.add(point)
            if correlation.children:
                earliest.add(end)
            while points[start].at <= point.at - span:
                inside.remove(points[start])
                start += 1
            if following == end:
                newest, following = end, next(news, None)
            count = inside.holds(point.at - span)
            if count is not None:
                began = earliest.of(start) if correlation.children else points[start].at
                yield Window(points, start, end + 1, began, *count, newest >= start)


def _fullest(correlation: Correlation, points: Sequence[AnyPoint], clock: Clock, told: bool) -> Iterator[Window]:
    span = correlation.timespan_seconds * SECOND
    closed = settling(correlation)
    # What was forgotten could have stood before the window, and made another one the fullest.
    known = clock.floor + span + memory_below(correlation)
    first = bisect.bisect_left(points, max(known, clock.before - closed + 1) if told else known, key=_at)
    last = bisect.bisect_right(points, clock.now - closed, key=_at)
    end = bisect.bisect_left(points, points[first - 1].at + span, key=_at) if first else 0
    inside = measure(correlation, ending=False)
    inside.fill(points[first:end])
    earliest = _Earliest(points, first, end)
    for start in range(first, last):
        before = end
        while end < len(points) and points[end].at < points[start].at + span:
            inside.add(points[end])
            earliest.add(end)
            end += 1
        if end > before:
            count = inside.holds(points[start].at - 1)
            if count is not None:
                fresh = points[start].at + closed > clock.before
                yield Window(points, start, end, earliest.of(start), *count, fresh)
        inside.remove(points[start])
