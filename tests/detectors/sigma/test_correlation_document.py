"""Documents of correlations: every fault by its line, what is wrong and what to write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.sigma.ruleset import Ruleset

RULES = """
title: refused
id: refused-id
name: refused
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: failure}, condition: s}
---
title: accepted
id: accepted-id
name: accepted
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: success}, condition: s}
---
title: counted
id: counted
name: counted
correlation:
  type: event_count
  rules:
    - refused
  group-by:
    - source.ip
  timespan: 5m
  condition:
    gte: 3
---
title: both
id: both
correlation:
  type: temporal
  rules: [counted, accepted]
  group-by: [source.ip]
  timespan: 10m
  aliases:
    who: {accepted: user.name}
  condition: counted and not accepted
"""


def problems(load: Callable[..., Ruleset], *changes: tuple[str, str]) -> list[str]:
    text = RULES
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    ruleset = load(text, strict=False)
    assert len(ruleset.rules) == 2
    return [str(problem).split(".yml:")[1] for problem in ruleset.problems]


def test_it_is_right_as_it_stands(load: Callable[..., Ruleset]) -> None:
    assert problems(load) == []


@pytest.mark.parametrize(
    ("change", "line", "what", "hint"),
    [
        (("- refused", "- refusd"), 19, "names the rule 'refusd', which is not there", "did you mean 'refused'?"),
        (("- refused", "- qqqq"), 19, "names the rule 'qqqq', which is not there", "write the id or the name"),
        (("- refused", "- both"), 31, "counts itself, by way of others", "break the circle"),
        (("- refused", "- refused\n    - refused"), 19, "rules names 'refused' twice", "once"),
        (("- refused", "- refused\n    - refused-id"), 19, "a rule twice, by id and by name", "once"),
        (("    - refused", "    refused: x"), 19, "rules is {'refused': 'x'}", "list ids or names"),
        (("    - refused", "    []"), 19, "names no rules", "list ids or names"),
        (("type: event_count", "type: event_cuont"), 18, "type is 'event_cuont'", "did you mean 'event_count'?"),
        (("timespan: 5m", "timespan: 5 minutes"), 23, "timespan is '5 minutes'", "30s, 5m"),
        (("timespan: 5m", "timespan: 99d"), 23, "timespan is '99d'", "31d"),
        (("timespan: 5m", "timspan: 5m"), 23, "unknown key 'timspan'", "did you mean 'timespan'?"),
        (("    - source.ip", "    - [source.ip]"), 21, "group-by is [['source.ip']]", "list fields"),
        (("gte: 3", "gte: many"), 25, "gte is 'many'", "write a number"),
        (("gte: 3", "gte: .inf"), 25, "gte is inf", "write a number"),
        (("gte: 3", "gte: true"), 25, "gte is True", "write a number"),
        (("gte: 3", "gee: 3"), 25, "unknown key 'gee'", "did you mean 'gte'?"),
        (("gte: 3", "field: user.name"), 25, "counts no values, but condition has a field", "value_count"),
        (("gte: 3", "gt: 5\n    lt: 3"), 24, "can never hold", "bounds"),
        (("gte: 3", "lt: 1"), 24, "can never hold: a window has an event", "a and not b"),
        (("gte: 3", "gte: 10001"), 24, "can never hold: it asks for more than the 10000 events", "10000 at most"),
        (("    gte: 3", "    - 3"), 24, "condition is [3]", "gte: 10"),
        (("  condition:\n    gte: 3", "  generate: 1"), 17, "condition is None", "gte: 10"),
        (("  condition:\n    gte: 3", "  condition: refused"), 24, "condition is 'refused'", "gte: 10"),
        (("    gte: 3", "    gte: 3\n    percentile: 5"), 26, "event_count has a percentile", "value_percentile"),
        (("gte: 3", "gte: 3\n  generate: 1"), 26, "generate is 1", "true or false"),
        (("counted and not accepted", "counted and not acepted"), 36, "names 'acepted'", "did you mean 'accepted'?"),
        (("counted and not accepted", "counted"), 36, "says nothing of 'accepted'", "take it out"),
        (("counted and not accepted", "counted and (accepted"), 36, "lacks a ')'", "and, or, not"),
        (("counted and not accepted", "not counted and not accepted"), 36, "nothing but the lack", "must occur"),
        (("condition: counted and not accepted", "condition: {gte: 3}"), 36, "more than the 2 rules", "2 at most"),
        (("who: {accepted: user.name}", "who: user.name"), 34, "aliases are not mappings", "rule_name: field"),
        (("who: {accepted:", "who: {acepted:"), 34, "alias 'who' names the rule 'acepted'", "did you mean 'accepted'?"),
    ],
)
def test_a_fault_is_named_by_its_line(
    change: tuple[str, str], line: int, what: str, hint: str, load: Callable[..., Ruleset]
) -> None:
    told = [one for one in problems(load, change) if what in one]
    assert len(told) == 1, problems(load, change)
    where, rest = told[0].split(": ", 1)
    assert int(where) == line
    assert hint in rest.split("(hint: ")[1]


@pytest.mark.parametrize(
    ("kind", "condition", "what"),
    [
        ("value_count", "gte: 3", "value_count has no field"),
        ("value_sum", "{field: [a, b], gte: 3}", "value_sum has 2 fields"),
        ("value_avg", "{field: {}, gte: 3}", "field is {}"),
        ("value_percentile", "{field: a, gte: 3}", "value_percentile has no percentile"),
        ("value_percentile", "{field: a, gte: 3, percentile: 101}", "percentile is 101"),
        ("value_percentile", "{field: a, gte: 3, percentile: half}", "percentile is 'half'"),
        ("value_count", "{field: a}", "condition has no operator"),
    ],
)
def test_what_values_need(kind: str, condition: str, what: str, load: Callable[..., Ruleset]) -> None:
    told = problems(load, ("type: event_count", f"type: {kind}"), ("gte: 3", condition))
    assert any(what in one for one in told), told


def test_what_counts_a_faulty_one_is_left_out_by_name(load: Callable[..., Ruleset]) -> None:
    told = problems(load, ("    - refused", "    - refusd"))
    assert [one.split(" (hint")[0] for one in told] == [
        "19: correlation names the rule 'refusd', which is not there",
        "31: correlation counts 'counted', which has a fault",
    ]


def test_every_fault_is_told_at_once(load: Callable[..., Ruleset]) -> None:
    changes = (("timespan: 5m", "timespan: x"), ("gte: 3", "gte: x"), ("timespan: 10m", "timespan: y"))
    told = problems(load, *changes)
    assert len([one for one in told if " is " in one]) == 3


def test_rules_may_be_named_by_the_condition_alone(load: Callable[..., Ruleset]) -> None:
    ruleset = load(RULES.replace("  rules: [counted, accepted]\n", ""))
    both = next(one for one in ruleset.correlations if one.id == "both")
    assert both.rules == ("counted", "accepted-id")
    told = problems(
        load,
        ("  rules: [counted, accepted]\n", ""),
        ("condition: counted and not accepted", "condition: counted and not acepted"),
    )
    assert [one.split(",")[0] for one in told] == ["35: correlation names the rule 'acepted'"]


def test_generate_may_stand_beside_the_correlation(load: Callable[..., Ruleset]) -> None:
    loud = load(RULES.replace("id: counted\n", "id: counted\ngenerate: true\n"))
    assert {rule.id: rule.generate for rule in loud.rules} == {"refused-id": True, "accepted-id": False}
