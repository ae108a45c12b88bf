from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hamrong.errors import ServiceError
from hamrong.stack import process
from hamrong.stack.process import TOKEN_VARIABLE, Services, carries, processes_of

pytestmark = pytest.mark.slow

SLEEP = ["sleep", "600"]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path)
    yield made
    for service in made.status():
        made.stop(service.name, grace_seconds=0.0)


def ready() -> bool:
    return True


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_started_service_is_found_by_others_and_stopped_by_them(services: Services, tmp_path: Path) -> None:
    started = services.start("gateway", SLEEP, ports={"tcp": 5514}, ready=ready)
    other = Services(tmp_path)
    found = other.find("gateway")
    assert found == started
    assert found.alive
    assert found.ports == {"tcp": 5514}
    assert os.getsid(found.pid) == found.pid  # detached: no Ctrl-C of ours reaches it
    assert other.stop("gateway")
    assert processes_of(started.token) == set()
    assert other.find("gateway") is None
    assert not other.stop("gateway")


def test_a_second_start_keeps_the_running_one(services: Services) -> None:
    first = services.start("spark", SLEEP, env={"A": "1"}, ready=ready)
    assert services.start("spark", SLEEP, env={"A": "1"}, ready=ready) == first


@pytest.mark.parametrize(("argv", "env"), [(["sleep", "601"], {"A": "1"}), (SLEEP, {"A": "2"})])
def test_another_command_or_environment_replaces_it(services: Services, argv: list[str], env: dict[str, str]) -> None:
    first = services.start("spark", SLEEP, env={"A": "1"}, ready=ready)
    second = services.start("spark", argv, env=env, ready=ready)
    assert second.pid != first.pid
    assert processes_of(first.token) == set()
    assert second.alive


def test_a_killed_service_is_dead_and_the_next_start_mends_it(services: Services) -> None:
    first = services.start("kafka", SLEEP, ready=ready)
    os.kill(first.pid, signal.SIGKILL)
    assert eventually(lambda: not first.alive)
    assert [service.alive for service in services.status()] == [False]
    assert services.start("kafka", SLEEP, ready=ready).alive


def test_children_in_other_sessions_die_with_it_even_when_the_parent_was_killed(services: Services) -> None:
    code = "import subprocess, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
    service = services.start("spark", [sys.executable, "-c", code], ready=ready)
    assert eventually(lambda: len(processes_of(service.token)) == 2)
    os.kill(service.pid, signal.SIGKILL)
    assert eventually(lambda: len(processes_of(service.token)) == 1)
    services.stop("spark")
    assert processes_of(service.token) == set()


def test_what_does_not_obey_is_killed(services: Services) -> None:
    service = services.launch("stubborn", ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"])
    assert eventually(lambda: "deaf" in service.log.read_text())
    services.stop("stubborn", grace_seconds=0.2)
    assert processes_of(service.token) == set()


def test_a_recycled_pid_is_not_touched(services: Services) -> None:
    service = services.start("gateway", SLEEP, ready=ready)
    services.stop("gateway")
    with subprocess.Popen(SLEEP) as stranger:
        services._save(dataclasses.replace(service, pid=stranger.pid))
        found = services.find("gateway")
        assert found
        assert not found.alive
        services.stop("gateway")
        assert stranger.poll() is None
        stranger.kill()


def test_a_start_cut_off_before_its_pid_was_written_leaves_nothing(services: Services) -> None:
    service = services.start("gateway", SLEEP, ready=ready)
    services._save(dataclasses.replace(service, pid=0))
    again = services.start("gateway", SLEEP, ready=ready)
    assert not carries(service.pid, service.token)
    assert again.alive


def test_a_process_whose_environment_cannot_be_read_yet_is_not_taken_for_dead(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, False, False])  # as /proc says while a new process loads its program
    monkeypatch.setattr(process, "carries", lambda pid, token: next(answers, None) is None and carries(pid, token))
    assert services.launch("gateway", SLEEP).alive


def test_start_returns_when_it_is_ready(services: Services, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    services.start("slow", ["sh", "-c", f"sleep 0.3; touch {flag}; sleep 600"], ready=flag.exists)
    assert flag.exists()


def test_a_service_that_ends_while_starting_says_why_and_where(services: Services) -> None:
    argv = ["sh", "-c", "echo port 9092 is in use >&2; exit 3"]
    with pytest.raises(
        ServiceError, match=r"^kafka ended while starting \(port 9092 is in use\); its log: .*/log/kafka"
    ):
        services.start("kafka", argv, ready=lambda: False)
    assert services.status() == []


def test_a_service_that_is_not_ready_in_time_is_stopped(services: Services) -> None:
    with pytest.raises(ServiceError, match=r"^kafka did not answer within 0 s and was stopped; its log: .*kafka\.log"):
        services.start("kafka", SLEEP, ready=lambda: False, timeout_seconds=0.3)
    assert services.status() == []


def test_a_program_that_is_not_there_is_named(services: Services) -> None:
    with pytest.raises(ServiceError, match="gateway cannot be started: no-such-program: No such file"):
        services.start("gateway", ["no-such-program"], ready=ready)
    assert services.status() == []


def test_a_damaged_record_is_named(services: Services) -> None:
    services.run.mkdir(parents=True)
    record = services.run / "gateway.json"
    record.write_text('{"name": "gate')
    with pytest.raises(ServiceError, match=r"run/gateway\.json is damaged"):
        services.find("gateway")
    record.unlink()


def test_the_log_of_the_last_start_is_kept_beside(services: Services) -> None:
    for words in ("first", "second"):
        service = services.launch("gateway", ["sh", "-c", f"echo {words}; sleep 600"])
        assert eventually(lambda: service.log.read_text() != "")  # noqa: B023
        services.stop("gateway")
    assert service.log.read_text() == "second\n"
    assert service.log.with_suffix(".log.1").read_text() == "first\n"


def test_a_child_has_its_settings_and_no_ignored_pipe(services: Services) -> None:
    service = services.launch(
        "gateway", ["sh", "-c", "echo $X; grep SigIgn /proc/self/status; sleep 600"], env={"X": "é"}
    )
    assert eventually(lambda: "SigIgn" in service.log.read_text())
    words = service.log.read_text().split()
    assert words[0] == "é"
    # Python ignores SIGPIPE; a child must not, or `| head` in a script of its never ends.
    assert int(words[2], 16) & (1 << (signal.SIGPIPE - 1)) == 0
    assert TOKEN_VARIABLE not in os.environ


def test_a_wait_that_was_overtaken_does_not_forget_the_new_start(services: Services) -> None:
    old = services.launch("kafka", SLEEP)
    services.stop("kafka")
    new = services.launch("kafka", SLEEP)
    with pytest.raises(ServiceError, match="ended while starting"):
        services.wait(old, lambda: False, 5.0)
    assert services.find("kafka") == new
    assert new.alive
