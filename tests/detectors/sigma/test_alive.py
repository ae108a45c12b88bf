"""A rule is dead when its log source never came, or without fields that its condition needs; and only then."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import taxonomy
from detectors.sigma.alive import dead
from detectors.sigma.load import load
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Membership

TABLES = taxonomy.load()
FIREWALL = Membership(frozenset({"p"}), frozenset({"firewall"}), frozenset())
OTHER = Membership(frozenset({"p"}), frozenset({"proxy"}), frozenset())
NOWHERE = Membership(frozenset(), frozenset(), frozenset())


def ruleset(*detections: dict[str, Any], **correlation: Any) -> Ruleset:
    entries = []
    for number, detection in enumerate(detections):
        rule = {
            "title": f"rule {number}",
            "id": f"r{number}",
            "logsource": {"product": "p", "category": "firewall"},
            "detection": detection,
        }
        entries += load("r.yml", yaml.safe_dump(rule).encode()).entries
    if correlation:
        written = {"group-by": ["A"], "timespan": "5m", **correlation}
        text = yaml.safe_dump({"title": "c", "id": "c", "correlation": written})
        entries += load("c.yml", text.encode()).entries
    return Ruleset(entries, TABLES)


def s(**selection: Any) -> dict[str, Any]:
    return {"s": {name.replace("__", "|"): value for name, value in selection.items()}, "condition": "s"}


@pytest.mark.parametrize(
    ("detection", "columns", "lives"),
    [
        (s(A=1), {"A"}, True),
        (s(A=1), {"B"}, False),
        (s(A=1, B=2), {"A"}, False),
        (s(A=1, B=2), {"A", "B"}, True),
        ({"s": [{"A": 1}, {"B": 2}], "condition": "s"}, {"A"}, True),
        ({"s": {"A": 1}, "n": {"B": 2}, "condition": "s and not n"}, {"A"}, True),
        ({"s": {"A": 1}, "n": {"B": 2}, "condition": "s and not n"}, {"B"}, False),
        (s(A=None), {"B"}, True),
        ({"s": {"A": None}, "condition": "not s"}, {"B"}, False),
        (s(A__exists=True), {"B"}, False),
        (s(A__exists=False), {"B"}, True),
        (s(A__fieldref="B"), {"A"}, False),
        (s(A__fieldref="B"), {"A", "B"}, True),
        ({"k": ["word"], "condition": "k"}, {"B"}, True),
    ],
)
def test_what_a_condition_cannot_do_without(detection: dict[str, Any], columns: set[str], lives: bool) -> None:
    assert ("r0" not in dead(ruleset(detection), {FIREWALL: columns})) is lives


def test_the_reason_names_what_is_missing() -> None:
    rules = ruleset(s(A=1), s(**{"source.ip": "192.0.2.1"}), s(B=1))
    kinds = {FIREWALL: {"B"}, OTHER: {"A", "source.ip"}}
    assert dead(rules, kinds) == {
        "r0": "nothing maps A for product p, category firewall",
        "r1": "never there in events of product p, category firewall: source.ip",
    }


def test_fields_in_different_kinds_of_events_are_not_together() -> None:
    twin = FIREWALL._replace(services=frozenset({"t"}))
    assert dead(ruleset(s(A=1, B=2)), {FIREWALL: {"A"}, twin: {"B"}}) == {
        "r0": "its fields are never together in one kind of event of product p, category firewall"
    }


@pytest.mark.parametrize("kinds", [{}, {OTHER: {"A"}}, {NOWHERE: {"A"}}])
def test_a_log_source_that_never_came(kinds: dict[Membership, set[str]]) -> None:
    # Events of unknown source are tried on every rule, but do not say that the firewall is heard.
    [why] = dead(ruleset(s(A=1)), kinds).values()
    assert why == "no table says which events are of product p, category firewall"


def test_a_log_source_that_the_tables_know_is_said_not_to_have_come() -> None:
    text = yaml.safe_dump(
        {"title": "t", "id": "t", "logsource": {"product": "linux", "service": "sshd"}, "detection": s(A=1)}
    )
    rules = Ruleset(load("t.yml", text.encode()).entries, TABLES)
    assert dead(rules, {}) == {"t": "no event of product linux, service sshd came"}


@pytest.mark.parametrize(
    ("correlation", "dies"),
    [
        ({"type": "event_count", "rules": ["r0", "r1"], "condition": {"gte": 2}}, False),
        ({"type": "event_count", "rules": ["r1"], "condition": {"gte": 2}}, True),
        ({"type": "temporal", "rules": ["r0", "r1"]}, True),
        ({"type": "temporal", "rules": ["r0"]}, False),
        ({"type": "temporal", "rules": ["r0", "r1"], "condition": "r0 and not r1"}, False),
        ({"type": "temporal", "rules": ["r0", "r1"], "condition": "r0 or r1"}, False),
        ({"type": "temporal", "rules": ["r0", "r1"], "condition": "r1 and not r0"}, True),
    ],
)
def test_a_correlation_dies_with_the_rules_that_it_cannot_do_without(correlation: dict[str, Any], dies: bool) -> None:
    rules = ruleset(s(A=1), s(B=1), **correlation)
    assert not rules.problems
    found = dead(rules, {FIREWALL: {"A"}})
    assert ("c" in found) is dies
    if dies:
        assert found["c"] == "rules that it counts are dead: rule 1"


VALUES = st.sampled_from(["x", "y"])
SELECTION = st.dictionaries(st.sampled_from("ABC"), st.one_of(VALUES, st.none()), min_size=1)
CONDITION = st.sampled_from(["s", "not s", "s and t", "s or t", "s and not t", "not (s or t)", "not (s and not t)"])


@given(SELECTION, SELECTION, CONDITION, st.dictionaries(st.sampled_from("ABC"), VALUES))
def test_what_matches_is_never_called_dead(
    first: dict[str, Any], second: dict[str, Any], condition: str, event: dict[str, str]
) -> None:
    rules = ruleset({"s": first, "t": second, "condition": condition})
    if rules.problems:
        return
    stated = {"product": ["p"], "category": ["firewall"]}
    batch = pa.RecordBatch.from_pydict(stated | {name: [value] for name, value in event.items()})
    if rules.match(batch).num_rows:
        assert dead(rules, {FIREWALL: set(event)}) == {}
