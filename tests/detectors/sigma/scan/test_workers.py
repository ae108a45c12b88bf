"""Work by processes: in order, bounded, and never a hang."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from detectors.sigma.scan.workers import AHEAD, WorkerError, in_order
from hamrong.config import PROJECT


def slow_first(number: int, piece: str) -> tuple[int, str, int]:
    """The earlier a piece, the longer it takes."""
    time.sleep(0.02 * (number < 3))
    return number, piece * 2, os.getpid()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_the_order_of_the_pieces(count: int) -> None:
    found = list(in_order("abcdefghij", slow_first, count))
    assert [(number, text) for number, text, _ in found] == [(at, letter * 2) for at, letter in enumerate("abcdefghij")]
    processes = {pid for *_, pid in found}
    assert processes == {os.getpid()} if count == 1 else os.getpid() not in processes and len(processes) > 1


def test_no_piece_and_one_piece_need_no_process() -> None:
    assert list(in_order([], slow_first, 4)) == []
    assert list(in_order(["a"], slow_first, 4)) == [(0, "aa", os.getpid())]


def test_pieces_are_not_cut_far_ahead() -> None:
    cut = 0

    def pieces() -> Iterator[bytes]:
        nonlocal cut
        for _ in range(200):
            cut += 1
            yield b"x" * 1000

    for taken, _ in enumerate(in_order(pieces(), lambda number, piece: (number, len(piece)), 2)):
        assert cut <= taken + AHEAD * 2 + 1


def test_large_pieces_and_large_results_pass_each_other() -> None:
    def work(number: int, piece: bytes) -> bytes:
        return piece

    pieces = [bytes([number]) * (3 << 20) for number in range(8)]
    assert list(in_order(iter(pieces), work, 2)) == pieces


def test_a_worker_that_dies_is_named_and_the_others_are_ended() -> None:
    def work(number: int, piece: int) -> int:
        if number == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        return os.getpid()

    seen: set[int] = set()
    with pytest.raises(WorkerError, match="was killed by SIGKILL"):
        seen.update(in_order(range(100), work, 3))
    assert_gone(seen)


def test_a_defect_shows_its_trace(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int, piece: int) -> float:
        return 1 / (3 - number)

    with pytest.raises(WorkerError, match="ended with code 1"):
        list(in_order(range(10), work, 2))
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_whoever_stops_early_ends_the_workers() -> None:
    results = in_order(range(1000), lambda number, piece: os.getpid(), 2)
    seen = {next(results) for _ in range(10)}
    results.close()
    assert_gone(seen)


@pytest.mark.slow
def test_workers_do_without_pandas_and_leave_it_to_the_parent() -> None:
    """What a worker has no use for must not be the parent's loss, which may be a test run."""

    alone = "from tests.detectors.sigma.scan.test_workers import without_pandas; without_pandas()"
    subprocess.run([sys.executable, "-c", alone], check=True, cwd=PROJECT)


def without_pandas() -> None:
    def work(number: int, piece: int) -> bool:
        assert pa.array(np.array([number])).to_numpy().tolist() == [number]
        return "pandas" in sys.modules

    assert set(in_order(range(4), work, 2)) == {False}
    assert "pandas" not in sys.modules
    assert pa.array(importlib.import_module("pandas").Series([1])).to_pylist() == [1]


def assert_gone(processes: set[int]) -> None:
    for pid in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
