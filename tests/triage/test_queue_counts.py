"""Counts of the queue: one answer for everybody, for some seconds."""

from __future__ import annotations

from typing import Any

import pytest

from hamrong.errors import ServiceError
from triage import queue_counts
from triage.queue_counts import KEPT_SECONDS, MOST, Counter


class Answers:
    """In place of OpenSearch: counts how often it is asked, and says that as the number of waiting alerts."""

    def __init__(self) -> None:
        self.asked = 0
        self.while_asked: Any = lambda: None

    def msearch(self, body: list[dict[str, Any]]) -> dict[str, Any]:
        self.asked += 1
        asked = self.asked
        self.while_asked()
        buckets = {name: {"doc_count": asked} for name in queue_counts.COUNTED}
        empty: dict[str, Any] = {"buckets": []}
        mine = {"buckets": [{"key": "lan", "doc_count": 7}]}
        return {
            "responses": [
                {"aggregations": {"severity": empty, "service": empty}},
                {"aggregations": {"view": {"buckets": buckets}, "mine": mine}},
            ]
        }


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(answers: Answers, clock: Clock) -> Counter:
    return Counter(answers, "soc-alerts", clock)  # type: ignore[arg-type]


def test_one_answer_serves_everybody_until_it_is_old(counter: Counter, answers: Answers, clock: Clock) -> None:
    assert counter.count("waiting", "lan").view == {**dict.fromkeys(queue_counts.COUNTED, 1), "mine": 7}
    assert counter.count("waiting", "minh").view["mine"] == 0
    clock.now += KEPT_SECONDS - 0.01
    assert counter.count("waiting", "lan").view["waiting"] == 1
    clock.now += 0.02
    assert counter.count("waiting", "lan").view["waiting"] == 2
    assert answers.asked == 2


def test_each_view_is_counted_and_mine_for_each_person(counter: Counter, answers: Answers) -> None:
    for view, who in (("waiting", "lan"), ("closed", "minh"), ("mine", "lan"), ("mine", "minh"), ("mine", "lan")):
        counter.count(view, who)
    assert answers.asked == 4


def test_while_one_counts_the_others_go_on_with_what_was(counter: Counter, answers: Answers, clock: Clock) -> None:
    counter.count("waiting", "lan")
    clock.now += 2 * KEPT_SECONDS
    meanwhile = []
    answers.while_asked = lambda: meanwhile.append(counter.count("waiting", "minh").view["waiting"])
    assert counter.count("waiting", "lan").view["waiting"] == 2
    assert meanwhile == [1]


def test_what_was_changed_here_is_counted_at_once(counter: Counter, answers: Answers) -> None:
    counter.count("waiting", "lan")
    counter.forget()
    assert counter.count("waiting", "lan").view["waiting"] == 2


def test_what_is_kept_is_bounded(counter: Counter) -> None:
    for number in range(2 * MOST + 1):
        counter.count("mine", f"analyst-{number}")
    assert len(counter._kept) <= MOST


def test_an_answer_that_is_a_fault_is_told(counter: Counter, answers: Answers) -> None:
    answers.msearch = lambda body: {"responses": [{"error": {"type": "x"}}, {}]}  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="cannot count the alerts"):
        counter.count("waiting", "lan")
