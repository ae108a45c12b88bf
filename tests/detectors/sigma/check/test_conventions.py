"""What is asked of our own rules, and which rules those are."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.sigma.check import check, conventions
from detectors.sigma.ruleset import Ruleset

RULE = """title: Root logged in
id: 0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10
status: test
description: what it is
author: someone
date: 2026-11-24
tags: [attack.t1078]
logsource: {product: linux, service: sshd}
detection:
  selection: {event.action: ssh-login}
  condition: selection
level: high
falsepositives: [none]
hamrong:
  entity: source.ip
  reason: '{count} of {entity} in {window}, {user.name} {acme.thing.id}'
  reason_vi: '{count} lần'
"""
CASES = '{"name": "a", "fires": true, "line": "x"}\n{"name": "b", "fires": false, "line": "y"}\n'


def found(folder: Path, text: str = RULE, cases: str | None = CASES, *, asked: bool = False) -> list[tuple[int, str]]:
    (folder / "r.yml").write_text(text)
    if cases is not None:
        (folder / "r.cases.jsonl").write_text(cases)
    doubts = check(Ruleset.load([folder], strict=False), [folder], cases=asked)
    assert {doubt.kind for doubt in doubts} <= {"convention", "missing-cases"}
    return [(doubt.problem.line, doubt.problem.what) for doubt in doubts]


def test_nothing_to_say(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("  entity: source.ip\n", "", 1, "has no hamrong.entity"),
        ("  reason_vi: '{count} lần'\n", "", 1, "has no hamrong.reason_vi"),
        ("tags: [attack.t1078]\n", "", 1, "has no tags"),
        ("falsepositives: [none]\n", "", 1, "has no falsepositives"),
        ("{user.name}", "{user.nmae}", 16, "hamrong.reason names 'user.nmae', which is no field"),
        ("{count} lần", "{cuont} lần", 17, "hamrong.reason_vi names 'cuont', which is no field"),
        ("entity: source.ip", "entity: source.ipp", 15, "hamrong.entity names 'source.ipp', which is no field"),
        ("entity: source.ip", "entity: count", 15, "hamrong.entity names 'count', which is no field"),
    ],
)
def test_what_is_asked(old: str, new: str, line: int, what: str, tmp_path: Path) -> None:
    assert old in RULE
    assert found(tmp_path, RULE.replace(old, new)) == [(line, what)]


def test_a_rule_that_only_feeds_a_correlation_needs_no_words(tmp_path: Path) -> None:
    head, _, _ = RULE.partition("hamrong:")
    correlation = """---
title: Often
id: 1f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10
status: test
description: what it is
author: someone
date: 2026-11-24
tags: [attack.t1078]
correlation: {type: event_count, rules: [0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10], timespan: 1m, condition: {gte: 3}}
level: high
falsepositives: [none]
hamrong: {entity: source.ip, reason: '{count}', reason_vi: '{count}'}
"""
    assert found(tmp_path, head.replace("tags: [attack.t1078]\n", "") + correlation) == []


@pytest.mark.parametrize(
    ("cases", "asked", "whats"),
    [
        (None, False, []),
        (None, True, ["has no firing case", "has no quiet case"]),
        ("", False, ["has no firing case", "has no quiet case"]),
        (CASES.splitlines()[0], False, ["has no quiet case"]),
    ],
)
def test_missing_cases(cases: str | None, asked: bool, whats: list[str], tmp_path: Path) -> None:
    assert [what for _, what in found(tmp_path, cases=cases, asked=asked)] == whats


def test_which_rules_are_our_own(tmp_path: Path) -> None:
    files = []
    for name in ("ours/a/r.yml", "ours/b/r.yml", "theirs/r.yml"):
        (tmp_path / name).parent.mkdir(parents=True)
        files.append(str(tmp_path / name))
    (tmp_path / "ours/a/r.cases.jsonl").write_text(CASES)
    assert conventions.own(files, [tmp_path / "ours", tmp_path / "theirs"]) == set(files[:2])
    assert conventions.own(files[:1], [tmp_path / "ours/a/r.yml"]) == set(files[:1])
    assert conventions.own(files[1:2], [tmp_path / "ours/b/r.yml"]) == set()


FILTER = """title: f
author: An
logsource: {product: linux}
filter: {rules: any, s: {user.name: an}, condition: not s}
hamrong: {reason: a drill, expires: 2099-12-31}
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("author: An\n", "", "filter has no author"),
        ("reason: a drill, ", "", "filter has no hamrong.reason"),
        (", expires: 2099-12-31", "", "filter has no hamrong.expires"),
    ],
)
def test_an_exception_is_signed_explained_and_ends(old: str, new: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text(FILTER)
    assert found(tmp_path) == []
    (tmp_path / "f.yml").write_text(FILTER.replace(old, new))
    assert found(tmp_path) == [(1, what)]
