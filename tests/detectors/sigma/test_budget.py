"""A rule that costs too much is found, named and tried no more; the others go on."""

from __future__ import annotations

import logging

import pyarrow as pa
import pytest
import yaml

from detectors.sigma import budget, match, taxonomy
from detectors.sigma.budget import Budget, Cost, fault
from detectors.sigma.load import load
from detectors.sigma.ruleset import Ruleset


def rules(**tests: dict[str, object]) -> list[dict[str, object]]:
    """An entry for each named selection."""
    return [
        entry
        for name, selection in tests.items()
        for entry in load(
            f"{name}.yml",
            yaml.safe_dump(
                {
                    "title": name,
                    "id": name,
                    "logsource": {"product": "p"},
                    "detection": {"s": selection, "condition": "s"},
                }
            ).encode(),
        ).entries
    ]


def matched(ruleset: Ruleset, texts: list[str]) -> list[str]:
    found = ruleset.match(pa.RecordBatch.from_pydict({"F": texts}))
    return ruleset.matched_ids(found).to_pylist()


def test_of_a_rule_that_matches_too_much_an_even_share_is_kept_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(budget, "LEAST_MATCHES", 2)
    entries = rules(noisy={"F|contains": "a"}, quiet={"F": "needle"})
    ruleset = Ruleset(entries, taxonomy.Taxonomy([]), budget=Budget(matches=500))
    batch = pa.RecordBatch.from_pydict({"F": ["a"] * 9 + ["needle"]})
    with caplog.at_level(logging.WARNING):
        found = [ruleset.match(batch) for _ in range(2)][1]
    assert found["row"].to_pylist() == [0, 2, 4, 6, 8, 9]
    assert ruleset.matched_ids(found).to_pylist() == ["noisy"] * 5 + ["quiet"]
    (noisy, _) = sorted(ruleset.costs())
    assert (noisy.matches, noisy.left_out) == (900, 400)
    assert [entry.getMessage() for entry in caplog.records] == [
        "rule noisy matches too much: a share of its matches is left out"
    ]


def test_what_a_correlation_counts_is_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LEAST_MATCHES", 2)
    correlation = {
        "title": "many",
        "id": "many",
        "correlation": {
            "type": "event_count",
            "rules": ["noisy"],
            "group-by": ["G"],
            "timespan": "5m",
            "condition": {"gte": 5},
        },
    }
    entries = rules(noisy={"F": "a"}) + load("c.yml", yaml.safe_dump(correlation).encode()).entries
    ruleset = Ruleset(entries, taxonomy.Taxonomy([]), budget=Budget(matches=1))
    assert ruleset.correlations
    assert matched(ruleset, ["a"] * 10) == ["noisy"] * 10


def test_without_a_budget_every_match_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LEAST_MATCHES", 2)
    ruleset = Ruleset(rules(noisy={"F": "a"}), taxonomy.Taxonomy([]))
    assert matched(ruleset, ["a"] * 10) == ["noisy"] * 10


@pytest.mark.slow
def test_time_in_an_expression_that_only_one_rule_has_is_that_rules(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(match, "LEAST_EVENTS", 100)
    # Two such wide gaps are more than a database takes.
    entries = rules(slow={"F|re": "x{1,900}y.{500,900}z"}, fast={"F|re": "x[0-9]y"})
    ruleset = Ruleset(entries, taxonomy.Taxonomy([]), budget=Budget(microseconds=1, matches=1e9))
    matched(ruleset, [f"{number} " + "xy" * 1_000 for number in range(200)])
    slow = next(cost for cost in ruleset.costs() if ruleset.rules[cost.rule].id == "slow")
    assert slow.microseconds > 1
    assert ruleset.suspended.keys() == {"slow"}
    assert [entry.getMessage() for entry in caplog.records] == [
        f"rule slow is tried no more: it {ruleset.suspended['slow']}"
    ]
    before = ruleset._matcher.ledger.of_atoms.copy()
    matched(ruleset, [f"{number} xy" for number in range(200)])
    assert ruleset._matcher.ledger.of_atoms == before


def test_costs_are_of_a_thousand_events_and_the_dearest_stand_first() -> None:
    ruleset = Ruleset(rules(a={"F": "a"}, b={"F": "b"}), taxonomy.Taxonomy([]))
    matched(ruleset, ["a"] * 30 + ["b"] * 10)
    costs = {ruleset.rules[cost.rule].id: cost for cost in ruleset.costs()}
    assert (costs["a"].matches, costs["b"].matches) == (750, 250)
    assert costs["a"].candidates == 1_000 / 40
    spent = [cost.microseconds for cost in ruleset.costs()]
    assert spent == sorted(spent, reverse=True)
    assert min(spent) > 0


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (Cost(0, 11, 0, 0), "took 11 microseconds of 1,000 events; 10 are allowed"),
        (Cost(0, 10, 9_999, 999), None),
    ],
)
def test_the_fault_says_what_was_measured_and_what_is_allowed(cost: Cost, expected: str | None) -> None:
    assert fault(cost, Budget(microseconds=10)) == expected


def test_what_another_process_took_is_joined() -> None:
    entries = rules(a={"F": "a"}, b={"F": "b"})
    one, other = (Ruleset(entries, taxonomy.Taxonomy([])) for _ in range(2))
    matched(one, ["a"] * 10)
    matched(other, ["b"] * 30)
    one.ledger.join(other.ledger.take())
    assert {cost.rule: cost.matches for cost in one.costs()} == {0: 250, 1: 750}
    assert other.ledger.events == 0
    assert other.costs() == []
