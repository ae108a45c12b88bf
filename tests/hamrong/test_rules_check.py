"""hamrong rules check: what it prints, writes and returns."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from hamrong import cli, rule_set

RULE = """title: Root
id: r
logsource: {product: linux, service: sshd}
detection: {s: {event.action|expand: '%actions%', user.name: root}, condition: s}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HAMRONG_DETECTION_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/r.yml").write_text(RULE)
    return tmp_path / "rules"


def run(*args: object) -> int:
    return cli.main(["rules", "check", *map(str, args)])


def test_lists_make_a_refused_rule_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 1
    assert "no list of values (hint: write them, one a line, to" in capsys.readouterr().out
    (folder / "more").mkdir()
    (folder / "more/actions.txt").write_text("ssh-login")
    assert run(folder, "--lists", folder / "more") == 0
    assert capsys.readouterr().out == "1 rules, 0 faults, 0 warnings\n"


def test_a_single_file_finds_the_lists_of_the_configured_rules(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(folder))
    (folder / "lists").mkdir()
    (folder / "lists/actions.txt").write_text("ssh-login")
    assert run(folder / "r.yml") == 0, capsys.readouterr().out


def test_warnings_fail_where_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "r.yml").write_text(
        RULE.replace("|expand: '%actions%'", ": x").replace("condition: s", "condition: not s")
    )
    assert run(folder) == 0
    assert "rules/r.yml:4: matches every event of its log source but" in capsys.readouterr().out
    assert run(folder, "--strict") == 1
    assert run(folder, "--cases") == 0
    assert "has no firing case" in capsys.readouterr().out


def test_json_and_sarif_say_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "s.yml").write_text(RULE.replace("id: r", "id: s").replace("|expand: '%actions%'", ": x") + "level: hi\n")
    (folder / "t.yml").write_text(RULE.replace("id: r", "id: t").replace("|expand: '%actions%'", "|all: [x, y]"))
    assert run(folder, "--json", "--sarif", "out.sarif") == 1
    written = json.loads(capsys.readouterr().out)
    assert written["rules"] == 1
    told = [(one["severity"], one["check"], one["line"]) for one in written["problems"]]
    assert told == [
        ("error", "refused", 4),
        ("error", "fault", 5),
        ("warning", "sigma", 4),
        ("warning", "never-matches", 4),
    ]
    (found,) = json.loads(Path("out.sarif").read_text("utf-8"))["runs"]
    results = found["results"]
    lines = [result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in results]
    assert [(result["level"], result["ruleId"], line) for result, line in zip(results, lines, strict=True)] == told
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results} == {
        f"rules/{name}.yml" for name in "rst"
    }


def test_days_end_where_the_filters_were_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "r.yml").write_text(RULE.replace("|expand: '%actions%'", ": x"))
    (folder / "f.yml").write_text(
        "title: f\nlogsource: {product: linux}\nfilter: {rules: any, s: {user.name: a}, condition: not s}\n"
        "hamrong: {expires: 2026-11-24}\n"
    )
    for day, expired in ((24, False), (25, True)):
        monkeypatch.setattr(rule_set, "today", lambda day=day: date(2026, 11, day))
        assert run(folder) == 0
        assert ("f.yml:1: filter 'f' expired on 2026-11-24" in capsys.readouterr().out) == expired
