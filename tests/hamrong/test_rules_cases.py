"""hamrong rules test and explain: lines, events and sequences, for people and for machines."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.hamrong.rule_folder import FIVE, LINE, RULE, run, write

EVENT = {
    "product": "linux",
    "service": "sshd",
    "event.action": "ssh-login",
    "event.outcome": "failure",
    "source.ip": "203.0.113.7",
}


def steps(count: int, every: str, **more: str) -> list[dict[str, Any]]:
    return [{"line": LINE, "repeat": count, "every": every, **more}]


def test_sequences_written_short_are_judged_by_their_times(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = [{"event": EVENT, "repeat": 5, "every": "10s"}]
    write(
        folder,
        RULE + FIVE,
        {"name": "five", "fires": True, "lines": steps(5, "10s")},
        {"name": "five, late in the year", "fires": True, "received": "2026-12-31T23:59:40Z", "lines": steps(5, "10s")},
        {"name": "four", "fires": False, "lines": steps(4, "10s")},
        {"name": "slow", "fires": False, "lines": steps(5, "20s")},
        {"name": "two and three, apart", "fires": False, "lines": [*steps(2, "5s"), *steps(3, "5s", at="+2m")]},
        {"name": "events", "fires": True, "lines": events},
        {"name": "slow events", "fires": False, "lines": [{**events[0], "every": "20s"}]},
    )
    assert run("test", folder) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == "7 cases, 0 failed, 0 problems\n"


def test_events_stand_beside_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        folder,
        RULE,
        {"name": "event", "fires": True, "event": EVENT},
        {"name": "nested", "fires": False, "event": {**EVENT, "source": {"ip": "192.0.2.9"}, "source.ip": None}},
        {"name": "of another log source", "fires": False, "event": {**EVENT, "service": "cron"}},
        {"name": "line", "fires": True, "line": LINE.replace("{syslog}", "Mar  5 09:00:00")},
    )
    assert run("test", folder) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ({"event": "x"}, "event is 'x'"),
        ({"event": {}, "line": "x"}, "has both line and event"),
        ({"lines": []}, "has no line"),
        ({"lines": ["x", {"event": {}}]}, "has both lines and events"),
        ({"lines": [{"line": "x", "at": "now"}]}, "at is 'now'"),
        ({"line": "x", "source": 1}, "source is '1'"),
    ],
)
def test_a_broken_case_is_named(
    case: dict[str, Any], what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, RULE, {"name": "broken", "fires": True, **case})
    assert run("test", folder) == 1
    assert f"{folder}/r.cases.jsonl:1: {what}" in capsys.readouterr().out


def test_a_failure_shows_the_selections_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE, {"name": "ours\x1b[2J", "fires": True, "event": {**EVENT, "source.ip": "192.0.2.9"}})
    assert run("test", folder) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert f"{folder}/r.cases.jsonl:1: ours\\x1b[2J: must fire and did not" in out
    assert "    + failed: all of" not in out.splitlines()
    assert "      + failed: all of" in out.splitlines()
    assert "        + ours: source.ip is in '192.0.2.0/24'   <- 192.0.2.9" in out.splitlines()
    assert f"{folder}/r.cases.jsonl: 1 of 1 failed" in out


def test_a_sequence_that_fails_shows_what_was_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [*steps(4, "10s"), {"line": LINE.replace("203.0.113.7", "192.0.2.9"), "at": "+40s"}]
    write(folder, RULE + FIVE, {"name": "one is ours", "fires": True, "lines": lines})
    assert run("test", folder) == 1
    out = capsys.readouterr().out
    assert "- event_count by source.ip within 1m: gte 5" in out
    assert "+ Failed log-in: matched 4 of 5 events, not the one numbered 5" in out
    assert "+ ours: source.ip is in '192.0.2.0/24'   <- 192.0.2.9" in out
    assert "- source.ip 203.0.113.7: 4 within 1m; 2026-03-05 02:00:00Z to 2026-03-05 02:00:30Z; does not fire" in out


def test_of_a_slow_sequence_the_fullest_window_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE + FIVE, {"name": "slow", "fires": True, "lines": [*steps(2, "1s"), *steps(4, "20s", at="+10m")]})
    assert run("test", folder) == 1
    shown = "- source.ip 203.0.113.7: 3 within 1m; 2026-03-05 02:10:00Z to 2026-03-05 02:10:40Z; does not fire"
    assert shown in capsys.readouterr().out


def test_a_line_is_received_at_its_own_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its stamp has no year: five days later it is of the next one."""
    lines = [*steps(4, "1s"), *steps(1, "1s", at="+5d")]
    slow = RULE + FIVE.replace("timespan: 1m", "timespan: 1w")
    write(
        folder, slow, {"name": "over the new year", "fires": True, "received": "2026-12-30T09:00:00Z", "lines": lines}
    )
    run("test", folder)
    assert "1 cases, 0 failed" in capsys.readouterr().out


