"""pieces: files, cut into what one worker takes at a time.

In:   `Input`s
Out:  `Piece`s of whole lines, in order: of a plain file a range that the worker reads itself, of others the bytes

Where the cuts are makes no difference to what is found.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from detectors.sigma.scan import evtx, json_array
from detectors.sigma.scan.inputs import BOM, HEAD_BYTES, Input, Kind, tell, unknown
from hamrong.errors import HamrongError
from ingest import files

MAX_LINE = 16 << 20
"""Bytes of a line that are kept; the rest is cut off and counted."""
BEYOND = 64 << 10
"""Bytes that are read beyond a range at once, for the end of its last line."""
MIN_BYTES = 1 << 20
MAX_BYTES = 4 << 20
"""Of a piece: large enough that what a batch costs at all is little, small enough that a few fit into memory.

A block may be twice as large; so a line that is longer than MAX_LINE is never inside one."""


@dataclass(frozen=True)
class Piece:
    """Either whole lines (of .evtx: whole chunks) in `block`, or a range of the file to read."""

    file: int
    """Position among the inputs."""
    name: str
    kind: Kind
    read: int
    """Bytes on the disk that are behind when this piece is done."""
    start: int = 0
    end: int = 0
    """Of a range: the lines that begin at `start` or later and before `end`. Of chunks: `start` is where they lie."""
    block: bytes | None = None
    cut: int = 0
    """Lines of `block` that were cut off."""

    def without_bytes(self) -> Piece:
        return replace(self, block=None)


@dataclass
class Cutter:
    """Cuts inputs one after the other; what is wrong with one is put to its name, and the next is taken."""

    kind: Kind | None = None
    """Of every input; None: each tells its own."""
    piece_bytes: int = MAX_BYTES
    max_line: int = MAX_LINE
    fault: Callable[[str], None] = print
    passed_over: Callable[[str], None] = print

    def pieces(self, inputs: Iterable[Input]) -> Iterator[Piece]:
        for number, one in enumerate(inputs):
            try:
                with files.opened(one.name) as file:
                    yield from self._of(number, one, file)
            except HamrongError as error:
                self.fault(str(error))

    def _of(self, number: int, one: Input, file: files.Opened) -> Iterator[Piece]:
        head = _head(file, min(HEAD_BYTES, self.piece_bytes))
        kind = self.kind or tell(head, one.name)
        if kind is None:
            told = self.fault if one.named else self.passed_over
            told(f"{one.name}: {unknown(head)}")
            return
        if file.plain_size is not None and kind is not Kind.JSON:
            yield from self._ranges(number, one, kind, file.plain_size)
            return
        given = itertools.chain([head.removeprefix(BOM)], files.blocks(file.stream, self.piece_bytes))
        if kind is Kind.EVTX:
            for start, chunks in _chunks(given, _evtx_bytes(self.piece_bytes)):
                yield Piece(number, one.name, kind, file.position, start, block=chunks)
            return
        lines = json_array.as_lines(given, one.name) if kind is Kind.JSON else given
        as_lines = Kind.NDJSON if kind is Kind.JSON else kind
        for block, cut in whole_lines(lines, self.max_line):
            yield Piece(number, one.name, as_lines, file.position, block=block, cut=cut)

    def _ranges(self, number: int, one: Input, kind: Kind, size: int) -> Iterator[Piece]:
        start, step = (evtx.HEADER, _evtx_bytes(self.piece_bytes)) if kind is Kind.EVTX else (0, self.piece_bytes)
        for at in range(start, size, step):
            end = min(at + step, size)
            yield Piece(number, one.name, kind, end, at, end)


def load(piece: Piece, max_line: int = MAX_LINE) -> tuple[bytes, int]:
    """The bytes of a piece, and how many of its lines were cut off. Raises OSError."""
    if piece.block is not None:
        return piece.block, piece.cut
    with open(piece.name, "rb") as file:
        if piece.kind is Kind.EVTX:
            file.seek(piece.start)
            return file.read(piece.end - piece.start), 0
        return _range(file, piece.start, piece.end, max_line)


def whole_lines(blocks: Iterable[bytes], max_line: int) -> Iterator[tuple[bytes, int]]:
    """Blocks cut at line ends, and how many lines of each were too long: of those only the beginning is kept."""
    rest: list[bytes] = []
    held = 0
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if not end:
            if held <= max_line:
                rest.append(block)
            held += len(block)
            continue
        first = block.find(b"\n") + 1
        line, cut = _kept(b"".join(rest), held, block[:first], max_line)
        yield line + block[first:end], cut
        rest, held = [block[end:]], len(block) - end
    if held:
        yield _kept(b"".join(rest), held, b"", max_line)


def _kept(begun: bytes, held: int, end: bytes, max_line: int) -> tuple[bytes, int]:
    """A line of which `begun` is kept of `held` bytes; cut when it is too long, its end stays."""
    if held + len(end) <= max_line:
        return begun + end, 0
    return (begun + end)[:max_line] + end[-1:], 1


def _range(file: BinaryIO, start: int, end: int, max_line: int) -> tuple[bytes, int]:
    """The lines that begin in [start, end): the last one is read to its end, wherever that is."""
    # One read, from the byte that tells whether a line begins at `start` to where most lines that begin before `end`
    # have ended: every copy of a piece costs as much as looking through it.
    base = max(start - 1, 0)
    wanted = end - base + min(BEYOND, max_line // 2)
    file.seek(base)
    held = file.read(wanted)
    begin = held.find(b"\n", 0, end - 1 - base) + 1 if start else len(BOM) * held.startswith(BOM)
    if start and not begin:
        return b"", 0
    stop = held.find(b"\n", end - 1 - base) + 1
    if stop or len(held) < wanted:
        return held[begin : stop or len(held)], 0
    block = held[begin:]
    tail = file.readline(max_line)
    last = len(block) - (block.rfind(b"\n") + 1)
    if last + len(tail) <= max_line:
        return block + tail, 0
    return (block + tail)[: len(block) - last + max_line] + b"\n", 1


def _head(file: files.Opened, size: int) -> bytes:
    """The first bytes, up to one that is no blank."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := file.stream.read1(size)):
        head += piece
        if len(head) >= len(BOM) and head.removeprefix(BOM).strip():
            break
    return head


def _chunks(blocks: Iterable[bytes], step: int) -> Iterator[tuple[int, bytes]]:
    """Runs of chunks of an .evtx, each with its place in the file."""
    held = bytearray()
    at = 0
    for block in blocks:
        held += block
        while len(held) >= (step if at else evtx.HEADER):
            taken = step if at else evtx.HEADER
            if at:
                yield at, bytes(held[:taken])
            del held[:taken]
            at += taken
    if at and held:
        yield at, bytes(held)


def _evtx_bytes(piece_bytes: int) -> int:
    """Whole chunks: a record takes four times as many bytes as JSON."""
    return max(piece_bytes // 4 // evtx.CHUNK, 1) * evtx.CHUNK


def piece_bytes(inputs: Iterable[Input], workers: int) -> int:
    """A size that gives every worker several pieces, within bounds."""
    total = sum(one.size or MAX_BYTES * 4 * workers for one in inputs)
    return min(max(total // (4 * workers), MIN_BYTES), MAX_BYTES)


def default_workers() -> int:
    """As many as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
