"""rules status: the live set and the last refusal, for people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detectors.sigma.rule_files import Written
from hamrong.cli import main
from jobs.reload.sets import Live, Refusal, RuleSets

LIVE = Live("a1b2", "2026-11-24T00:00:00.000+00:00", 3757, 12, ["rules/x.yml:7: expands %admins%"])
REFUSAL = Refusal("2026-11-24T01:00:00.000+00:00", ["rules/y.yml:9: condition names 'b', not defined"])


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RuleSets:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAMRONG_DETECTION_RULE_SETS", str(tmp_path / "sets"))
    return RuleSets(str(tmp_path / "sets"))


def test_the_live_set_is_told(sets: RuleSets, capsys: pytest.CaptureFixture[str]) -> None:
    sets.publish(Written([], "a1b2"), LIVE)
    assert main(["rules", "status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "live: a1b2, since 2026-11-24T00:00:00.000+00:00: 3,757 rules, 12 correlations",
        "left out: rules/x.yml:7: expands %admins%",
    ]


def test_a_refusal_is_told_and_the_exit_says_so(sets: RuleSets, capsys: pytest.CaptureFixture[str]) -> None:
    sets.publish(Written([], "a1b2"), LIVE)
    sets.refuse(REFUSAL)
    assert main(["rules", "status"]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "refused: a change seen 2026-11-24T01:00:00.000+00:00; 1 to mend:",
        "rules/y.yml:9: condition names 'b', not defined",
    ]
    assert main(["rules", "status", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["live"]["version"], told["refused"]["reasons"]) == ("a1b2", REFUSAL.reasons)


def test_before_the_first_start_it_is_said_what_to_start(sets: RuleSets, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "status"]) == 2
    assert "start hamrong run" in capsys.readouterr().err