def test_a_case_that_must_not_fire_shows_the_event_that_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"event": EVENT}, {"event": {**EVENT, "event.outcome": "success"}}]
    write(folder, RULE, {"name": "never", "fires": False, "lines": lines})
    assert run("test", folder) == 1
    out = capsys.readouterr().out
    assert "Failed log-in, on event 1:" in out
    assert "+ event.outcome equals 'failure'   <- failure" in out


def test_json_and_junit_tell_the_same(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        folder,
        RULE,
        {"name": "good", "fires": True, "event": EVENT},
        {"name": "bad \x00<&>", "fires": False, "event": {**EVENT, "message": "\x1b]0;x\x07"}},
    )
    assert run("test", folder, "--json", "--junit", tmp_path / "junit.xml") == 1
    written = json.loads(capsys.readouterr().out)
    assert [case["passed"] for case in written["cases"]] == [True, False]
    assert "explained" not in written["cases"][0]
    [tree] = written["cases"][1]["explained"]
    assert (tree["rule"], tree["holds"], tree["children"][0]["name"]) == ("a", True, "failed")
    assert written["problems"] == []
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    [suite] = root
    assert suite.attrib == {"name": f"{folder}/r.cases.jsonl", "tests": "2", "failures": "1", "errors": "0"}
    good, bad = suite
    assert len(good) == 0
    assert bad.attrib["name"] == "bad \\x00<&>"
    assert bad[0].attrib["message"] == "must not fire and did"
    assert "+ failed: all of" in (bad[0].text or "")


def test_junit_has_problems_as_errors(folder: Path, tmp_path: Path) -> None:
    write(folder, RULE, {"name": "good", "fires": True, "event": EVENT})
    assert run("test", folder, "--junit", tmp_path / "junit.xml") == 1
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert root.attrib["errors"] == "1"
    assert "has no quiet case" in root[1][0][0].attrib["message"]


def test_explain_tells_of_a_correlation_over_lines_of_the_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, RULE + FIVE)
    lines = [LINE.replace("{syslog}", f"Mar  5 09:00:0{number}") for number in range(5)]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    assert run("explain", "five", "-", "--rules", folder) == 0
    assert "5 within 1m" in capsys.readouterr().out
    assert run("explain", "five", *lines[:4], "--rules", folder) == 1
    assert "does not fire" in capsys.readouterr().out


def test_explain_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE)
    assert run("explain", "a", "--events", "ndjson", json.dumps(EVENT), "--rules", folder, "--json") == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["rule"] == "a"
    assert explained["explained"][0]["matched"] is True
    assert explained["explained"][0]["condition"]["children"][0]["name"] == "failed"


def test_explain_refuses_what_is_no_event(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE)
    assert run("explain", "a", "--events", "ndjson", "[1]", "--rules", folder) == 2
    assert "event 1 is no JSON object: '[1]'" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, RULE, {"name": "good", "fires": True, "event": EVENT})
    assert run("test", folder, "--junit", folder / "gone/junit.xml") == 2
    assert f"{folder}/gone/junit.xml: cannot be written: No such file" in capsys.readouterr().err
