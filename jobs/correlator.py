"""correlator: the windows of one correlation and one group in Spark's state.

In:   OCCURRENCES by correlation, group and canary; event-time timers
Out:  rows of ALERT; what was not counted, in an accumulator

Conditions that are judged when a window has closed fire by a timer: also when nothing more comes for that group.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
from pyspark.accumulators import Accumulator, AccumulatorParam
from pyspark.sql.streaming.stateful_processor import (
    ExpiredTimerInfo,
    StatefulProcessor,
    StatefulProcessorHandle,
    TimerValues,
)

from detectors.alert import SAMPLES
from detectors.grouping import of_firings
from detectors.raised import ALERT
from detectors.sigma.correlate import INPUTS, NEVER, Firing, State, Step, advance, due, microseconds
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.correlation.spans import closings
from detectors.sigma.rule import Correlation
from hamrong.config import Detection
from ingest.event import TIMESTAMP
from jobs import loaded

log = logging.getLogger(__name__)

OCCURRENCES = pa.schema(
    [*INPUTS, pa.field("sample", pa.string()), pa.field("canary", pa.string()), pa.field("clock", TIMESTAMP)]
)
"""What a correlation counts, with the event as JSON for the alert's evidence, what keeps a canary's apart, and the time
that moves the watermark. A row without a correlation is there for its clock alone."""

GRACE_SECONDS = 10 * 366 * 86_400
"""Spark throws rows away that are older than its watermark, and tells no one of which rule. So its watermark lags ten
years behind ours, and we count them ourselves."""
MAX_SAMPLES = 32
"""Events that a group keeps as evidence for windows that are still open."""


class Lost(AccumulatorParam[Counter[tuple[str, str]]]):
    """Counts by (correlation, why): "late" or "forgotten"."""

    def zero(self, value: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
        return Counter()

    def addInPlace(  # noqa: N802 (Spark's name)
        self, value1: Counter[tuple[str, str]], value2: Counter[tuple[str, str]]
    ) -> Counter[tuple[str, str]]:
        return value1 + value2


LostCounts = Accumulator[Counter[tuple[str, str]]]


@dataclass
class Evidence:
    """Events as JSON by their ids, with their time."""

    events: dict[str, tuple[int, str]] = field(default_factory=dict)

    def of(self, firing_ids: Sequence[str], first: int, last: int) -> list[str]:
        """The events of a window; of one whose events are not kept, what else was seen while it was open."""
        known = [self.events[event_id][1] for event_id in firing_ids if event_id in self.events]
        inside = sorted(event for event in self.events.values() if first <= event[0] <= last)
        return (
            known or [sample for _, sample in inside[:SAMPLES]] or [sample for _, sample in self.events.values()][-1:]
        )

    def kept(self, occurrences: Sequence[Occurrence]) -> Evidence:
        """Those whose windows may still be open; of too many every second one, so that all times are shown."""
        open_ids = {occurrence.event_id for occurrence in occurrences}
        kept = sorted((one for one in self.events.items() if one[0] in open_ids), key=lambda one: (one[1], one[0]))
        while len(kept) > MAX_SAMPLES:
            kept = kept[::2]
        return Evidence(dict(kept))


class Correlator(StatefulProcessor):
    """State: what `correlate` remembers, when the timer rings, and the evidence for windows that are still open."""

    def __init__(self, detection: Detection, lost: LostCounts) -> None:
        self._detection = detection
        self._lost = lost

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._handle = handle
        self._state = handle.getValueState("windows", "dump binary, timer long")
        self._evidence = handle.getValueState("evidence", "dump binary")

    def handleInputRows(  # noqa: N802 (Spark's name)
        self,
        key: Any,
        rows: Iterator[pd.DataFrame],
        timerValues: TimerValues,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        seen = [row for frame in rows for row in frame.itertuples(index=False)] if key[0] else []
        # Spark hands times over without a zone, as those of the session's, UTC; `value` is nanoseconds since 1970.
        fresh = {Occurrence(row.at.value // 1000, row.event_id, row.rule, row.value): row.sample for row in seen}
        return self._advanced(key, fresh, timerValues)

    def handleExpiredTimer(  # noqa: N802
        self,
        key: Any,
        timerValues: TimerValues,  # noqa: N803
        expiredTimerInfo: ExpiredTimerInfo,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        return self._advanced(key, {}, timerValues)

    def _advanced(self, key: Any, fresh: Mapping[Occurrence, str], timer_values: TimerValues) -> Iterator[pd.DataFrame]:
        name, group, _ = key
        by_id = {one.id: one for one in loaded.live(self._detection).correlations} if name else {}
        if name not in by_id:
            # The rule was taken out while its matches were on their way: nothing is left to fire.
            self._state.clear()
            self._evidence.clear()
            return
        correlation = by_id[name]
        dump, timer = self._state.get() or (None, None)
        now = timer_values.getCurrentWatermarkInMs()
        watermark = (now + GRACE_SECONDS * 1000) * 1000 if now > 0 else NEVER
        step = advance(correlation, group, State.load(bytes(dump)) if dump else State(), fresh, watermark)
        self._count_lost(name, step)
        evidence = self._collected(correlation, fresh)
        alerts = list(_alerts(correlation, step.firings, evidence))
        self._keep(correlation, step.state, timer, evidence)
        if alerts:
            yield pd.DataFrame(alerts, columns=ALERT.names)

    def _collected(self, correlation: Correlation, fresh: Mapping[Occurrence, str]) -> Evidence:
        """What came now; and what came before, where a window may fire when all of its events lie behind."""
        kept = self._evidence.get() if closings(correlation) else None
        before = {event_id: (at, sample) for event_id, at, sample in orjson.loads(bytes(kept[0]))} if kept else {}
        return Evidence(before | {one.event_id: (one.at, sample) for one, sample in fresh.items()})

    def _keep(self, correlation: Correlation, state: State, timer: int | None, evidence: Evidence) -> None:
        rings = due(correlation, state)
        # Milliseconds, rounded up, on Spark's clock.
        wanted = None if rings is None else max(-(-rings // 1000) - GRACE_SECONDS * 1000, 1)
        if timer is not None and timer != wanted:
            self._handle.deleteTimer(timer)
        if wanted is None:
            self._state.clear()
            self._evidence.clear()
            return
        self._handle.registerTimer(wanted)
        self._state.update((state.dump(), wanted))
        if closings(correlation):
            kept = [
                (event_id, at, sample) for event_id, (at, sample) in evidence.kept(state.occurrences).events.items()
            ]
            self._evidence.update((orjson.dumps(kept),))

    def _count_lost(self, name: str, step: Step) -> None:
        for why, count in (("late", step.late), ("forgotten", step.dropped)):
            if count:
                self._lost.add(Counter({(name, why): count}))


def _alerts(
    correlation: Correlation, firings: Sequence[tuple[str, Firing]], evidence: Evidence
) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[Firing]] = {}
    for group, firing in firings:
        groups.setdefault(group, []).append(firing)
    for group, its in groups.items():
        for alert in of_firings(correlation, group, its):
            times = microseconds(alert["first_seen"]), microseconds(alert["last_seen"])
            alert["samples"] = evidence.of(alert.pop("event_ids"), *times)
            yield alert
