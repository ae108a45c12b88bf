"""Correlations: what fires and when, what is forgotten, and what documents may say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detectors.sigma import correlate as module
from detectors.sigma.correlate import END, NEVER, Firing, State, Step, advance, due, episodes
from detectors.sigma.correlation.boolean import alternatives
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.rule import Alternative, Condition, Correlation

SECOND = 1_000_000
START = datetime(2026, 3, 5, 2, tzinfo=UTC)


def correlation(kind: str, *bounds: tuple[str, float], seconds: int = 60, **more: object) -> Correlation:
    rules = ("a", "b") if kind.startswith("temporal") else ("a",)
    return Correlation(
        **{
            "id": kind,
            "title": kind,
            "type": kind,
            "rules": rules,
            "timespan_seconds": seconds,
            "field": ("f",) if kind.startswith("value_") else (),
            "conditions": tuple(Condition(*bound) for bound in bounds)
            or (Condition("gte", 2 if kind.startswith("temporal") else 3),),
            **more,
        }  # type: ignore[arg-type]
    )


def said(kind: str, condition: str, **more: object) -> Correlation:
    """With a condition over the rules a, b and c."""
    ways = tuple(Alternative(*(tuple(sorted(part)) for part in way)) for way in alternatives(condition))
    return correlation(kind, **{"rules": ("a", "b", "c"), "conditions": (), "alternatives": ways, **more})  # type: ignore[arg-type]


def at(seconds: float) -> int:
    return round((START.timestamp() + seconds) * SECOND)


def occurrences(*times: float, rule: str = "a", value: str | None = None) -> list[Occurrence]:
    return [Occurrence(at(time), f"{rule}{time}", rule, value) for time in times]


def numbers(*values: float) -> list[Occurrence]:
    """One a second."""
    return [Occurrence(at(time), str(time), "a", str(round(value * SECOND))) for time, value in enumerate(values)]


def step(one: Correlation, state: State, its: Iterable[Occurrence], watermark: int = NEVER) -> Step:
    return advance(one, "[]", state, its, watermark)


def fires(one: Correlation, its: Iterable[Occurrence], watermark: int = NEVER) -> list[Firing]:
    """What is told when these have come, and then the watermark."""
    first = step(one, State(), its)
    return [firing for _, firing in (*first.firings, *step(one, first.state, [], watermark).firings)]


def offsets(firings: Iterable[Firing]) -> list[float]:
    return [(firing.at - START).total_seconds() for firing in firings]


def test_event_count_fires_where_the_window_is_full() -> None:
    firings = fires(correlation("event_count"), occurrences(0, 10, 59, 61, 200))
    assert offsets(firings) == [59, 61]
    assert firings[0].count == 3
    assert firings[0].first_seen == START
    assert firings[0].event_ids == ("a0", "a10", "a59")


def test_windows_slide_and_do_not_snap_to_the_clock() -> None:
    for shift in range(0, 60, 7):
        assert offsets(fires(correlation("event_count"), occurrences(shift, shift + 30, shift + 59))) == [shift + 59]


def test_an_event_exactly_one_timespan_old_is_out() -> None:
    assert fires(correlation("event_count"), occurrences(0, 30, 60)) == []
    assert offsets(fires(said("temporal", "a and not b"), [*occurrences(0), *occurrences(60, rule="b")], END)) == [0]
    assert fires(said("temporal", "a and not b"), [*occurrences(0), *occurrences(59, rule="b")], END) == []


def test_gt_is_strict() -> None:
    assert offsets(fires(correlation("event_count", ("gt", 3)), occurrences(0, 1, 2, 3))) == [3]


def test_an_event_that_several_rules_match_is_one_event() -> None:
    twice = [occurrence._replace(rule=rule) for occurrence in occurrences(0, 1) for rule in ("a", "b")]
    assert fires(correlation("event_count", rules=("a", "b")), twice) == []
    assert offsets(fires(correlation("temporal"), twice)) == [0, 1, 1]


def test_value_count_counts_distinct_values_and_no_nulls() -> None:
    many = [Occurrence(at(time), str(time), "a", value) for time, value in enumerate(["x", "x", None, "y", "x", "z"])]
    firings = fires(correlation("value_count"), many)
    assert offsets(firings) == [5]
    assert firings[0].count == 3


def test_temporal_needs_each_rule_in_any_order() -> None:
    assert offsets(fires(correlation("temporal"), [*occurrences(0, rule="b"), *occurrences(30, 100)])) == [30]


def test_temporal_ordered_needs_the_order() -> None:
    assert fires(correlation("temporal_ordered"), [*occurrences(0, rule="b"), *occurrences(30)]) == []
    firings = fires(correlation("temporal_ordered"), [*occurrences(0), *occurrences(30, 70, rule="b")])
    assert offsets(firings) == [30]
    assert firings[0].event_ids == ("a0", "b30")
    assert fires(correlation("temporal_ordered"), [*occurrences(0), *occurrences(60, rule="b")]) == []


def test_some_of_the_rules_in_order_are_enough_where_the_condition_says_so() -> None:
    two_of_three = correlation("temporal_ordered", ("gte", 2), rules=("a", "b", "c"))
    assert offsets(fires(two_of_three, [*occurrences(0), *occurrences(5, rule="c")])) == [5]
    assert fires(two_of_three, [*occurrences(0, rule="c"), *occurrences(5, rule="b")]) == []


def test_events_of_one_second_are_in_order_and_none_follows_itself() -> None:
    """Syslog's stamps have no fractions: what is logged in the same second has happened in some order."""
    for ids in (("1", "2"), ("2", "1")):
        pair = [Occurrence(at(5), ids[0], "a"), Occurrence(at(5), ids[1], "b")]
        assert offsets(fires(correlation("temporal_ordered"), pair)) == [5]
    assert fires(correlation("temporal_ordered"), [Occurrence(at(5), "1", "a"), Occurrence(at(5), "1", "b")]) == []


