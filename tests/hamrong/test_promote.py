"""A rule on trial is promoted on evidence, and its file keeps every other byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hamrong.cli import main
from jobs.promotion import Evidence, Shadow
from jobs.rule_figures import Figure

RULE = """\
title: A log-in that failed   # told by sshd
id: 11111111-1111-4111-8111-111111111111
name: on_trial
status: experimental   # since May
level: low
description: One failed attempt.
author: SOC
date: 2026-11-24
tags: [attack.credential-access, attack.t1110]
logsource: {product: linux, service: sshd}
detection:
  selection: {event.outcome: failure}
  condition: selection
falsepositives: [A person who mistypes]
"""
LINE = "<86>Mar  5 09:00:00 web-01 sshd[7]: {} password for invalid user x from 192.0.2.1 port 22 ssh2"


def case(name: str, fires: bool, word: str) -> str:
    return json.dumps({"name": name, "fires": fires, "line": LINE.format(word)}) + "\n"


CASES = case("refused", True, "Failed") + case("let in", False, "Accepted")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(RULE, encoding="utf-8")
    (rules / "a.cases.jsonl").write_text(CASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(rules))
    # Nobody listens there.
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", "http://127.0.0.1:9")
    return rules / "a.yml"


@pytest.mark.slow
def test_with_force_only_the_status_changes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "promote", "on_trial"]) == 1
    assert "its time in the shadow is unknown" in capsys.readouterr().out
    assert main(["rules", "promote", "on_trial", "--yes"]) == 1
    assert file.read_text(encoding="utf-8") == RULE
    assert main(["rules", "promote", "on_trial", "--force"]) == 0
    assert file.read_text(encoding="utf-8") == RULE
    assert main(["rules", "promote", "on_trial", "--force", "--yes"]) == 0
    assert file.read_text(encoding="utf-8") == RULE.replace("experimental", "test")
    capsys.readouterr()
    assert main(["rules", "promote", "on_trial", "--force", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["obstacles"] == [
        "its status is test: only what is experimental is promoted"
    ]


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (CASES + case("let in, but must fire", True, "Accepted"), "a case fails"),
        ("", "it has no cases"),
        (case("refused", True, "Failed"), "has no quiet case"),
    ],
)
def test_force_does_not_set_aside_what_is_wrong(
    file: Path, cases: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("a.cases.jsonl").write_text(cases, encoding="utf-8")
    assert main(["rules", "promote", "on_trial", "--force", "--yes"]) == 1
    assert said in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == RULE


def test_a_draft_is_not_promoted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "promote", str(file), "--yes"]) == 2
    assert "put it among the rules" in capsys.readouterr().err


NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIGURE = Figure("r", "t", "low", "experimental", "a.yml", 0, 0, 0, 0, 0, 0, 0, "", "")


def made(**changed: Any) -> Evidence:
    given: dict[str, Any] = {
        "rule_id": "r",
        "title": "t",
        "status": "experimental",
        "path": "a.yml",
        "line": 1,
        "faults": (),
        "doubts": (),
        "cases": 2,
        "failed": (),
        "shadow": Shadow(NOW - timedelta(days=7), {}, FIGURE),
        "unknown": "",
        "backtest": None,
    }
    return Evidence(**{**given, **changed})


@pytest.mark.parametrize(
    ("since", "days", "held"),
    [
        (NOW - timedelta(days=7), 7, False),
        (NOW - timedelta(days=6, hours=23), 7, True),
        (NOW - timedelta(hours=1), 0, False),
        (None, 0, True),
    ],
)
def test_the_time_in_the_shadow_is_asked_for(since: datetime | None, days: float, held: bool) -> None:
    obstacles = list(made(shadow=Shadow(since, {}, FIGURE)).obstacles(days, NOW))
    assert [can_be_forced for _, can_be_forced in obstacles] == [True] * held
