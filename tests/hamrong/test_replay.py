"""`hamrong replay`: any log file to a receiver, as it is or re-dated."""

from __future__ import annotations

import gzip
import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from backports.zstd import compress

from hamrong.cli import main
from hamrong.config import PROJECT
from hamrong.stack.ports import any_port
from ingest.gateway.framing import Decoder
from tests.ingest.gateway.test_sender import receiver

LINES = ["Oct 11 22:14:15 web01 sshd[7]: Đăng nhập sai", "Oct 11 22:14:25 web01 sshd[7]: x", "192.0.2.1 no stamp"]


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "auth.log"
    path.write_text("\n".join(LINES) + "\r\n\n", encoding="utf-8")
    return path


def frames(got: list[bytes]) -> list[str]:
    return [message.decode() for message, _ in Decoder(1000).feed(b"".join(got))]


def test_a_file_goes_untouched(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with receiver() as (target, got):
        assert main(["replay", str(log_file), "--to", str(target), "--json"]) == 0
    assert frames(got) == LINES
    summary = json.loads(capsys.readouterr().out)
    assert summary.pop("seconds") < 10
    assert summary == {"lines": 3, "bytes": sum(len(line.encode()) for line in LINES), "too_long": 0}


@pytest.mark.parametrize("given", ["file.gz", "file.zst", "-", "- packed"])
def test_packed_files_and_standard_input(
    log_file: Path, monkeypatch: pytest.MonkeyPatch, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = (compress if given == "file.zst" else gzip.compress)(log_file.read_bytes())
    content = log_file.read_bytes() if given == "-" else packed
    path = log_file.with_suffix(".gz")
    path.write_bytes(packed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    name = str(path) if given.startswith("file") else "-"
    with receiver() as (target, got):
        assert main(["replay", name, "--to", str(target), "--framing", "lf"]) == 0
    assert frames(got) == LINES
    assert capsys.readouterr().out.startswith("3 lines, ")


def test_the_first_line_is_now_and_the_distance_stays(log_file: Path) -> None:
    with receiver() as (target, got):
        assert main(["replay", str(log_file), "--to", str(target), "--from-start", "now", "--timezone", "UTC"]) == 0
    now = datetime.now(ZoneInfo("UTC"))
    first, second = (
        datetime.strptime(f"{now.year} {line[:15]}", "%Y %b %d %H:%M:%S").replace(tzinfo=ZoneInfo("UTC"))
        for line in frames(got)[:2]
    )
    assert timedelta(seconds=-1) < now - first < timedelta(seconds=60)
    assert second - first == timedelta(seconds=10)
    assert frames(got)[2] == LINES[2]


def test_a_line_that_is_too_long_for_a_datagram_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b"x" * 70_000 + b"\nshort\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        assert main(["replay", str(path), "--to", f"udp://127.0.0.1:{server.getsockname()[1]}"]) == 1
    assert "1 lines are longer than a datagram may be" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.log", "--to", "TARGET"], "none.log: cannot be read: No such file or directory"),
        ([".", "--to", "TARGET"], ".: cannot be read: Is a directory"),
        (["LOG", "--to", "x:1"], "'x:1' is no target: write tcp://HOST:PORT"),
        (["LOG", "--to", "TARGET"], "cannot be reached: Connection refused"),
        (["LOG", "--to", "TARGET", "--from-start", "now", "--timezone", "Mars"], "--timezone 'Mars' is unknown"),
        (["LOG", "--to", "TARGET", "--rate", "0"], "'0' is no rate"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(log_file: Path, arguments: list[str], sentence: str) -> None:
    known = {"TARGET": f"tcp://127.0.0.1:{any_port()}", "LOG": str(log_file)}
    done = subprocess.run(
        [sys.executable, "-m", "hamrong.cli", "replay", *(known.get(argument, argument) for argument in arguments)],
        capture_output=True,
        text=True,
        cwd=log_file.parent,
        env={"PYTHONPATH": str(PROJECT), "PATH": ""},
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_gzip_file_is_said_in_a_sentence(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_file.write_bytes(gzip.compress(b"line\n" * 1000)[:-20])
    with receiver() as (target, _):
        assert main(["replay", str(log_file), "--to", str(target)]) == 2
    assert "auth.log: cannot be read: " in capsys.readouterr().err
