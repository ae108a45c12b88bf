"""workers: pieces through processes, results in the pieces' order.

In:   pieces one by one, and the work
Out:  results in order

The processes part from this one by fork, so that they share what it has loaded. A worker holds one piece, and is given
the next when it has answered: nothing is ever sent to one that is sending. However slow one piece is, only a few
others wait for it.
"""

from __future__ import annotations

import itertools
import os
import pickle
import select
import signal
import struct
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import Any, BinaryIO, TypeVar

from hamrong.errors import HamrongError

AHEAD = 3
"""Pieces of each worker that may be cut, under way or done before the first of them is handed on."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Work = Callable[[int, Piece], Result]

_SIZE = struct.Struct("<Q")


class WorkerError(HamrongError):
    """A worker process ended before its work did."""


def in_order(pieces: Iterable[Piece], work: Work[Piece, Result], count: int) -> Generator[Result]:
    """`work(n, piece)` of each piece, in order; one process, or a single piece, is worked on here.

    Raises WorkerError when a worker dies. Whatever ends the iteration ends the workers.
    """
    rest = enumerate(pieces)
    first = list(itertools.islice(rest, 2))
    numbered = itertools.chain(first, rest)
    if count == 1 or len(first) < 2:
        yield from (work(number, piece) for number, piece in numbered)
        return
    workers: list[_Worker] = []
    try:
        with _interrupts_held():
            for _ in range(count):
                workers.append(_Worker(work, [worker.pipe for worker in workers]))
        yield from _Pool(workers, numbered).results()
    finally:
        for worker in workers:
            worker.end()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits: in what Python runs around a fork an exception is printed and forgotten."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class _Pool:
    def __init__(self, workers: list[_Worker], pieces: Iterator[tuple[int, Any]]) -> None:
        self._pieces = pieces
        self._more = True
        self._waiting: deque[tuple[int, Any]] = deque()
        self._idle = list(workers)
        self._busy: dict[int, _Worker] = {}
        self._done: dict[int, Any] = {}
        self._limit = AHEAD * len(workers)
        self._poll = select.poll()

    def results(self) -> Iterator[Any]:
        following = 0
        while True:
            while following in self._done:
                yield self._done.pop(following)
                following += 1
            while self._idle and self._waiting:
                self._hand_out(self._idle.pop(), *self._waiting.popleft())
            room = len(self._done) + len(self._busy) + len(self._waiting) < self._limit
            if self._more and room and len(self._waiting) <= len(self._idle) + 1:
                self._cut()
                self._collect(wait=False)
            elif self._busy:
                self._collect(wait=True)
            elif not self._more and not self._waiting and not self._done:
                return

    def _cut(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._more = False
        else:
            self._waiting.append(piece)

    def _hand_out(self, worker: _Worker, number: int, piece: Any) -> None:
        worker.send((number, piece))
        self._busy[worker.answers] = worker
        self._poll.register(worker.answers, select.POLLIN)

    def _collect(self, *, wait: bool) -> None:
        for answers, _ in self._poll.poll(None if wait else 0):
            worker = self._busy.pop(answers)
            self._poll.unregister(answers)
            number, result = worker.receive()
            self._done[number] = result
            self._idle.append(worker)


class _Worker:
    """One process, and the two ends of its pipes that are ours."""

    def __init__(self, work: Work[Any, Any], others: list[tuple[BinaryIO, BinaryIO]]) -> None:
        their_tasks, tasks = os.pipe()
        answers, their_answers = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 warns of the threads that OpenBLAS and jemalloc keep: both know how to be forked.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if not self._pid:
            os.close(tasks)
            os.close(answers)
            for pipe in others:
                for end in pipe:
                    os.close(end.fileno())
            _serve(work, their_tasks, their_answers)
        os.close(their_tasks)
        os.close(their_answers)
        self.pipe = os.fdopen(tasks, "wb"), os.fdopen(answers, "rb")
        self.answers = answers

    def send(self, message: Any) -> None:
        try:
            _write(self.pipe[0], message)
        except BrokenPipeError:
            raise self._death() from None

    def receive(self) -> Any:
        try:
            return _read(self.pipe[1])
        except EOFError:
            raise self._death() from None

    def _death(self) -> WorkerError:
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        code = os.waitstatus_to_exitcode(status)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        hint = "if memory is short, take fewer with --workers"
        return WorkerError(f"a worker process {how} before its work was done; {hint}")

    def end(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        for end in self.pipe:
            try:
                end.close()
            except BrokenPipeError:
                # Half a piece was on its way to a worker that is no more.
                continue


class _WithoutPandas(MetaPathFinder):
    """Arrow looks whether a numpy array is one of pandas, and brings pandas in to do so: 0.4 s of every process."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def _serve(work: Work[Any, Any], tasks: int, answers: int) -> None:
    """The life of a worker; it ends when its parent does. Never returns."""
    # Ctrl-C reaches every process of the terminal: the parent ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.meta_path.insert(0, _WithoutPandas())
    code = 1
    try:
        with os.fdopen(tasks, "rb") as given, os.fdopen(answers, "wb") as taken:
            while True:
                try:
                    number, piece = _read(given)
                except EOFError:
                    code = 0
                    break
                result = work(number, piece)
                _write(taken, (number, result))
    except BrokenPipeError:
        code = 0
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
            sys.stderr.flush()
        # Not by way of the interpreter: what the parent had open, such as its output, is not this process's to close.
        os._exit(code)


def _write(pipe: BinaryIO, message: Any) -> None:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(_SIZE.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _read(pipe: BinaryIO) -> Any:
    size = pipe.read(_SIZE.size)
    content = pipe.read(_SIZE.unpack(size)[0]) if len(size) == _SIZE.size else b""
    if not content:
        raise EOFError
    return pickle.loads(content)  # noqa: S301 (from a process of our own)
