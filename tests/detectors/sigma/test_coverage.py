"""Coverage counts what works: cases that pass, events that come, alerts that were raised."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.sigma import attack
from detectors.sigma.case_file import Case
from detectors.sigma.cases import Verdict
from detectors.sigma.coverage import Coverage, Group, coverage, of_system, watching
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset

RULES = """
title: One
id: one
status: test
tags: [attack.credential-access, attack.t1110.003]
logsource: {category: webserver}
detection: {s: {sc-status: 401}, condition: s}
---
title: Two
id: two
status: test
tags: [attack.credential_access, attack.t1110, attack.t1110.003]
logsource: {category: webserver}
detection: {s: {sc-status: 403}, condition: s}
---
title: Trial
id: trial
status: experimental
tags: [attack.impact, attack.t1485]
logsource: {category: webserver}
detection: {s: {sc-status: 500}, condition: s}
---
title: Retired
id: old
status: deprecated
tags: [attack.impact]
logsource: {category: webserver}
detection: {s: {sc-status: 501}, condition: s}
---
title: Counted
id: counted
logsource: {category: webserver}
detection: {s: {sc-status: 404}, condition: s}
---
title: Many
id: many
tags: [attack.reconnaissance, attack.t1595]
correlation: {type: event_count, rules: [counted], group-by: [c-ip], timespan: 1m, condition: {gte: 9}}
---
title: No tag
id: bare
logsource: {product: p}
detection: {s: {F: 1}, condition: s}
"""


def verdict(rule: str, fires: bool, fired: bool) -> Verdict:
    case = Case("r.cases.jsonl", 1, "c", fires, ("line",))
    return Verdict(case, (rule,), (rule,) if fired else (), flat_batch([b"{}"])[0])


PASSED = [verdict(rule, fires, fires) for rule in ("one", "two", "trial", "many") for fires in (True, False)]


@pytest.fixture
def ruleset(load: Callable[..., Ruleset]) -> Ruleset:
    return load(RULES)


def states(groups: tuple[Group, ...]) -> dict[str, str]:
    return {group.name: group.state for group in groups}


def made(ruleset: Ruleset, verdicts: list[Verdict], **more: str) -> Coverage:
    return coverage(ruleset, verdicts, more, {"one": 3}, {"portal": {"one": "", "bare": ""}, "mail": {}})


def test_the_best_rule_of_a_technique_counts(ruleset: Ruleset) -> None:
    found = made(ruleset, PASSED, two="no event of webserver came")
    assert {rule.id: rule.state for rule in found.rules} == {
        "one": "works",
        "two": "blind",
        "trial": "trial",
        "many": "works",
        "bare": "untested",
    }
    assert states(found.techniques) == {
        "T1110": "blind",
        "T1110.003": "works",
        "T1485": "trial",
        "T1595": "works",
    }


def test_tactics_stand_as_in_the_matrix_and_rules_without_one_last(ruleset: Ruleset) -> None:
    found = made(ruleset, PASSED)
    assert [group.name for group in found.tactics] == ["reconnaissance", "credential-access", "impact", "no tactic"]
    assert [group.fired for group in found.tactics] == [0, 1, 0, 0]
    assert dict(found.tactics[1].states) == {"works": 2, "trial": 0, "untested": 0, "blind": 0}


def test_systems_have_the_rules_that_look_at_them(ruleset: Ruleset) -> None:
    portal, mail = made(ruleset, PASSED).systems
    assert (portal.name, [rule.id for rule in portal.rules], portal.fired) == ("portal", ["bare", "one"], 1)
    assert (mail.rules, sum(mail.states.values())) == ((), 0)


@pytest.mark.parametrize(
    "verdicts",
    [
        [],
        [verdict("one", True, True)],
        [verdict("one", False, False)],
        [*PASSED, verdict("one", True, False)],
        [*PASSED, verdict("one", False, True)],
    ],
)
def test_a_rule_is_tested_by_passing_cases_of_both_kinds_alone(ruleset: Ruleset, verdicts: list[Verdict]) -> None:
    assert next(rule.state for rule in made(ruleset, verdicts).rules if rule.id == "one") == "untested"


def test_alerts_that_nobody_could_count_are_unknown(ruleset: Ruleset) -> None:
    found = coverage(ruleset, PASSED, {}, None, {})
    assert {rule.fired for rule in found.rules} == {None}
    assert {group.fired for group in found.tactics} == {None}


def test_of_a_system_a_rule_is_blind_though_others_see(ruleset: Ruleset) -> None:
    there = {"one": "no event of webserver came", "bare": ""}
    found = coverage(ruleset, PASSED, {}, {}, {"portal": there})
    [portal] = found.systems
    assert {rule.id: (rule.state, rule.blind) for rule in portal.rules} == {
        "one": ("blind", "no event of webserver came"),
        "bare": ("untested", ""),
    }
    assert {rule.id: rule.state for rule in found.rules}["one"] == "works"


def test_a_correlation_sees_a_system_by_any_of_its_rules(ruleset: Ruleset) -> None:
    assert of_system(ruleset, {"one", "counted"}, {"one": "gone"}) == {"one": "gone", "counted": "", "many": ""}
    blind = of_system(ruleset, {"counted"}, {"counted": "gone"})
    assert blind == {"counted": "gone", "many": "nothing that it counts is seen here"}


def test_who_counts_a_watching_rule_watches(ruleset: Ruleset) -> None:
    assert watching(ruleset, {"counted"}) == {"counted", "many"}
    assert watching(ruleset, {"one"}) == {"one"}


def test_names_of_techniques_have_their_parent() -> None:
    assert attack.technique_name("T1110") == "Brute Force"
    assert attack.technique_name("T1110.003") == "Brute Force: Password Spraying"
    assert attack.technique_name("T9999") == ""
    assert attack.techniques(("attack.T1110", "attack.t1110", "attack.g0001", "t1110")) == ("T1110",)
    assert attack.tactics(("attack.defense_evasion", "attack.impact", "attack.stealth", "attack.t1110")) == (
        "stealth",
        "impact",
    )