def test_a_sum_is_told_at_once_and_what_is_below_zero_takes_nothing_away() -> None:
    firings = fires(correlation("value_sum", ("gt", 1000)), numbers(600, -500, 400, 1.5))
    assert [(firing.count, *offsets([firing])) for firing in firings] == [(1002, 3)]


@pytest.mark.parametrize(
    ("kind", "more", "bound", "count"),
    [
        ("value_avg", {}, ("gt", 2.49), 3),
        ("value_avg", {}, ("lte", 2.5), 3),
        ("value_percentile", {"percentile": 50}, ("eq", 2), 2),
        ("value_percentile", {"percentile": 95}, ("gte", 4), 4),
        ("value_percentile", {"percentile": 0}, ("lt", 2), 1),
        ("value_median", {}, ("eq", 2.5), 3),
    ],
)
def test_what_a_later_number_could_change_is_told_when_the_window_has_closed(
    kind: str, more: dict[str, Any], bound: tuple[str, float], count: int
) -> None:
    one = correlation(kind, bound, **more)
    assert fires(one, numbers(1, 2, 3, 4), at(60) - 1) == []
    assert [firing.count for firing in fires(one, numbers(1, 2, 3, 4), at(60))] == [count]


@pytest.mark.parametrize(
    ("bounds", "events", "told"),
    [
        ([("lte", 2)], 2, True),
        ([("lte", 2)], 3, False),
        ([("lt", 3)], 3, False),
        ([("eq", 3)], 3, True),
        ([("eq", 2)], 3, False),
        ([("neq", 3)], 3, False),
        ([("neq", 3)], 4, True),
        ([("gt", 1), ("lte", 3)], 1, False),
        ([("gt", 1), ("lte", 3)], 3, True),
        ([("gt", 1), ("lte", 3)], 4, False),
    ],
)
def test_what_must_not_be_more_is_judged_by_the_fullest_window(
    bounds: list[tuple[str, float]], events: int, told: bool
) -> None:
    """The ends of a burst hold fewer events, and are no windows of their own."""
    one = correlation("event_count", *bounds)
    assert fires(one, occurrences(*range(events)), at(60) - 1) == []
    assert [firing.count for firing in fires(one, occurrences(*range(events)), at(60))] == [events] * told


def test_a_window_that_waits_is_told_once_with_its_first_and_last_event() -> None:
    one = said("temporal", "a and not b")
    state = step(one, State(), occurrences(0, 10)).state
    assert due(one, state) == at(60)
    (_, firing), *more = step(one, state, [], at(60)).firings
    assert (firing.first_seen, offsets([firing]), firing.event_ids, more) == (START, [10], ("a0", "a10"), [])
    assert step(one, step(one, state, [], at(60)).state, occurrences(0, 10), at(61)).firings == []


