"""files: the lines of a log file as raw batches.

In:   a path (gzip too), or the bytes of standard input
Out:  batches of `ingest.event.RAW`, one row a line in the file's order

A line is named by the file and its number, so that the same file gives the same `event.id`s.
"""

from __future__ import annotations

import datetime
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import pyarrow as pa

from hamrong.errors import HamrongError
from ingest.event import RAW, raw

BATCH_BYTES = 4 << 20
GZIP_MAGIC = b"\x1f\x8b"


def batches(name: str, received: datetime.datetime, batch_bytes: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
    """The lines of the file `name`, or of standard input for "-". Raises HamrongError when it can't be read."""
    number = 0
    with _opened(name) as stream:
        for lines in _lines(stream, batch_bytes):
            yield batch(lines, received, "stdin" if name == "-" else Path(name).name, number)
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


def _lines(stream: BufferedIOBase, batch_bytes: int) -> Iterator[list[bytes]]:
    rest = b""
    for block in _blocks(stream, batch_bytes):
        *lines, rest = (rest + block).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]


def _blocks(stream: BufferedIOBase, size: int) -> Iterator[bytes]:
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
    except (OSError, EOFError):
        yield b"".join(pieces)
        raise
    yield b"".join(pieces)


@contextmanager
def _opened(name: str) -> Iterator[BufferedIOBase]:
    try:
        with open(sys.stdin.fileno() if name == "-" else name, "rb", closefd=name != "-") as file:
            if file.peek(2)[:2] == GZIP_MAGIC:
                with gzip.open(file) as unpacked:
                    yield unpacked
            else:
                yield file
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "name a log file, gzip or not, or - for standard input"
        raise HamrongError(f"{name}: cannot be read: {reason}; {advice}") from error
