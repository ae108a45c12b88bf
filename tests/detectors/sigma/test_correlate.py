"""Correlations: what fires, and that neither order nor batching nor replay changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma.correlate import (
    LATENESS_SECONDS,
    MAX_OCCURRENCES,
    Firing,
    Occurrence,
    State,
    advance,
    episodes,
)
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import Condition, Correlation
from detectors.sigma.ruleset import Ruleset

SECOND = 1_000_000
START = datetime(2026, 3, 5, 2, tzinfo=UTC)


def correlation(kind: str, *, seconds: int = 60, op: str = "gte", number: float = 3, **more: object) -> Correlation:
    rules = ("a", "b") if kind.startswith("temporal") else ("a",)
    return Correlation(
        **{
            "id": kind,
            "title": kind,
            "type": kind,
            "rules": rules,
            "timespan_seconds": seconds,
            "condition": Condition(op, len(rules) if kind.startswith("temporal") else number),
            **more,
        }  # type: ignore[arg-type]
    )


def at(seconds: float) -> int:
    return int((START.timestamp() + seconds) * SECOND)


def occurrences(*times: float, rule: str = "a", value: str | None = None) -> list[Occurrence]:
    return [Occurrence(at(time), f"{rule}{time}", rule, value) for time in times]


def offsets(firings: Iterable[Firing]) -> list[float]:
    return [(firing.at - START).total_seconds() for firing in firings]


def test_event_count_fires_where_the_window_is_full() -> None:
    _, firings = advance(correlation("event_count"), State(), occurrences(0, 10, 59, 61, 200))
    assert offsets(firings) == [59, 61]
    assert firings[0].count == 3
    assert firings[0].first_seen == START
    assert firings[0].event_ids == ("a0", "a10", "a59")


def test_windows_slide_and_do_not_snap_to_the_clock() -> None:
    for shift in range(0, 60, 7):
        _, firings = advance(correlation("event_count"), State(), occurrences(shift, shift + 30, shift + 59))
        assert offsets(firings) == [shift + 59]


def test_an_event_exactly_one_timespan_old_is_out() -> None:
    assert advance(correlation("event_count"), State(), occurrences(0, 30, 60))[1] == []


def test_gt_is_strict() -> None:
    assert offsets(advance(correlation("event_count", op="gt"), State(), occurrences(0, 1, 2, 3))[1]) == [3]


def test_value_count_counts_distinct_values_and_no_nulls() -> None:
    many = [Occurrence(at(time), str(time), "a", value) for time, value in enumerate(["x", "x", None, "y", "x", "z"])]
    _, firings = advance(correlation("value_count"), State(), many)
    assert offsets(firings) == [5]
    assert firings[0].count == 3


def test_temporal_needs_each_rule_in_any_order() -> None:
    both = [*occurrences(0, rule="b"), *occurrences(30, 100, rule="a")]
    assert offsets(advance(correlation("temporal"), State(), both)[1]) == [30]


def test_temporal_ordered_needs_the_order() -> None:
    assert advance(correlation("temporal_ordered"), State(), [*occurrences(0, rule="b"), *occurrences(30)])[1] == []
    _, firings = advance(correlation("temporal_ordered"), State(), [*occurrences(0), *occurrences(30, 70, rule="b")])
    assert offsets(firings) == [30]
    assert firings[0].event_ids == ("a0", "b30")
    assert advance(correlation("temporal_ordered"), State(), [*occurrences(0), *occurrences(60, rule="b")])[1] == []


def test_events_of_one_second_are_in_order() -> None:
    """Syslog's stamps have no fractions: what is logged in the same second has happened in some order."""
    for ids in (("1", "2"), ("2", "1")):
        pair = [Occurrence(at(5), ids[0], "a", None), Occurrence(at(5), ids[1], "b", None)]
        assert offsets(advance(correlation("temporal_ordered"), State(), pair)[1]) == [5]


def test_a_replayed_event_counts_once() -> None:
    state, first = advance(correlation("event_count"), State(), occurrences(0, 10))
    state, again = advance(correlation("event_count"), state, occurrences(0, 10))
    assert first == again == []
    assert offsets(advance(correlation("event_count"), state, occurrences(20))[1]) == [20]


