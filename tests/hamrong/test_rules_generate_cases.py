"""hamrong rules generate-cases: what is proposed passes, and what an engineer wrote stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hamrong import raw_cases
from tests.hamrong.rule_folder import FIVE, LINE, RULE, run, write


@pytest.mark.parametrize("rule", ["a", "five"])
def test_generated_cases_are_written_once_and_pass(rule: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE if rule == "a" else RULE + FIVE)
    assert run("generate-cases", rule, "--write", "--rules", folder) == 0
    assert "cases added, 0 were there" in capsys.readouterr().out
    written = (folder / "r.cases.jsonl").read_text()
    assert run("test", folder) == 0, capsys.readouterr().out
    assert run("generate-cases", rule, "--write", "--rules", folder) == 0
    assert "0 cases added" in capsys.readouterr().out
    assert (folder / "r.cases.jsonl").read_text() == written


def test_what_an_engineer_wrote_stays(folder: Path) -> None:
    write(folder, RULE)
    (folder / "r.cases.jsonl").write_text('{"name": "mine",   "fires": true, "event": {"a": 1}}')
    assert run("generate-cases", "a", "--write", "--rules", folder) == 0
    assert (folder / "r.cases.jsonl").read_text().startswith('{"name": "mine",   "fires": true, "event": {"a": 1}}\n{')


def test_of_several_rules_in_a_file_the_case_names_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE + "---\n" + RULE.replace("id: a", "id: c").replace("failure", "success"))
    for rule in ("a", "c"):
        assert run("generate-cases", rule, "--write", "--rules", folder) == 0
    assert run("test", folder) == 0, capsys.readouterr().out


LINES = {
    "windows": ("{product: windows, category: process_creation}", "{Image|endswith: '\\x.exe'}", '"EventID": 1,'),
    "security": ("{product: windows, service: security}", "{EventID: 4720}", '"Channel": "security"'),
    "web": ("{category: webserver}", "{cs-uri-query|contains: 'union select'}", "GET /?"),
    "province": ("{product: hamrong, service: audit}", "{event.action: role-grant}", '"event.action": "role-grant"'),
    "auditd": ("{product: linux, service: auditd}", "{type: EXECVE, a0: wget}", "type=EXECVE msg=audit("),
    "sudo": (
        "{product: linux, service: sudo}",
        "{event.action: sudo-command, process.command_line|contains: shadow}",
        "COMMAND=shadow",
    ),
    "sudo, as a beginner writes it": (
        "{product: linux, service: sudo}",
        "{process.command_line|contains: shadow}",
        "COMMAND=shadow",
    ),
    "sshd": ("{product: linux, service: sshd}", "{event.action: ssh-login, user.name: root}", "password for root"),
    "words": ("{product: linux, service: sshd}", "[wrong]", " sshd[4711]: wrong"),
}


@pytest.mark.parametrize("name", LINES)
def test_cases_are_raw_lines_where_a_parser_can_be_read_backwards(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, selection, part = LINES[name]
    write(folder, f"title: t\nid: a\nlogsource: {source}\ndetection: {{a: {selection}, condition: a}}\n")
    assert run("generate-cases", "a", "--rules", folder) == 0
    cases = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert part in cases[0]["line"]
    assert any("line" in case and not case["fires"] for case in cases)
    assert run("generate-cases", "a", "--rules", folder, "--events") == 0
    assert '"line"' not in capsys.readouterr().out


def test_a_rule_that_cannot_fire_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    impossible = "detection: {a: {F: x}, b: {F: y}, condition: a and b}"
    write(folder, f"title: t\nid: a\nlogsource: {{product: p}}\n{impossible}\n")
    assert run("generate-cases", "a", "--rules", folder) == 1
    assert "no firing event" in capsys.readouterr().err


def test_a_rule_is_meant_by_its_file_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE + FIVE)
    assert run("generate-cases", "r", "--rules", folder) == 0
    assert "5 within 60 seconds" in capsys.readouterr().out
    write(folder, RULE + "---\n" + RULE.replace("id: a", "id: c"))
    assert run("generate-cases", "r", "--rules", folder) == 2
    assert "'r' holds several rules (write the id: a, c)" in capsys.readouterr().err
    assert run("generate-cases", "x", "--rules", folder) == 2
    assert "no rule has the id or name 'x' (known: a, c)" in capsys.readouterr().err


def test_a_file_need_not_be_among_the_rules_yet(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(folder))
    write(folder, RULE)
    monkeypatch.chdir(tmp_path)
    # What it counts is among them.
    Path("draft.yml").write_text(FIVE)
    assert run("generate-cases", "draft.yml") == 0
    assert "5 within 60 seconds" in capsys.readouterr().out
    assert run("generate-cases", "rules/r.yml") == 0
    assert run("explain", "draft.yml", "--rules", "draft.yml", "--rules", folder, LINE) == 1
    Path("draft.yml").write_text(FIVE.replace("[a]", "[aa]"))
    capsys.readouterr()
    assert run("generate-cases", "draft.yml") == 2
    assert "draft.yml:5: correlation names the rule 'aa', which is not there" in capsys.readouterr().err


def test_a_line_that_nothing_understands_is_no_near_miss(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def careless(event: dict[str, Any], telling: dict[str, str]) -> str:
        fires = event["event.outcome"] == "failure" and "source.ip" not in event
        return LINE.replace("{syslog}", "Mar  5 09:00:00") if fires else "\x01 no log at all"

    monkeypatch.setattr(raw_cases, "WRITERS", (careless,))
    write(folder, RULE)
    assert run("generate-cases", "a", "--rules", folder) == 0
    first, *others = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "line" in first
    assert not any("no log" in case.get("line", "") for case in others)


def test_a_broken_line_in_the_file_stays_for_rules_test_to_name(folder: Path) -> None:
    write(folder, RULE)
    (folder / "r.cases.jsonl").write_bytes(b"\xff broken\n[]\n")
    assert run("generate-cases", "a", "--write", "--rules", folder) == 0
    assert (folder / "r.cases.jsonl").read_bytes().startswith(b"\xff broken\n[]\n{")


def test_a_rule_that_is_only_counted_has_no_cases_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE + FIVE)
    assert run("generate-cases", "a", "--rules", folder) == 0
    assert run("generate-cases", "a", "--write", "--rules", folder) == 2
    assert "'Failed log-in' raises no alerts of its own" in capsys.readouterr().err
