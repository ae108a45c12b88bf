"""SARIF: what a code review needs to show a doubt at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.sigma.check.doubt import KINDS, Doubt
from detectors.sigma.check.sarif import sarif
from hamrong.errors import Problem


def test_every_doubt_has_its_place_and_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    doubts = [
        Doubt(Problem("rules/á b.yml", 3, "is wrong", "mend it"), "fault"),
        Doubt(Problem(str(tmp_path / "rules/c.yml"), 7, "is odd"), "never-matches"),
        Doubt(Problem("/elsewhere/d.yml", 0, "is odd"), "refused"),
    ]
    written = sarif(doubts, "1.2.3")
    (run,) = written["runs"]
    driver = run["tool"]["driver"]
    assert (written["version"], driver["semanticVersion"]) == ("2.1.0", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == list(KINDS)
    assert [(one["ruleId"], one["level"], one["message"]["text"]) for one in run["results"]] == [
        ("fault", "error", "is wrong (mend it)"),
        ("never-matches", "warning", "is odd"),
        ("refused", "error", "is odd"),
    ]
    assert all(driver["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == [
        "rules/%C3%A1%20b.yml",
        "rules/c.yml",
        "file:///elsewhere/d.yml",
    ]
    assert [place.get("region") for place in places] == [{"startLine": 3}, {"startLine": 7}, None]


def test_a_doubt_is_known_again_when_it_moved() -> None:
    one, moved, other = (
        Doubt(Problem("r.yml", line, what), "fault") for line, what in ((1, "is wrong"), (9, "is wrong"), (1, "is odd"))
    )
    prints = [result["partialFingerprints"] for result in sarif([one, moved, other], "1")["runs"][0]["results"]]
    assert prints[0] == prints[1] != prints[2]