def test_a_late_event_counts_while_it_is_not_too_late() -> None:
    state, _ = advance(correlation("event_count"), State(), occurrences(0, 50, LATENESS_SECONDS - 10))
    assert offsets(advance(correlation("event_count"), state, occurrences(20))[1]) == [50]
    # The window of a late event reaches further back than what may come late.
    state, _ = advance(correlation("event_count"), State(), occurrences(0, 50, LATENESS_SECONDS + 40))
    assert offsets(advance(correlation("event_count"), state, occurrences(45))[1]) == [50]
    state, _ = advance(correlation("event_count"), State(), occurrences(0, 50, LATENESS_SECONDS + 60))
    assert advance(correlation("event_count"), state, occurrences(20))[1] == []


def test_state_is_bounded_expires_and_survives_a_restart() -> None:
    state = State()
    for start in range(0, 3 * MAX_OCCURRENCES, 1000):
        state, firings = advance(
            correlation("event_count"), state, occurrences(*(n / 100 for n in range(start, start + 1000)))
        )
        assert State.load(state.dump()) == state
    assert firings
    assert len(state.occurrences) == MAX_OCCURRENCES
    assert state.until == state.occurrences[-1].at + (LATENESS_SECONDS + 60) * SECOND
    state, _ = advance(correlation("event_count"), state, occurrences(100_000))
    assert len(state.occurrences) == 1


KINDS = st.sampled_from(["event_count", "value_count", "temporal", "temporal_ordered"])
STREAM = st.lists(
    st.builds(
        lambda time, number, rule, value: Occurrence(at(time), f"{number}", rule, value),
        st.integers(0, 300),
        st.integers(0, 40),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x", "y", "z", None]),
    ),
    max_size=40,
    unique_by=lambda occurrence: occurrence.event_id,
)


@settings(max_examples=300, deadline=None)
@given(KINDS, STREAM, st.data())
def test_order_batches_and_replays_change_nothing(kind: str, stream: list[Occurrence], data: st.DataObject) -> None:
    one = correlation(kind)
    if kind.endswith("_count"):
        stream = [occurrence._replace(rule="a") for occurrence in stream]
    expected = told(one, [stream])
    shuffled = data.draw(st.permutations(stream))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    batches = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    replayed = data.draw(st.lists(st.sampled_from(batches), max_size=3))
    assert told(one, [*batches, *replayed]) == expected


def told(one: Correlation, batches: Iterable[list[Occurrence]]) -> dict[datetime, tuple[datetime, datetime, int]]:
    """What remains when the last word on each window counts, and when the largest does: they must be the same."""
    state = State()
    last: dict[datetime, tuple[datetime, datetime, int]] = {}
    largest: dict[datetime, tuple[datetime, datetime, int]] = {}
    for batch in batches:
        state, firings = advance(one, State.load(state.dump()), batch)
        per_end: dict[datetime, Firing] = {}
        for firing in firings:
            if firing.at not in per_end or firing.count >= per_end[firing.at].count:
                per_end[firing.at] = firing
        for end, firing in per_end.items():
            last[end] = (firing.first_seen, firing.last_seen, firing.count)
            before = largest.get(end, last[end])
            largest[end] = (min(before[0], firing.first_seen), firing.last_seen, max(before[2], firing.count))
    if one.type != "temporal_ordered":
        assert last == largest
    return last


def test_episodes_are_told_once() -> None:
    one = correlation("event_count", number=2)
    _, firings = advance(one, State(), occurrences(0, 10, 20, 30, 200, 210))
    merged = episodes(one, firings)
    assert offsets(merged) == [10, 210]
    assert merged[0].count == 4
    assert merged[0].last_seen == START + timedelta(seconds=30)


CHAIN = """
title: refused
id: refused
name: refused
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: failure}, condition: s}
---
title: accepted
id: accepted
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: success}, condition: s}
---
title: many refused
id: many
correlation: {type: event_count, rules: [refused], group-by: [source.ip, user.name], timespan: 5m, condition: {gte: 3}}
---
title: found
id: found
correlation: {type: temporal_ordered, rules: [many, accepted], group-by: [source.ip, user.name], timespan: 10m}
"""


