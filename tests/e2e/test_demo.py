"""`hamrong demo` as a person runs it: once, after every process was killed, and `stack down` after it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from hamrong.config import PROJECT
from hamrong.stack import embedded
from hamrong.stack.process import Services, processes_of
from tests.conftest import new_home

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


def hamrong(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hamrong.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False, timeout=800)


def demo(home: Path) -> str:
    played = hamrong("demo", "--home", str(home), "--seconds", "8", "--rate", "40")
    assert played.returncode == 0, played.stdout + played.stderr
    assert not re.search(r"WARN|Traceback|Exception|SLF4J|log4j", played.stdout + played.stderr)
    return played.stdout


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield new_home(tmp_path / "home")
    hamrong("stack", "down", "--home", str(tmp_path / "home"))


def alerts(home: Path) -> int:
    with OpenSearch(embedded.endpoints(home).opensearch_url, timeout=30) as client:
        return int(client.count(index="soc-alerts")["count"])


def test_the_demo_keeps_its_promises_again_after_every_process_was_killed(home: Path) -> None:
    first = demo(home)
    balance = re.search(r"(\d+) lines sent = (\d+) events stored \+ (\d+) lines in the dead-letter topic", first)
    assert balance is not None, first
    sent, stored, dead = map(int, balance.groups())
    assert sent == stored + dead > 4000
    assert "23 of 23 expected alerts found, on 14 shared systems" in first
    report = re.search(r"report +(\S+\.html)", first)
    assert report is not None
    assert "</html>" in Path(report[1]).read_text(encoding="utf-8")
    raised = alerts(home)
    assert raised >= 23

    services = Services(home)
    tokens = [service.token for service in services.status()]
    assert [service.name for service in services.status()] == ["gateway", "kafka", "opensearch", "spark", "triage"]
    for token in tokens:
        for pid in processes_of(token):
            os.kill(pid, signal.SIGKILL)
    second = demo(home)
    assert "23 of 23 expected alerts found" in second
    assert alerts(home) >= raised + 21, "the first run's alerts are kept, the second's are others"

    tokens += [service.token for service in services.status()]
    assert hamrong("stack", "down", "--home", str(home)).returncode == 0
    assert [pid for token in tokens for pid in processes_of(token)] == []
