"""correlate: matches over time -> firings of Sigma correlations.

In:   occurrences (a match's time, event and rule) of one correlation and one state, and the watermark
Out:  firings, and a state to go on from
Docs: Sigma specification 2.1, correlation rules; docs/reference/sigma.md

Time is the events' own, and a firing is a fact about the set of occurrences, not about the order in which they came:
the same set, shuffled within the watermark, cut into batches or replayed, gives the same. A condition that more events
only make truer is told at once; a later arrival may enlarge such a firing, which is then told again, and whoever keeps
the largest count, the earliest start and the latest end has the truth. Any other condition is told once, when the
watermark has passed the end of its window.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson
import pyarrow as pa

from detectors.sigma.correlation.levels import Order, counting, order, told
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.correlation.spans import closings, memory
from detectors.sigma.correlation.windows import Clock, Window
from detectors.sigma.rule import Correlation

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
"""What `Ruleset.correlation_inputs` gives: rows for each match that a correlation counts. Those of one correlation and
one `group` share a state."""
MAX_OCCURRENCES = 10_000
"""Kept of one state, the newest. Counts above are told as this."""

NEVER = -(1 << 62)
END = 1 << 62
"""The watermark when nothing more will come."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Firing:
    """The condition held in a window whose last event was at `at`."""

    at: datetime
    first_seen: datetime
    last_seen: datetime
    count: int
    event_ids: tuple[str, ...]
    """At most five, oldest first; the last is the event that completed the window."""


@dataclass(frozen=True)
class State:
    """What must be remembered of one correlation and one `group`."""

    occurrences: tuple[Occurrence, ...] = ()
    """In their order (`levels.order`)."""
    watermark: int = NEVER
    """What was closed by then has been told."""
    floor: int = NEVER
    """Everything later is remembered."""
    meaning: int | None = None
    """Of the correlation that counted: a changed one starts anew."""

    def dump(self) -> bytes:
        columns = list(zip(*self.occurrences, strict=True))
        return orjson.dumps([self.watermark, self.floor, self.meaning, columns])

    @classmethod
    def load(cls, content: bytes) -> State:
        watermark, floor, meaning, columns = orjson.loads(content)
        # What `Occurrence._make` does, without its check of the length, which costs more than all the rest.
        made = map(functools.partial(tuple.__new__, Occurrence), zip(*columns, strict=True))
        return cls(tuple(made), watermark, floor, meaning)


class Step(NamedTuple):
    state: State
    firings: list[tuple[str, Firing]]
    """With the group of each; new or enlarged."""
    late: int
    """Occurrences older than the watermark, not counted."""
    dropped: int
    """Occurrences forgotten before their time, because there were too many."""


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def advance(
    correlation: Correlation, group: str, state: State, occurrences: Iterable[Occurrence], watermark: int
) -> Step:
    """The next state and what is to be told. An event seen twice counts once. No occurrence that is older than
    `watermark` is taken in; a watermark never goes back."""
    meaning = correlation.meaning
    if state.meaning != meaning:
        state = State(meaning=meaning)
    clock = Clock(state.watermark, max(watermark, state.watermark), state.floor)
    merged, fresh, late = _merged(correlation, state.occurrences, occurrences, clock.now)
    windows = told(correlation, merged, fresh, group, clock)
    firings = [(its, _firing(window)) for its, window in windows]
    kept, floor, dropped = _remembered(correlation, merged, clock)
    return Step(State(kept, clock.now, floor, meaning), firings, late, dropped)


def _merged(
    correlation: Correlation, known: Sequence[Occurrence], more: Iterable[Occurrence], watermark: int
) -> tuple[list[Occurrence], list[int], int]:
    """All in order, the indices of the new ones, and how many came too late."""

    def key(occurrence: Occurrence) -> Order:
        return order(correlation, occurrence)

    merged: list[Occurrence] = []
    fresh: list[int] = []
    done = late = 0
    for occurrence in sorted(_counted(correlation, more), key=key):
        place = bisect.bisect_left(known, key(occurrence), lo=done, key=key)
        if place < len(known) and known[place] == occurrence:
            continue
        if occurrence.at < watermark:
            late += 1
            continue
        merged += known[done:place]
        fresh.append(len(merged))
        merged.append(occurrence)
        done = place
    merged += known[done:]
    return merged, fresh, late


def _counted(correlation: Correlation, occurrences: Iterable[Occurrence]) -> set[Occurrence]:
    if correlation.children:
        return set(occurrences)
    counted, needs_value = counting(correlation), bool(correlation.field)
    return {counted(*one) for one in occurrences if not (needs_value and one.value is None)}


def _remembered(
    correlation: Correlation, merged: Sequence[Occurrence], clock: Clock
) -> tuple[tuple[Occurrence, ...], int, int]:
    """What is kept, how far back that is all there was, and how many had to go."""
    floor = max(clock.floor, clock.now - memory(correlation))
    start = bisect.bisect_right(merged, floor, key=lambda occurrence: occurrence.at)
    dropped = max(len(merged) - start - MAX_OCCURRENCES, 0)
    if dropped:
        start += dropped
        floor = merged[start - 1].at
    return tuple(merged[start:]), floor, dropped


def due(correlation: Correlation, state: State) -> int | None:
    """The watermark at which `advance` has something to tell or to forget without a new occurrence; None = never."""
    if not state.occurrences:
        return None
    times = [occurrence.at for occurrence in state.occurrences]
    opened = ((after, bisect.bisect_right(times, state.watermark - after)) for after in closings(correlation))
    return min([times[-1] + memory(correlation), *(times[at] + after for after, at in opened if at < len(times))])


def _firing(window: Window) -> Firing:
    last = _time(window.last.at)
    return Firing(last, _time(window.since), last, window.amount, window.event_ids)


def _time(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


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