@pytest.mark.parametrize("second", [-59, -1, 0, 1, 59])
def test_what_must_not_come_counts_before_and_after(second: float) -> None:
    its = [*occurrences(0), *occurrences(second, rule="b")]
    assert fires(said("temporal", "a and not b"), its, END) == []


def test_order_and_absence() -> None:
    one = said("temporal_ordered", "a and b and not c")
    pair = [*occurrences(0), *occurrences(5, rule="b")]
    assert offsets(fires(one, pair, END)) == [5]
    assert fires(one, pair, at(60) - 1) == []
    assert fires(one, [*pair, *occurrences(9, rule="c")], END) == []
    assert fires(one, [*occurrences(0, rule="b"), *occurrences(5)], END) == []


def test_a_condition_without_not_is_told_at_once() -> None:
    one = said("temporal", "a and (b or c)")
    assert offsets(fires(one, [*occurrences(0), *occurrences(5, rule="c")])) == [5]
    assert fires(one, [*occurrences(0, rule="b"), *occurrences(5, rule="c")]) == []


def test_a_replayed_event_counts_once() -> None:
    one = correlation("event_count")
    state, first, *_ = step(one, State(), occurrences(0, 10))
    state, again, *_ = step(one, state, occurrences(0, 10))
    assert first == again == []
    assert [firing.count for _, firing in step(one, state, occurrences(20)).firings] == [3]


def test_a_late_event_counts_until_the_watermark_has_passed_it() -> None:
    one = correlation("event_count")
    state = step(one, State(), occurrences(0, 50, 600)).state
    made = step(one, state, occurrences(20), at(20))
    assert (offsets(firing for _, firing in made.firings), made.late) == ([50], 0)
    # The window of a late event reaches further back than what may come late.
    state = step(one, state, [], at(45)).state
    assert offsets(firing for _, firing in step(one, state, occurrences(45), at(45)).firings) == [50]
    made = step(one, state, occurrences(44, 45, 46), at(46))
    assert (offsets(firing for _, firing in made.firings), made.late) == ([50], 2)


def test_a_watermark_never_goes_back() -> None:
    one = correlation("event_count")
    state = step(one, State(), [], at(100)).state
    assert step(one, state, occurrences(99), at(0)).late == 1


def test_state_is_bounded_and_says_what_it_forgot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OCCURRENCES", 300)
    one, state, dropped = correlation("event_count"), State(), 0
    for start in range(0, 900, 100):
        made = step(one, state, occurrences(*(number / 100 for number in range(start, start + 100))))
        state, dropped = made.state, dropped + made.dropped
        assert State.load(state.dump()) == state
        assert made.firings
    assert (len(state.occurrences), dropped) == (300, 600)
    assert due(one, state) == state.occurrences[-1].at + 60 * SECOND
    assert step(one, state, [], at(8.99 + 60)).state.occurrences == ()


def test_what_was_forgotten_is_not_taken_for_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OCCURRENCES", 3)
    one = said("temporal", "a and not b")
    its = [*occurrences(0, rule="b"), *occurrences(30, 31, 32)]
    state = step(one, State(), its).state
    assert [occurrence.rule for occurrence in state.occurrences] == ["a", "a", "a"]
    assert step(one, state, [], END).firings == []


def test_what_is_past_is_forgotten() -> None:
    for one, span in ((correlation("event_count"), 60), (said("temporal", "a and not b"), 120)):
        state = step(one, State(), occurrences(0)).state
        assert len(step(one, state, [], at(span) - 1).state.occurrences) == 1
        assert step(one, state, [], at(span)).state.occurrences == ()
        assert due(one, step(one, state, [], at(span)).state) is None


def test_a_changed_correlation_starts_anew() -> None:
    state = step(correlation("event_count"), State(), occurrences(0, 1)).state
    assert len(step(correlation("event_count", title="renamed"), state, occurrences(2)).firings) == 1
    assert step(correlation("event_count", seconds=90), state, occurrences(2)).firings == []


def test_episodes_are_told_once() -> None:
    one = correlation("event_count", ("gte", 2))
    merged = episodes(one, fires(one, occurrences(0, 10, 20, 30, 200, 210)))
    assert offsets(merged) == [10, 210]
    assert merged[0].count == 4
    assert merged[0].last_seen == START + timedelta(seconds=30)
