"""Stream, batch and a plain evaluator tell the same: any correlation, any order, any cuts, replays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma.correlate import END, INPUTS, NEVER, Firing, State, Step, advance, due
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import Alternative, Condition, Correlation
from tests.detectors.sigma.correlation.plain import COMPARE, Row, evaluate, waits

SECOND = 1_000_000
LATENESS = 30 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NUMBERS = ("value_sum", "value_avg", "value_percentile", "value_median")
TYPES = ("event_count", "value_count", "temporal", "temporal_ordered", *NUMBERS)


@st.composite
def correlations(
    draw: st.DrawFn, name: str, rules: tuple[str, ...], children: tuple[Correlation, ...] = ()
) -> Correlation:
    kind = draw(st.sampled_from(TYPES))
    conditions: tuple[Condition, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    if kind.startswith("temporal") and draw(st.booleans()):
        alternatives = tuple(draw(st.lists(ways(rules), min_size=1, max_size=2, unique=True)))
    else:
        bounds = st.builds(Condition, st.sampled_from(sorted(COMPARE)), st.sampled_from([1.0, 1.5, 2.0, 3.0]))
        conditions = tuple(draw(st.lists(bounds, min_size=1, max_size=2, unique_by=lambda one: one.op)))
    return Correlation(
        id=name,
        title=name,
        type=kind,
        rules=rules,
        group_by=("source.ip",),
        group_by_written=("source.ip",),
        timespan_seconds=draw(st.sampled_from([5, 20])),
        conditions=conditions,
        alternatives=alternatives,
        field=("f",) if kind.startswith("value_") else (),
        percentile=draw(st.sampled_from([0, 25, 50, 99.5, 100])),
        children=children,
    )


@st.composite
def ways(draw: st.DrawFn, rules: tuple[str, ...]) -> Alternative:
    marks = draw(
        st.lists(st.sampled_from("+- "), min_size=len(rules), max_size=len(rules)).filter(lambda drawn: "+" in drawn)
    )
    return Alternative(*(tuple(rule for rule, its in zip(rules, marks, strict=True) if its == mark) for mark in "+-"))


VALUES = st.sampled_from([None, "-1000000", "0", "1000000", "1500000", "2000000", "3000000"])
STAMPS = st.integers(0, 70).map(lambda second: second * SECOND)


@st.composite
def streams(draw: st.DrawFn, paths: tuple[str, ...], levels: bool) -> list[Row]:
    """One event may match several rules, and hold several values."""
    rows: list[Row] = []
    for number, at in enumerate(draw(st.lists(STAMPS, max_size=14))):
        for _ in range(draw(st.integers(1, 2))):
            path = draw(st.sampled_from(paths))
            value = draw(VALUES)
            if levels:
                groups = st.sampled_from(['["p"]', '["q"]', None])
                steps = [[draw(groups) if "/" in path else '["p"]', value]]
                steps += [[draw(st.sampled_from(['["x"]', '["y"]'])), draw(VALUES)]] if "/" in path else []
                value = json.dumps(steps)
            rows.append((at, f"e{number}", path, value))
    return rows


Told = dict[tuple[str, int], tuple[int, int]]


def final(firings: Iterable[tuple[str, Firing]]) -> Told:
    """What remains when the largest count and the earliest start are kept."""
    kept: Told = {}
    for group, firing in firings:
        at, since = ((moment - EPOCH) // timedelta(microseconds=1) for moment in (firing.at, firing.first_seen))
        before = kept.get((group, at), (since, firing.count))
        kept[group, at] = min(before[0], since), max(before[1], firing.count)
    return kept


def streamed(one: Correlation, batches: list[list[Occurrence]], replays: dict[int, int]) -> list[tuple[str, Firing]]:
    """As Spark does it: the watermark of a batch is what the batches before it say; timers ring when they are due."""
    state, newest, told = State(), NEVER, []

    def step(occurrences: list[Occurrence], watermark: int) -> Step:
        step = advance(one, "[]", State.load(state.dump()), occurrences, watermark)
        told.extend(step.firings)
        return step

    for number, batch in enumerate(batches):
        watermark = newest - LATENESS if newest != NEVER else NEVER
        rings = due(one, state)
        if rings is None or rings > watermark:
            assert not advance(one, "[]", state, [], watermark).firings
        made = step(batch, watermark)
        assert made.late == made.dropped == 0
        state = made.state
        if replays.get(number, len(batches)) <= number:
            state = step(batches[replays[number]], watermark).state
        newest = max([newest, *(occurrence.at for occurrence in batch)])
    step([], END)
    return told


def in_batch(one: Correlation, rows: Iterable[Row]) -> Told:
    inputs = pa.RecordBatch.from_pylist(
        [
            {"row": 0, "correlation": one.id, "group": "[]", "at": at, "event_id": event, "value": value, "rule": path}
            for at, event, path, value in rows
        ],
        schema=pa.schema([field if field.name != "at" else field.with_type(pa.int64()) for field in INPUTS]),
    )
    inputs = pa.RecordBatch.from_arrays(
        [column.cast(field.type) for column, field in zip(inputs.columns, INPUTS, strict=True)], schema=INPUTS
    )
    return final((group, firing) for _, group, firing in correlate([one], inputs))


def check(one: Correlation, rows: list[Row], data: st.DataObject) -> None:
    expected = evaluate(one, "[]", rows)
    assert in_batch(one, rows) == expected
    delays = data.draw(st.lists(st.integers(0, LATENESS - 1), min_size=len(rows), max_size=len(rows)))
    late = sorted(range(len(rows)), key=lambda at: rows[at][0] + delays[at])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=5)))
    order = [Occurrence(*rows[at]) for at in late]
    batches = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    replays = data.draw(st.dictionaries(st.integers(0, 5), st.integers(0, 5), max_size=3))
    told = streamed(one, batches, replays)
    assert final(told) == expected
    if waits(one):
        assert len({(group, firing.at) for group, firing in told}) == len(told)


def agree(data: st.DataObject) -> None:
    one = data.draw(correlations("top", ("a", "b", "c")))
    check(one, data.draw(streams(one.rules, levels=False)), data)


def agree_in_chains(data: st.DataObject) -> None:
    child = data.draw(correlations("below", ("a", "b")))
    one = data.draw(correlations("top", ("below", "c"), (child,)))
    check(one, data.draw(streams(("below/a", "below/b", "c"), levels=True)), data)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_all_tell_the_same(data: st.DataObject) -> None:
    agree(data)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_all_tell_the_same_in_chains(data: st.DataObject) -> None:
    agree_in_chains(data)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_all_tell_the_same_at_length(data: st.DataObject) -> None:
    agree(data)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_all_tell_the_same_in_chains_at_length(data: st.DataObject) -> None:
    agree_in_chains(data)
