"""Which rules run, by their status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.raised import documents
from detectors.sigma.lifecycle import RETIRED, running
from detectors.sigma.load import load
from detectors.sigma.metadata import STATUSES
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Taxonomy

RULE = """title: {name}
id: {name}
name: {name}
status: {status}
logsource: {{product: linux}}
detection: {{a: {{b: c}}, condition: a}}
"""
COUNT = """title: {name}
id: {name}
name: {name}
status: {status}
correlation:
  {{type: event_count, rules: [{rules}], group-by: [d], timespan: 5m, generate: true, condition: {{gte: 2}}}}
"""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def entries(*texts: str) -> list[dict[str, Any]]:
    loaded = load("r.yml", "---\n".join(texts).encode())
    assert not loaded.problems
    return loaded.entries


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [entry["metadata"]["id"] for entry in found]


def test_a_retired_rule_runs_only_where_a_running_correlation_counts_it() -> None:
    kept = running(
        entries(
            RULE.format(name="alone", status="deprecated"),
            RULE.format(name="counted", status="unsupported"),
            RULE.format(name="below", status="deprecated"),
            RULE.format(name="of-retired", status="deprecated"),
            COUNT.format(name="inner", status="deprecated", rules="below"),
            COUNT.format(name="outer", status="stable", rules="inner, counted"),
            COUNT.format(name="retired", status="deprecated", rules="of-retired"),
        )
    )
    assert ids(kept) == ["counted", "below", "inner", "outer"]


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.lists(st.integers(0, 7), max_size=3)), max_size=8))
def test_what_runs_has_all_that_it_counts(drawn: list[tuple[str, list[int]]]) -> None:
    made: list[dict[str, Any]] = []
    for number, (status, below) in enumerate(drawn):
        rules = [f"r{one}" for one in below if one < number]
        kind: dict[str, Any] = {"kind": "correlation", "rules": rules} if rules else {"kind": "rule"}
        made.append({**kind, "metadata": {"id": f"r{number}", "name": "", "status": status}})
    kept = running(made)
    named = {name for entry in kept for name in entry.get("rules", [])}
    assert named <= set(ids(kept))
    assert [entry for entry in made if entry["metadata"]["status"] not in RETIRED] == [
        entry for entry in kept if entry["metadata"]["status"] not in RETIRED
    ]
    assert all(entry["metadata"]["id"] in named for entry in kept if entry["metadata"]["status"] in RETIRED)


@pytest.mark.parametrize(("status", "shadow"), [("stable", None), ("test", None), ("experimental", True)])
@pytest.mark.parametrize("rule", ["r", "c"])
def test_alerts_of_rules_on_trial_are_marked(status: str, shadow: bool | None, rule: str) -> None:
    assert [one["soc"]["alert"].get("shadow") for one in raised(status, rule)] == [shadow]


@pytest.mark.parametrize("status", sorted(RETIRED))
def test_a_retired_rule_raises_nothing_though_it_is_counted(status: str) -> None:
    assert raised(status, "r") == []


def test_a_rule_that_is_gone_raises_nothing() -> None:
    assert raised("test", "gone") == []


def raised(status: str, rule: str) -> list[dict[str, Any]]:
    """The documents of one match of `rule`, `r` or the correlation `c` over it, both of this status."""
    both = entries(RULE.format(name="r", status=status), COUNT.format(name="c", status=status, rules="r"))
    row = {
        "rule_id": rule,
        "entity_type": "source.ip",
        "entity_value": "192.0.2.1",
        "window_start": NOW,
        "window_seconds": 60,
        "count": 1,
        "first_seen": NOW,
        "last_seen": NOW,
        "samples": [],
        "alert_id": "x",
    }
    return documents([row], Ruleset(both, Taxonomy([])), lambda systems: 3, NOW)
