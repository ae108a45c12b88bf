"""files: what stands in a log file, plain or packed.

In:   a path (gzip and zstd too), or the bytes of standard input
Out:  its bytes unpacked, or batches of `ingest.event.RAW`, one row a line in the file's order
Docs: RFC 1952 (gzip), RFC 8878 (zstd)

What a file is packed with is told by its first bytes, never by its name. A line is named by the file and its number, so
that the same file gives the same `event.id`s.
"""

from __future__ import annotations

import datetime
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import xxhash

from hamrong.errors import HamrongError
from ingest.event import RAW, raw

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

BATCH_BYTES = 4 << 20
STDIN = "-"
FAULTS = (OSError, EOFError, zlib.error, ZstdError)
"""What reading a file that is cut, broken or forbidden raises."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
"""After a first byte 0x50-0x5f: a frame of metadata, as parallel packers write one before the data."""


@dataclass(frozen=True)
class Opened:
    """A file that is being read."""

    stream: io.BufferedIOBase
    """The bytes, unpacked."""
    plain_size: int | None
    """Bytes of a regular file that is not packed: any part of it may be read by itself. None of others."""
    _file: BinaryIO

    @property
    def position(self) -> int:
        """How many bytes of the file itself have been read; 0 for what has no position, such as a pipe."""
        return self._file.tell() if self._file.seekable() else 0


def batches(name: str, received: datetime.datetime, batch_bytes: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
    """The lines of the file `name`, or of standard input for "-". Raises HamrongError when it can't be read."""
    number = 0
    with opened(name) as file:
        for lines in _lines(file.stream, batch_bytes):
            yield batch(lines, received, topic(name), number)
            number += len(lines)


def batch(lines: list[bytes], received: datetime.datetime, topic: str, first: int = 0) -> pa.RecordBatch:
    """Lines as RAW, numbered from `first`."""
    rows = len(lines)
    columns = {
        "value": pa.array(lines, pa.binary()),
        "received": pa.repeat(pa.scalar(received, RAW.field("received").type), rows),
        "topic": pa.repeat(pa.scalar(topic), rows),
        "partition": pa.repeat(pa.scalar(0, pa.int32()), rows),
        "offset": pa.array(range(first, first + rows), pa.int64()),
    }
    return raw(rows, columns)


def topic(name: str) -> str:
    """By what the lines of a file are named."""
    return "stdin" if name == STDIN else Path(name).name


def event_id(name: str, number: int) -> str:
    """The `event.id` that `ingest.parse` gives to line `number`, counted from 0, of a batch of this file."""
    return xxhash.xxh3_128_hexdigest(f"{topic(name)}/0/{number}".encode())


def size(name: str) -> int | None:
    """Bytes on the disk of a regular file; None for standard input, a pipe or a device. Raises OSError."""
    if name == STDIN:
        return None
    status = os.stat(name)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@contextmanager
def opened(name: str) -> Iterator[Opened]:
    """The file `name`, or standard input for "-". Raises HamrongError when it can't be opened, or read in between."""
    try:
        with _open(name) as file:
            first = _first(file)
            whole = cast("io.BufferedIOBase", file if file.seekable() else io.BufferedReader(_Rejoined(first, file)))
            if first[:2] == _GZIP:
                with gzip.GzipFile(fileobj=cast("BinaryIO", whole)) as unpacked:
                    yield Opened(unpacked, None, file)
            elif first == _ZSTD or (first[1:] == _ZSTD_SKIPPABLE and first[0] >> 4 == 5):
                with ZstdFile(cast("BinaryIO", whole)) as unpacked:
                    yield Opened(unpacked, None, file)
            else:
                yield Opened(whole, size(name), file)
    except FAULTS as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "name a readable file, plain, gzip or zstd, or - for standard input"
        raise HamrongError(f"{name}: cannot be read: {reason}; {advice}") from error


def blocks(stream: io.BufferedIOBase, size: int) -> Iterator[bytes]:
    """The bytes in blocks of at least `size`; those before a fault are given before it is raised."""
    pieces: list[bytes] = []
    held = 0
    try:
        while piece := stream.read1(size):
            pieces.append(piece)
            held += len(piece)
            if held >= size:
                yield b"".join(pieces)
                pieces, held = [], 0
    except FAULTS:
        yield b"".join(pieces)
        raise
    yield b"".join(pieces)


def _lines(stream: io.BufferedIOBase, batch_bytes: int) -> Iterator[list[bytes]]:
    # A line may go on for many blocks: its parts are joined once, when its end is found.
    rest: list[bytes] = []
    for block in blocks(stream, batch_bytes):
        if b"\n" in block:
            *lines, last = b"".join([*rest, block]).split(b"\n")
            yield lines
            rest = [last]
        else:
            rest.append(block)
    if last := b"".join(rest):
        yield [last]


@contextmanager
def _open(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
    else:
        with open(name, "rb") as file:
            yield file


def _first(file: BinaryIO) -> bytes:
    """The first four bytes, given back where the file can be wound back."""
    if file.seekable():
        start = file.tell()
        first = file.read(4)
        file.seek(start)
        return first
    return file.read(4)


class _Rejoined(io.RawIOBase):
    """A stream with its first bytes before it again."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = cast("io.BufferedReader", rest)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece, self._first = self._first[: len(buffer)], self._first[len(buffer) :]
        piece = piece or self._rest.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
