"""hamrong scan: the contract that other tools and our own measurements rely on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hamrong import cli

RULES = """
title: Needle
id: n
level: high
logsource: {product: p}
detection: {s: {F|contains: needle}, condition: s}
---
title: Pin
id: b
level: low
logsource: {product: p, category: c}
detection: {s: {F|contains: pin, source.ip: 192.0.2.1}, condition: s}
"""
EVENTS = [
    {"product": "p", "F": "a needle", "category": "c"},
    {"product": "q", "F": "a needle"},
    {"product": "p", "F": "needle, pin", "category": "c", "source": {"ip": "192.0.2.1"}},
    {"product": "p", "F": "pin", "source.ip": "192.0.2.1"},
]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/r.yml").write_text(RULES)
    return tmp_path / "rules"


def scan(*args: object) -> int:
    return cli.main(["scan", *map(str, args)])


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


EXPECTED = [
    {"line": 1, "rule": "n", "title": "Needle", "level": "high"},
    {"line": 4, "rule": "b", "title": "Pin", "level": "low"},
    {"line": 4, "rule": "n", "title": "Needle", "level": "high"},
]


def lines() -> str:
    first, *rest = map(json.dumps, EVENTS)
    return "\n".join([first, "no json", *rest, "[1]", ""])


@pytest.mark.parametrize("packed", [False, True])
def test_matches_by_line_and_rule_id(
    packed: bool, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events"
    content = lines().encode()
    events.write_bytes(gzip.compress(content) if packed else content)
    assert scan("--rules", rules, "--cache", tmp_path / "c", "--json-summary", tmp_path / "s.json", events) == 0
    assert printed(capsys) == EXPECTED
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["events"], summary["rules"], summary["matches"], summary["broken_lines"]) == (4, 2, 3, 2)
    assert summary["seconds"] > 0
    assert summary["events_per_second"] > 0


def test_the_file_may_stand_before_or_after(rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = tmp_path / "events"
    events.write_text(lines())
    for args in (
        (events, "--rules", rules),
        ("--rules", rules, "--events", "ndjson", events),
        ("--rules", rules, events),
    ):
        assert scan(*args, "--cache", tmp_path / "c") == 0
        assert printed(capsys) == EXPECTED


def test_a_broken_rule_is_named_and_the_others_are_used(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "broken.yml").write_text("title: t\nlogsource: {product: p}\ndetection: {s: {F: a}, condition: x}\n")
    events = tmp_path / "events"
    events.write_text(lines())
    assert scan("--rules", rules, "--cache", tmp_path / "c", events) == 2
    out = capsys.readouterr()
    assert [json.loads(line) for line in out.out.splitlines()] == EXPECTED
    assert f"{rules}/broken.yml:3: condition names 'x', not defined (hint:" in out.err


def test_what_cannot_be_read_is_said_in_a_sentence(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan("--rules", rules, "--cache", tmp_path / "c", tmp_path / "nothing") == 2
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:20])
    assert scan("--rules", rules, "--cache", tmp_path / "c", tmp_path / "cut.gz") == 2
    assert "cannot be read" in capsys.readouterr().err


BRUTE_FORCE = """
title: refused
id: refused
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login, event.outcome: failure}, condition: s}
---
title: Brute force
id: brute
level: high
correlation: {type: event_count, rules: [refused], group-by: [source.ip], timespan: 1m, condition: {gte: 3}}
---
title: root
id: root
level: low
logsource: {product: linux, service: sshd}
detection: {s: {user.name: root}, condition: s}
"""


def test_log_lines_and_correlations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, log = tmp_path / "r.yml", tmp_path / "auth.log"
    rules.write_text(BRUTE_FORCE)
    text = "Mar  5 09:00:{:02} h sshd[1]: Failed password for {} from {} port 1 ssh2"
    stamps = [
        (0, "an", "203.0.113.7"),
        (10, "root", "203.0.113.7"),
        (15, "an", "203.0.113.8"),
        (20, "an", "203.0.113.7"),
    ]
    log.write_text("\n".join(text.format(*stamp) for stamp in [*stamps, (25, "an", "203.0.113.7")]))
    assert scan("--rules", rules, "--cache", tmp_path / "c", "--events", "log", log) == 0
    assert [(found["line"], found["rule"]) for found in printed(capsys)] == [(2, "root"), (4, "brute")]


HOSTILE = [
    b"", b"{", b"null", b'"text"', b"[]", b"{}", b'{"F": {"a": [1, {"b": null}]}, "product": "p"}', b"\xff\xfe",
    b'{"F": "\xffneedle", "product": "p"}', b'{"F": "\\ud800 needle", "product": "p"}', b'{"F": 1e999, "product": "p"}',
    b'{"F": 123456789012345678901234567890, "product": "p"}', b'{"": "needle", "product": "p"}',
    b'{"F": [["needle"]], "product": "p"}', b'{"F": true, "F.x": 1, "product": "p"}', b'{"product": 5, "F": "needle"}',
    b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(10_000)) + b"}",
    b'{"F": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"F": "' + b"x" * (1 << 20) + b'needle", "product": "p"}',
]  # fmt: skip


def test_hostile_lines_are_counted_and_the_next_is_read(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events"
    events.write_bytes(b"\n".join([*HOSTILE, json.dumps(EVENTS[0]).encode()]))
    assert scan("--rules", rules, "--cache", tmp_path / "c", "--json-summary", tmp_path / "s.json", events) == 0
    found = [line["line"] for line in printed(capsys)]
    assert found[-1] == len(HOSTILE) + 1
    assert {9, 10, 14, len(HOSTILE)} <= set(found)
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["events"] + summary["broken_lines"] == len(HOSTILE) + 1


def test_an_endless_line_is_cut(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.sigma.scan.MAX_LINE", 1000)
    events = tmp_path / "events"
    events.write_text("x" * 5500 + "\n" + json.dumps(EVENTS[0]) + "\n")
    assert scan("--rules", rules, "--cache", tmp_path / "c", "--json-summary", tmp_path / "s.json", events) == 0
    assert [found["line"] for found in printed(capsys)] == [2]
    assert json.loads((tmp_path / "s.json").read_text())["cut_lines"] == 1
