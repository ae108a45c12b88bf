"""scan: a rule set over lines of a file.

In:   lines, and how a batch is made of them
Out:  one JSON object a match, by line and then rule id; a summary

A correlation's line is the one that completed it; while its condition goes on to hold it is not told again.
"""

from __future__ import annotations

import gzip
import io
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, BinaryIO, cast

import numpy as np
import orjson
import pyarrow as pa

from detectors.sigma.correlate import episodes
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import Metadata
from detectors.sigma.ruleset import Ruleset

BATCH = 10_000
BATCH_BYTES = 64 << 20
MAX_LINE = 16 << 20
"""Bytes of a line that are kept; the rest is cut off and counted."""

ToBatch = Callable[[list[bytes], int], tuple[pa.RecordBatch, int]]
"""Lines and the number of the first -> a flat batch, row for row, and how many lines were no events."""


@dataclass
class Summary:
    events: int = 0
    rules: int = 0
    matches: int = 0
    broken_lines: int = 0
    cut_lines: int = 0
    load_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    def to_json(self) -> bytes:
        written = {**asdict(self), "events_per_second": self.events_per_second}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in written.items()}
        return orjson.dumps(rounded, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def __str__(self) -> str:
        text = (
            f"{self.events:,} events, {self.rules:,} rules, {self.matches:,} matches in {self.seconds:.2f} s "
            f"({self.events_per_second:,.0f} events/s; rules loaded in {self.load_seconds:.2f} s)"
        )
        faults = [(self.broken_lines, "no event"), (self.cut_lines, f"longer than {MAX_LINE >> 20} MiB, cut")]
        return "; ".join([text, *(f"{count:,} lines were {what}" for count, what in faults if count)])


@contextmanager
def open_lines(name: str) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked when they are gzip; `-` is standard input. Raises OSError."""
    if name == "-":
        yield _unpacked(cast("io.BufferedReader", sys.stdin.buffer))
    else:
        with open(name, "rb") as file:
            yield _unpacked(file)


def _unpacked(file: io.BufferedReader) -> IO[bytes]:
    packed = file.peek(2)[:2] == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file


def scan(ruleset: Ruleset, file: IO[bytes], to_batch: ToBatch, out: BinaryIO) -> Summary:
    """Writes the matches of every line of `file` to `out`."""
    start = time.perf_counter()
    told: list[Metadata] = [*ruleset.rules, *ruleset.correlations]
    heads = [_head(one) for one in told]
    shown = np.array([rule.generate for rule in ruleset.rules], bool)
    waits = any(correlation.generate for correlation in ruleset.correlations)
    summary = Summary(rules=len(told))
    found: list[tuple[list[int], list[int]]] = []
    inputs: list[pa.RecordBatch] = []
    for first, lines in _batches(_lines(file, summary)):
        batch, broken = to_batch(lines, first)
        summary.events += batch.num_rows - broken
        summary.broken_lines += broken
        matches = ruleset.match(batch)
        rows, rules = matches["row"].to_numpy(), matches["rule"].to_numpy()
        if waits:
            inputs.append(_inputs(ruleset, batch, matches, first))
        visible = shown[rules] if len(rules) else np.zeros(0, bool)
        one = (rows[visible] + first).tolist(), rules[visible].tolist()
        if waits:
            found.append(one)
        else:
            summary.matches += _write(out, heads, zip(*one, strict=True))
    if waits:
        pairs = itertools.chain.from_iterable(zip(*one, strict=True) for one in found)
        fired = _fired(ruleset, pa.Table.from_batches(inputs)) if inputs else []
        ordered = sorted([*pairs, *fired], key=lambda pair: (pair[0], told[pair[1]].id))
        summary.matches = _write(out, heads, ordered)
    out.flush()
    summary.seconds = time.perf_counter() - start
    return summary


def _head(rule: Metadata) -> bytes:
    """A match's JSON after its line number."""
    return orjson.dumps({"rule": rule.id, "title": rule.title, "level": rule.level})[1:] + b"\n"


def _write(out: BinaryIO, heads: list[bytes], pairs: Iterable[tuple[int, int]]) -> int:
    written = [b'{"line":%d,%b' % (line, heads[rule]) for line, rule in pairs]
    out.write(b"".join(written))
    return len(written)


def _lines(file: IO[bytes], summary: Summary) -> Iterator[bytes]:
    """Lines without their end; of an endless one, its beginning."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            summary.cut_lines += 1
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        yield line.rstrip(b"\r\n")


def _batches(lines: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Lists of lines, each with the number of its first; long lines come fewer at once."""
    first, size = 1, 0
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield first, batch
            first, size, batch = first + len(batch), 0, []
    if batch:
        yield first, batch


def _inputs(ruleset: Ruleset, batch: pa.RecordBatch, matches: pa.RecordBatch, first: int) -> pa.RecordBatch:
    """What correlations count of a batch, each event named by its line."""
    rows = matches["row"].to_numpy()
    events = batch.take(pa.array(rows))
    names = pa.array([f"{row + first:012d}" for row in rows.tolist()], pa.string())
    kept = [name for name in events.schema.names if name != "event.id"]
    named = pa.RecordBatch.from_arrays([*(events[name] for name in kept), names], names=[*kept, "event.id"])
    return ruleset.correlation_inputs(ruleset.matched_ids(matches), named)


def _fired(ruleset: Ruleset, inputs: pa.Table) -> list[tuple[int, int]]:
    """Line and number of each correlation's episodes."""
    numbers = {one.id: at for at, one in enumerate(ruleset.correlations, len(ruleset.rules))}
    fired = itertools.groupby(correlate(ruleset.correlations, inputs), key=lambda found: found[:2])
    return [
        (int(firing.event_ids[-1]), numbers[correlation.id])
        for (correlation, _), group in fired
        for firing in episodes(correlation, (found[2] for found in group))
    ]
