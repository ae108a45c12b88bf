import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LINES = b"Mar  5 08:15:02 h sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2\n\nno form\n\xff\xfe\\\n"


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "hamrong.cli", "parse", *arguments], input=stdin, capture_output=True, check=False
    )


def test_one_event_a_line_in_order() -> None:
    done = run("--received", "2026-03-05T08:16:00+07:00", "-", stdin=LINES)
    assert (done.returncode, done.stderr) == (0, b"")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event.kind"] for event in events] == ["event"] + ["pipeline_error"] * 3
    assert events[0]["@timestamp"] == "2026-03-05T01:15:02.000Z"
    assert events[0]["source.ip"] == "203.0.113.7"
    assert events[0]["system.auth.ssh.method"] == "password"
    assert events[3]["event.original"] == r"\xff\xfe\\"


def test_a_source_by_name_and_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b'203.0.113.1 - - [05/Mar/2026:08:15:02 +0700] "GET / HTTP/1.1" 200 1\nMar  5 08:15:02 h x: y\n')
    done = run("--source", "portal", "--timezone", "UTC", "--received", "2026-03-05T09:00:00", str(path))
    access, other = map(json.loads, done.stdout.splitlines())
    assert access["service.name"] == other["service.name"] == "portal"
    assert other["@timestamp"] == "2026-03-05T08:15:02.000Z"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--source", "portl", "-"), b"did you mean 'portal'"),
        (("--timezone", "Saigon", "-"), b"no time zone"),
        (("--received", "soon", "-"), b"write a time like"),
        (("no/such/file.log",), b"cannot be read"),
        ((), b"give either a FILE"),
        (("-", "--explain", "x"), b"give either a FILE"),
        (("-", "--json"), b"goes with --explain"),
    ],
)
def test_bad_use_is_one_sentence_and_exit_2(arguments: tuple[str, ...], told: bytes) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_line_is_explained() -> None:
    line = "Mar  5 08:15:02 h sshd[1]: Failed password for \x1b[31mroot from 203.0.113.7 port 1 ssh2"
    done = run("--received", "2026-03-05T08:16:00+07:00", "--explain", line)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"parser   sshd, line ")
    assert rb"user.name" in done.stdout
    assert b"\x1b" not in done.stdout
    told = json.loads(run("--json", "--explain", "sshd: no form").stdout)
    assert (told["parser"], told["asked"]) == (None, ["plain_text"])


def test_a_line_that_no_parser_takes_is_exit_1() -> None:
    assert run("--explain", "Mar  5 08:15:02 h zz[1]: x").returncode == 1
