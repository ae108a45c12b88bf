"""hamrong scan: the contract that other tools and our own measurements rely on."""

from __future__ import annotations

import collections
import contextlib
import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backports.zstd import compress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hamrong import cli
from tests.detectors.sigma.scan.evtx_file import chunk, event, evtx

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


TOLD = ("line", "rule", "title", "level")


def told(out: str) -> list[dict[str, object]]:
    return [{name: found[name] for name in TOLD} for found in map(json.loads, out.splitlines())]


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return told(capsys.readouterr().out)


EXPECTED = [
    {"line": 1, "rule": "n", "title": "Needle", "level": "high"},
    {"line": 4, "rule": "b", "title": "Pin", "level": "low"},
    {"line": 4, "rule": "n", "title": "Needle", "level": "high"},
]


def lines() -> str:
    first, *rest = map(json.dumps, EVENTS)
    return "\n".join([first, "no json", *rest, "[1]", ""])


@pytest.mark.parametrize("pack", [bytes, gzip.compress, compress])
def test_matches_by_line_and_rule_id(
    pack: Callable[[bytes], bytes], rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events"
    events.write_bytes(pack(lines().encode()))
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
    assert told(out.out) == EXPECTED
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
    log.write_text("\n".join(text.format(*stamp) for stamp in [*stamps, (25, "root", "203.0.113.7")]))
    assert scan("--rules", rules, "--cache", tmp_path / "c", "--events", "log", log) == 0
    assert [(found["line"], found["rule"]) for found in printed(capsys)] == [(2, "root"), (4, "brute"), (5, "root")]


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
    monkeypatch.setattr("detectors.sigma.scan.run.MAX_LINE", 1000)
    monkeypatch.setattr("detectors.sigma.scan.run.piece_bytes", lambda *_: 400)
    events = tmp_path / "events"
    events.write_text("x" * 5500 + "\n" + json.dumps(EVENTS[0]) + "\n")
    args = ("--events", "ndjson", "--json-summary", tmp_path / "s.json")
    assert scan(events, "--rules", rules, "--cache", tmp_path / "c", *args) == 0
    assert [found["line"] for found in printed(capsys)] == [2]
    assert json.loads((tmp_path / "s.json").read_text())["cut_lines"] == 1


WINDOWS = """
title: Tool
id: tool
level: critical
tags: [attack.execution, attack.t1059.001]
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: needle}, condition: s}
"""


@pytest.fixture
def folder(rules: Path, tmp_path: Path) -> Path:
    """The same three events as lines, as an array, and one as an event log; and what is no event."""
    (rules / "w.yml").write_text(WINDOWS)
    folder = tmp_path / "evidence"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "array.json").write_text(json.dumps(EVENTS[:3], indent=2))
    (folder / "a.ndjson").write_text("\n".join(map(json.dumps, EVENTS[:3])))
    records = [event(number, {"CommandLine": f"x{number} needle", "User": "an"}) for number in (1, 2)]
    (folder / "c.evtx.zst").write_bytes(compress(evtx([chunk(records)])))
    (folder / "notes.txt").write_text("not an event")
    (folder / "empty").touch()
    return folder


