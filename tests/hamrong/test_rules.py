"""hamrong rules: every fault at once, and cases that keep rules honest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hamrong.rule_folder import run

RULE = """title: Root
id: r
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login, user.name: root}, condition: s}
"""
LINE = "Mar  5 09:00:00 h sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2"
FIRES = {"name": "root", "fires": True, "line": LINE}
QUIET = {"name": "someone", "fires": False, "line": LINE.replace("root", "an")}


def write(folder: Path, *cases: object, rule: str = RULE) -> None:
    (folder / "r.yml").write_text(rule)
    texts = [case if isinstance(case, str) else json.dumps(case) for case in cases]
    (folder / "r.cases.jsonl").write_text("\n".join(texts))


def test_good_cases_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, FIRES, QUIET)
    assert run("test", folder) == 0
    assert capsys.readouterr().out == "2 cases, 0 failed, 0 problems\n"


@pytest.mark.parametrize(("cases", "what"), [([FIRES], "has no quiet case"), ([QUIET], "has no firing case")])
def test_a_rule_needs_both(cases: list[object], what: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *cases)
    assert run("test", folder) == 1
    assert what in capsys.readouterr().out


def test_a_failing_case_shows_event_and_condition(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, FIRES, QUIET, {**QUIET, "name": "wrong", "fires": True})
    assert run("test", folder) == 1
    out = capsys.readouterr().out
    assert f"{folder}/r.cases.jsonl:3: wrong: must fire and did not" in out
    assert '"source.ip": "203.0.113.7"' in out
    assert "- user.name equals 'root'   <- an" in out
    assert "+ event.action equals 'ssh-login'   <- ssh-login" in out
    assert "3 cases, 1 failed" in out


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("{", "is not JSON"),
        ("[]", "is no object"),
        ({"fires": True, "line": "x"}, "has no name"),
        ({"name": "x", "line": "x"}, "does not say whether it fires"),
        ({"name": "x", "fires": True}, "has no line"),
        ({"name": "x", "fires": True, "lines": []}, "has no line"),
        ({**FIRES, "recieved": "x"}, "did you mean 'received'?"),
        ({**FIRES, "received": "yesterday"}, "received is 'yesterday'"),
        ({**FIRES, "received": "2026-03-05T09:00:00"}, "has no zone"),
        ({**FIRES, "rule": "q"}, "is about 'q'"),
    ],
)
def test_malformed_cases_are_named(case: object, what: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, FIRES, QUIET, case)
    assert run("test", folder) == 1
    out = capsys.readouterr().out
    assert f"{folder}/r.cases.jsonl:3: " in out
    assert what in out


def test_sequences_are_judged_each_by_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = (
        RULE
        + """---
title: Thrice
id: t
correlation: {type: event_count, rules: [r], group-by: [source.ip], timespan: 1m, condition: {gte: 3}}
"""
    )
    lines = [LINE.replace("09:00:00", f"09:00:{second}") for second in (10, 20, 30)]
    write(
        folder,
        {"name": "three", "fires": True, "lines": lines},
        {"name": "two", "fires": False, "lines": lines[:2]},
        {"name": "one more", "fires": False, "lines": lines[2:]},
        {"name": "spread", "fires": False, "lines": [*lines[:2], lines[2].replace("09:00", "09:09")]},
        rule=rule,
    )
    assert run("test", folder, "--json") == 0
    written = json.loads(capsys.readouterr().out)
    assert [(case["name"], case["passed"], case["fired"]) for case in written["cases"]] == [
        ("three", True, ["t"]),
        ("two", True, []),
        ("one more", True, []),
        ("spread", True, []),
    ]


def test_check_names_every_fault_and_doubt(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yml").write_text(RULE.replace("condition: s}", "condition: t}").replace("id: r", "level: hi"))
    (folder / "b.yml").write_text(RULE.replace("user.name", "UserNaem").replace("sshd", "telnetd"))
    (folder / "c.yml").write_text(RULE.replace("id: r", "id: c").replace("user.name: root", "F|expand: '%x%'"))
    windows = "{product: windows, category: process_creation}"
    (folder / "d.yml").write_text(
        RULE.replace("{product: linux, service: sshd}", windows)
        .replace("id: r", "id: d")
        .replace("user.name", "Imagee")
    )
    assert run("check", folder) == 1
    out = capsys.readouterr().out
    assert f"{folder}/a.yml:2: level is 'hi'" in out
    assert f"{folder}/a.yml:4: condition names 't'" in out
    assert f"{folder}/c.yml:4: expands %x%" in out
    assert "fields that nothing maps for product linux, service telnetd: UserNaem" in out
    assert (
        "fields that nothing maps for product windows, category process_creation: Imagee (hint: did you mean 'Image'?"
        in out
    )
    assert "no table says which events are of product linux, service telnetd" in out
    assert "2 rules, 3 faults, 3 warnings" in out
    assert run("check", folder, "--json") == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert sorted(problem["severity"] for problem in problems) == ["error"] * 3 + ["warning"] * 3


def test_explain_shows_what_held(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    assert run("explain", "r", LINE, "--rules", folder) == 0
    assert "+ user.name equals 'root'   <- root" in capsys.readouterr().out
    assert run("explain", "r", QUIET["line"], "--rules", folder) == 1
    assert "- user.name equals 'root'   <- an" in capsys.readouterr().out
    event = {"event.action": "ssh-login", "user.name": "ROOT", "event.dataset": "nginx.access"}
    assert run("explain", "r", json.dumps(event), "--events", "ndjson", "--rules", folder) == 1
    assert "not of the rule's log source: product linux, service sshd" in capsys.readouterr().out
    assert run("explain", "q", LINE, "--rules", folder) == 2
    assert "no rule has the id or name 'q' (known: r)" in capsys.readouterr().err