def fired(ruleset: Ruleset, rows: list[tuple[int, str, str, str | None]]) -> list[tuple[str, str, float]]:
    """(second, outcome, address, user) of each event -> correlation, group and second of each firing."""
    batch = pa.RecordBatch.from_pydict(
        {
            "@timestamp": pa.array([START + timedelta(seconds=row[0]) for row in rows], pa.timestamp("us", tz="UTC")),
            "event.dataset": ["linux.sshd"] * len(rows),
            "event.id": [str(number) for number in range(len(rows))],
            "event.outcome": [row[1] for row in rows],
            "source.ip": [row[2] for row in rows],
            "user.name": pa.array([row[3] for row in rows], pa.string()),
        }
    )
    matches = ruleset.match(batch)
    inputs = ruleset.correlation_inputs(ruleset.matched_ids(matches), batch.take(matches["row"]))
    found = correlate(ruleset.correlations, inputs)
    return [(one.id, group, (firing.at - START).total_seconds()) for one, group, firing in found]


def test_a_correlation_of_a_correlation(load: Callable[..., Ruleset]) -> None:
    ruleset = load(CHAIN)
    assert {rule.id: rule.generate for rule in (*ruleset.rules, *ruleset.correlations)} == {
        "accepted": False,
        "refused": False,
        "found": True,
        "many": False,
    }
    refused = [(second, "failure", "203.0.113.7", "an") for second in (0, 10, 20)]
    accepted = (30, "success", "203.0.113.7", "an")
    assert fired(ruleset, [*refused, accepted]) == [("found", '["203.0.113.7","an"]', 30)]
    assert fired(ruleset, [*refused[1:], accepted]) == []
    assert fired(ruleset, [*refused, (30, "success", "203.0.113.8", "an")]) == []
    assert fired(ruleset, [(40, *row[1:]) if row[0] == 20 else row for row in refused] + [accepted]) == []
    assert fired(ruleset, [*refused, (700, "success", "203.0.113.7", "an")]) == []


def test_a_row_without_its_group_is_left_out(load: Callable[..., Ruleset]) -> None:
    ruleset = load(CHAIN.replace("{type: temporal_ordered", "{type: temporal"))
    rows = [(second, "failure", "203.0.113.7", None) for second in (0, 10, 20)]
    assert fired(ruleset, [*rows, (30, "success", "203.0.113.7", None)]) == []


def test_aliases_name_the_field_of_each_rule(load: Callable[..., Ruleset]) -> None:
    text = """
title: one
id: one
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: failure}, condition: s}
---
title: two
id: two
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: success}, condition: s}
---
title: both
id: both
correlation:
  type: temporal
  rules: [one, two]
  aliases: {who: {one: source.ip, two: user.name}}
  group-by: [who]
  timespan: 1m
"""
    ruleset = load(text)
    assert fired(ruleset, [(0, "failure", "x", "-"), (1, "success", "-", "x"), (2, "success", "x", "y")]) == [
        ("both", '["x"]', 1)
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("rules: [refused]", "rules: [refuse]"), "names the rule 'refuse', which is not there (hint: did you mean"),
        (("rules: [many, accepted]", "rules: [found, accepted]"), "counts itself"),
        (
            ("group-by: [source.ip, user.name], timespan: 5m", "group-by: [source.ip], timespan: 5m"),
            "groups by user.name",
        ),
        (("timespan: 5m", "timespan: 5 minutes"), "timespan is '5 minutes'"),
        (("gte: 3", "lt: 3"), "condition has lt"),
        (("type: event_count", "type: event_cuont"), "did you mean 'event_count'?"),
        (("condition: {gte: 3}", "condition: {gte: many}"), "gte is 'many'"),
    ],
)
def test_faults_are_named(change: tuple[str, str], what: str, load: Callable[..., Ruleset]) -> None:
    ruleset = load(CHAIN.replace(*change), strict=False)
    assert any(what in str(problem) for problem in ruleset.problems), ruleset.problems
    assert len(ruleset.rules) == 2