def test_a_folder_with_every_kind(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(folder, "--rules", rules, "--cache", tmp_path / "c", "--json-summary", tmp_path / "s.json") == 0
    out = capsys.readouterr()
    found = [json.loads(line) for line in out.out.splitlines()]
    assert [(Path(one["file"]).name, one["line"], one["rule"]) for one in found] == [
        *(("a.ndjson", line, rule) for line, rule in ((1, "n"), (3, "b"), (3, "n"))),
        *(("c.evtx.zst", line, "tool") for line in (1, 2)),
        *(("array.json", line, rule) for line, rule in ((1, "n"), (3, "b"), (3, "n"))),
    ]
    log = next(one for one in found if one["rule"] == "tool")
    assert (log["time"], log["host"], log["user"]) == ("2026-03-05T01:15:02.123Z", "pc1.example.org", "an")
    assert f"passed over: {folder}/notes.txt: begins neither as JSON nor as .evtx" in out.err
    assert "critical 2, high 4, low 2" in out.err
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["levels"] == {"critical": 2, "high": 4, "low": 2}
    assert (summary["events"], summary["files"], summary["faults"]) == (8, 5, [])


def test_a_file_that_is_named_twice_is_read_once(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(folder / "a.ndjson")
    names = (folder / "a.ndjson", tmp_path / "link", folder / "a.ndjson")
    assert scan(*names, "--rules", rules, "--cache", tmp_path / "c") == 0
    assert len(printed(capsys)) == 3


def test_what_is_faulty_is_named_and_the_rest_is_read(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = b"\n".join(json.dumps(EVENTS[0] | {"n": number}).encode() for number in range(5000))
    faulty = tmp_path / "faulty"
    (faulty / "nothing").mkdir(parents=True)
    (faulty / "cut.gz").write_bytes(gzip.compress(whole)[:-100])
    (faulty / "cut.zst").write_bytes(compress(whole)[:-100])
    (faulty / "flipped.gz").write_bytes(gzip.compress(whole)[:500] + b"xxxx" + gzip.compress(whole)[504:])
    (faulty / "cut.json").write_bytes(b"[" + json.dumps(EVENTS[0]).encode() + b",")
    (faulty / "cut.evtx").write_bytes(evtx([chunk([event(1, {"CommandLine": "needle"})])])[:-1])
    (faulty / "utf16.json").write_text(json.dumps(EVENTS), encoding="utf-16")
    (faulty / "gone").symlink_to(tmp_path / "no such file")
    names = (faulty, faulty / "nothing", faulty / "utf16.json", tmp_path / "missing", folder / "a.ndjson")
    assert scan(*names, "--rules", rules, "--cache", tmp_path / "c", "--format", "jsonl") == 2
    out = capsys.readouterr()
    assert [one["line"] for one in map(json.loads, out.out.splitlines()) if one["file"].endswith("a.ndjson")] == [
        1,
        3,
        3,
    ]
    for name in ("cut.gz", "cut.zst", "flipped.gz"):
        assert f"{faulty}/{name}: cannot be read: " in out.err
    assert len([line for line in out.out.splitlines() if "cut.gz" in line]) > 1000
    assert f"{faulty}/cut.json: its array has no end" in out.err
    assert f"{faulty}/cut.evtx: chunk 0: the file ends 1 bytes before the chunk does" in out.err
    assert f"{faulty}/utf16.json: is UTF-16; write it as UTF-8 first" in out.err
    assert f"{faulty}/gone: cannot be read: No such file" in out.err
    assert f"{faulty}/nothing: holds no file" in out.err
    assert f"{tmp_path}/missing: cannot be read: No such file" in out.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(folder: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").chmod(0)
    assert scan(folder, "--rules", rules) == 2
    assert f"{folder}/empty: cannot be read: Permission denied" in capsys.readouterr().err


def test_a_line_that_is_no_event_lacks_no_field(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "r.yml").write_text(RULES.replace("F|contains: needle", "F: null"))
    events = tmp_path / "e.ndjson"
    events.write_text('no json\n{"product": "p"}\n\n[]\n')
    assert scan(events, "--rules", rules, "--cache", tmp_path / "c") == 0
    assert [(one["line"], one["rule"]) for one in printed(capsys)] == [(2, "n")]


@pytest.mark.parametrize(("level", "code"), [("critical", 0), ("high", 1), ("low", 1)])
def test_fail_on_a_level(level: str, code: int, folder: Path, rules: Path, tmp_path: Path) -> None:
    assert scan(folder / "a.ndjson", "--rules", rules, "--cache", tmp_path / "c", "--fail-on", level) == code


def test_a_rule_on_trial_is_shown_as_such_and_fails_nobodys_build(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "r.yml").write_text(RULES.replace("id: n\n", "id: n\nstatus: experimental\n"))
    ask = (folder / "a.ndjson", "--rules", rules, "--cache", tmp_path / "c", "--json-summary", tmp_path / "s.json")
    assert scan(*ask, "--fail-on", "high") == 0
    heard = capsys.readouterr()
    assert {one["rule"]: one.get("shadow") for one in map(json.loads, heard.out.splitlines())} == {"n": True, "b": None}
    assert "high 2, low 1; 2 of these by rules on trial" in heard.err
    assert json.loads((tmp_path / "s.json").read_bytes())["shadow"] == {"high": 2}
    assert scan(*ask, "--fail-on", "low") == 1
    capsys.readouterr()
    scan(*ask, "--format", "csv")
    told = csv.DictReader(capsys.readouterr().out.splitlines())
    assert {row["rule"]: row["shadow"] for row in told} == {"n": "yes", "b": ""}
    scan(*ask, "--format", "table")
    assert "Needle (on trial)" in capsys.readouterr().out


def test_a_table_for_people(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = {"product": "p", "F": "needle", "Computer": "\x1b[31mred", "@timestamp": "2026-03-05T08:15:02+07:00"}
    (folder / "a.ndjson").write_text(json.dumps(evil))
    assert scan(folder.name, "--rules", rules, "--cache", tmp_path / "c", "--format", "table") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    heads, _, *rows = [line.split() for line in out.splitlines() if line.strip()]
    assert heads == ["level", "matches", "rule", "first", "last", "hosts", "where", "first"]
    assert [row[:3] for row in rows] == [["critical", "2", "Tool"], ["high", "3", "Needle"], ["low", "1", "Pin"]]
    assert rows[1][3:8] == ["2026-03-05", "01:15:02", "2026-03-05", "01:15:02", "\\x1b[31mred"]


def test_csv_for_a_spreadsheet(folder: Path, rules: Path, tmp_path: Path) -> None:
    (folder / "a.ndjson").write_text(json.dumps({"product": "p", "F": "needle", "Computer": "=cmd()", "User": 'a,"b'}))
    written = tmp_path / "out.csv"
    names = (folder / "a.ndjson", folder / "c.evtx.zst", "--rules", rules, "--cache", tmp_path / "c")
    assert scan(*names, "--format", "csv", "--event", "--output", written) == 0
    one, two, _ = csv.DictReader(io.StringIO(written.read_text()))
    assert (one["host"], one["user"], one["line"], one["rule"]) == ("'=cmd()", 'a,"b', "1", "n")
    assert json.loads(one["event"])["F"] == "needle"
    assert (two["techniques"], two["level"], two["time"]) == ("T1059.001", "critical", "2026-03-05T01:15:02.123Z")


def test_the_event_beside_the_match(folder: Path, rules: Path, tmp_path: Path) -> None:
    (folder / "a.ndjson").write_bytes(json.dumps(EVENTS[0]).encode() + b'\r\n{"F": "\xff needle", "product": "p"}')
    written = folder / "out.jsonl"
    for _ in range(2):
        assert scan(folder, "--rules", rules, "--cache", tmp_path / "c", "--event", "--output", written) == 0
    found = [json.loads(line) for line in written.read_text().splitlines()]
    assert found[0]["event"] == EVENTS[0]
    assert found[1]["event"] == '{"F": "\ufffd needle", "product": "p"}'
    assert found[2]["event"]["CommandLine"] == "x1 needle"
    assert len(found) == 7


def test_bad_use(rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = tmp_path / "events"
    events.write_text("some text")
    for args, what in (
        (("--event", "--format", "table"), "a table has a row a rule"),
        (("--output", tmp_path / "no" / "x"), "cannot be written: No such file"),
        ((), "for raw log lines write --events log"),
    ):
        assert scan(events, "--rules", rules, "--cache", tmp_path / "c", *args) == 2
        assert what in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        scan(events, "--rules", rules, "--workers", "0")


OFTEN = """
title: Often
id: often
level: high
correlation: {type: event_count, rules: [n], group-by: [who], timespan: 1m, condition: {gte: 2}, generate: true}
"""
TIMED = [
    {"@timestamp": f"2026-03-05T01:00:{second:02}Z", "product": "p", "F": "needle", "who": who}
    for second, who in ((0, "an"), (30, "an"), (59, "an"), (15, "ba"))
]

ODD = st.sampled_from(
    [json.dumps(one).encode() for one in (*EVENTS, *TIMED, *TIMED)]
    + [
        b"",
        b"\r",
        b"no json",
        b"[]",
        b'{"F": "needle", "product": "p"}\r',
        b'{"F": "\xff", "product": "p"}',
        b"{" * 300,
    ]
)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.lists(ODD, max_size=30), st.booleans(), st.sampled_from([bytes, gzip.compress])), max_size=4)
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_workers_writes_the_same_bytes(
    tmp_path: Path,
    rules: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: list[tuple[list[bytes], bool, Callable[[bytes], bytes]]],
) -> None:
    monkeypatch.setattr("detectors.sigma.scan.run.piece_bytes", lambda *_: 400)
    monkeypatch.setattr("detectors.sigma.scan.run.MAX_LINE", 900)
    (rules / "x.yml").write_text(OFTEN)
    names = []
    for number, (content, ended, pack) in enumerate(inputs):
        names.append(tmp_path / f"{number}.ndjson")
        names[-1].write_bytes(pack(b"\n".join(content) + b"\n" * ended))
    written = []
    for workers, lines_at_once in ((1, 50_000), (2, 50_000), (3, 2)):
        monkeypatch.setattr("detectors.sigma.scan.matching.MAX_ROWS", lines_at_once)
        out = tmp_path / f"out{workers}"
        args = ("--workers", workers, "--event", "--output", out, "--events", "ndjson", "--cache", tmp_path / "c")
        assert scan(*(names or [os.devnull]), "--rules", rules, *args) == 0
        written.append(out.read_bytes())
    assert written[0] == written[1] == written[2]


def test_correlations_look_over_all_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.sigma.scan.run.piece_bytes", lambda *_: 100)
    rules = tmp_path / "r.yml"
    rules.write_text(BRUTE_FORCE)
    text = "Mar  5 09:00:{:02} h sshd[1]: Failed password for an from 203.0.113.7 port 1 ssh2"
    for name, seconds in (("b.log", (0, 40)), ("a.log.gz", (20, 59))):
        content = "\n".join(text.format(second) for second in seconds).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    args = ("--events", "log", "--rules", rules, "--cache", tmp_path / "c", "--workers", "2", "--event")
    assert scan(tmp_path / "b.log", tmp_path / "a.log.gz", *args) == 0
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (Path(found["file"]).name, found["line"], found["rule"], found["count"]) == ("b.log", 2, "brute", 4)
    assert found["event"]["source.ip"] == "203.0.113.7"


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "hamrong.cli", "scan", *map(str, args)]


@pytest.mark.slow
def test_a_bar_is_for_a_terminal_only(folder: Path, rules: Path, tmp_path: Path) -> None:
    args = command(folder, "--rules", rules, "--cache", tmp_path / "c", "--output", tmp_path / "out")
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    subprocess.run(args, stderr=slave, env=environment, check=True)
    os.close(slave)
    shown = b""
    # The terminal's buffer is larger than what such a scan tells; its end is an error on Linux.
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65_536):
            shown += piece
    os.close(master)
    assert b"events/s, " in shown
    assert b"\x1b[" in shown
    quiet = subprocess.run(args, capture_output=True, check=True)
    assert b"\x1b" not in quiet.stderr
    assert quiet.stderr.startswith(b"passed over")
    assert len(quiet.stderr.splitlines()) == 3


@pytest.mark.slow
def test_a_scan_of_lines_brings_in_nothing_that_it_does_not_need(folder: Path, rules: Path, tmp_path: Path) -> None:
    args = ["scan", str(folder / "a.ndjson"), "--rules", str(rules), "--cache", str(tmp_path / "c")]
    code = f"import sys; from hamrong import cli; cli.main({args!r}); cli.main({args!r}); print(*sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    warm = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in warm.stdout.splitlines()[-1].split()}
    needless = {"evtx", "jobs", "multiprocessing", "opensearchpy", "pyspark", "rich", "sigma", "triage"}
    assert "detectors" in loaded
    assert loaded & needless == set()


ENDLESS = json.dumps(EVENTS[0] | {"x": "y" * 2000}).encode() + b"\n"


class Endless:
    """A scan whose events do not end, in a group of processes of its own."""

    def __init__(self, rules: Path, cache: Path) -> None:
        args = ("scan", "--rules", str(rules), "--cache", str(cache), "--workers", "2", "-")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hamrong.cli", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # A job that a script starts in the background ignores Ctrl-C, and so would all that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert self.process.stdin
        self._stdin = self.process.stdin
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()

    def _feed(self) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            while self.process.poll() is None:
                self._stdin.write(ENDLESS * 500)

    def workers(self) -> list[int]:
        """The processes, when both are there."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while len(found := children.read_text().split()) < 2:
            assert self.process.poll() is None
            time.sleep(0.05)
        return list(map(int, found))

    def end(self) -> tuple[int, str]:
        """How it ended, and what it said; no process of it may be left."""
        assert self.process.stderr
        try:
            code = self.process.wait(20)
            told = self.process.stderr.read().decode()
            deadline = time.monotonic() + 10
            while self._left():
                assert time.monotonic() < deadline, "a process is left"
                time.sleep(0.05)
            return code, told
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._feeder.join()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()  # type: ignore[union-attr]

    def _left(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


@pytest.fixture
def endless(rules: Path, tmp_path: Path) -> Endless:
    return Endless(rules, tmp_path / "c")


@pytest.fixture
def drained(endless: Endless) -> Iterator[Endless]:
    """Somebody reads what it prints."""
    reader = threading.Thread(target=lambda: endless.process.stdout and collections.deque(endless.process.stdout, 0))
    reader.start()
    yield endless
    reader.join()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_an_error_and_no_hang(drained: Endless) -> None:
    os.kill(drained.workers()[0], signal.SIGKILL)
    code, told = drained.end()
    assert code == 2
    assert "a worker process was killed by SIGKILL" in told


@pytest.mark.slow
def test_control_c_ends_it_and_every_worker(drained: Endless) -> None:
    drained.workers()
    os.killpg(drained.process.pid, signal.SIGINT)
    assert drained.end() == (130, "")


@pytest.mark.slow
def test_workers_do_not_outlive_a_scan_that_is_killed(drained: Endless) -> None:
    drained.workers()
    drained.process.kill()
    assert drained.end()[0] == -signal.SIGKILL


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_silently(endless: Endless) -> None:
    assert endless.process.stdout
    assert json.loads(endless.process.stdout.readline())["rule"] == "n"
    endless.process.stdout.close()
    assert endless.end() == (0, "")
