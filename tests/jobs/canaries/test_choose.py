"""Cases become canaries: dated now, from the right address, and only when they fire so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.ruleset import Ruleset
from hamrong.config import PROJECT
from ingest.sources import Register
from jobs.canaries.choose import Canary, NoCanary, _until_now, choose

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
"""A Tuesday, half past three in the afternoon in the province."""
LATENESS = timedelta(minutes=10)
REGISTER = Register.load(PROJECT / "sources.yml")
LOGIN = "<86>Mar  5 {time} lgsp-01 sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2"
BASE = """title: Root
id: {id}
name: root
logsource: {{product: linux, service: sshd}}
detection: {{s: {{event.action: ssh-login, user.name: root}}, condition: s}}
"""
MANY = """---
title: Many
id: many
correlation:
  type: event_count
  rules: [root]
  group-by: [source.ip]
  timespan: 2h
  condition: {gte: 3}
"""


def chosen(folder: Path, rule: str, *cases: object, only: tuple[str, ...] = ()) -> tuple[list[Canary], list[NoCanary]]:
    (folder / "r.yml").write_text(rule)
    (folder / "r.cases.jsonl").write_text("\n".join(json.dumps(case) for case in cases))
    return choose(Ruleset.load([folder]), REGISTER, NOW, LATENESS, only)


def test_the_first_firing_case_is_dated_now(tmp_path: Path) -> None:
    cases = [
        {"name": "quiet", "fires": False, "line": LOGIN.format(time="09:00:00").replace("root", "an")},
        {"name": "root", "fires": True, "line": LOGIN.format(time="09:00:00")},
    ]
    [canary], without = chosen(tmp_path, BASE.format(id="r"), *cases)
    # The register says that the host's stamps are local time.
    assert canary.lines == (LOGIN.format(time="15:30:00").replace("Mar  5", "Nov 24").encode(),)
    assert (canary.rule.id, canary.peer, without) == ("r", "", [])


def test_a_long_sequence_runs_faster_and_ends_now(tmp_path: Path) -> None:
    lines = [LOGIN.format(time=time) for time in ("09:00:00", "10:00:00", "10:50:00")]
    [canary], _ = chosen(tmp_path, BASE.format(id="r") + MANY, {"name": "slow", "fires": True, "lines": lines})
    assert canary.rule.id == "many"
    stamps = [line.split()[2].decode() for line in canary.lines]
    assert stamps == ["15:25:00", "15:27:43", "15:30:00"]


def test_a_rule_that_asks_for_the_hour_gets_a_line_of_that_hour(tmp_path: Path) -> None:
    rule = BASE.format(id="r").replace("user.name: root", "'@timestamp|hour': 17")
    [canary], _ = chosen(tmp_path, rule, {"name": "at midnight", "fires": True, "line": LOGIN.format(time="00:10:00")})
    # 5 March 2026 was a Thursday, and so is the day that is taken.
    assert canary.lines[0].startswith(b"<86>Nov 19 00:10:00 ")


def test_seconds_since_1970_are_moved_too(tmp_path: Path) -> None:
    line = 'Mar  5 09:00:00 lgsp-01 audispd: type=SYSCALL msg=audit(1772676000.123:9): syscall=59 success=yes exe="/x"'
    rule = (
        BASE.format(id="r")
        .replace("service: sshd", "service: auditd")
        .replace("event.action: ssh-login, user.name: root", "process.executable: /x")
    )
    [canary], _ = chosen(tmp_path, rule, {"name": "audit", "fires": True, "line": line})
    assert b"audit(%d.123:9)" % NOW.timestamp() in canary.lines[0]


def test_a_case_of_a_system_comes_from_its_address(tmp_path: Path) -> None:
    system = next(system for system in REGISTER.systems if system.addresses)
    rule = BASE.format(id="r").replace("user.name: root", f"service.name: {system.id}")
    case = {"name": "root", "fires": True, "line": LOGIN.format(time="09:00:00"), "source": system.id}
    [canary], _ = chosen(tmp_path, rule, case)
    found = REGISTER.find(canary.peer, "lgsp-01")
    assert found is not None
    assert found.id == system.id


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"name": "no root", "fires": True, "line": "x"}, "no case fires when it is dated now"),
        ({"name": "quiet", "fires": False, "line": "x"}, "no firing case of raw lines"),
        ({"name": "event", "fires": True, "event": {"user.name": "root"}}, "no firing case of raw lines"),
    ],
)
def test_a_rule_without_a_canary_is_told_why(tmp_path: Path, case: object, why: str) -> None:
    found, [without] = chosen(tmp_path, BASE.format(id="r"), case)
    assert (found, without.rule.id, without.why) == ([], "r", why)


def test_only_those_that_were_named_are_chosen(tmp_path: Path) -> None:
    case = {"name": "root", "fires": True, "line": LOGIN.format(time="09:00:00")}
    assert len(chosen(tmp_path, BASE.format(id="r"), case, only=("root",))[0]) == 1
    assert chosen(tmp_path, BASE.format(id="r"), case, only=("other",)) == ([], [])


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.integers(1, 10**5))
def test_the_course_of_time_is_kept_and_ends_now(seconds: list[int], longest: int) -> None:
    times = [NOW + timedelta(seconds=one) for one in seconds]
    moved = _until_now(times, NOW, timedelta(seconds=longest))
    assert max(moved) == NOW
    assert NOW - min(moved) <= timedelta(seconds=longest, microseconds=1)
    ordered = [moment for _, moment in sorted(zip(times, moved, strict=True))]
    assert ordered == sorted(ordered)
