"""matching: one piece through the matcher.

In:   a `Piece`, and its number
Out:  a `Result`: what the parent process needs of it, and no more, since it goes through a pipe
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from detectors.sigma.budget import Ledger
from detectors.sigma.ndjson import read
from detectors.sigma.objects import Objects
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.scan import evtx
from detectors.sigma.scan.alerts import Counted, counted
from detectors.sigma.scan.ecs import WHEN, WHO, View
from detectors.sigma.scan.inputs import Kind
from detectors.sigma.scan.pieces import Piece, load
from ingest.event import TEXT, to_documents

MAX_ROWS = 50_000
"""Lines that are matched at once."""

Batch: TypeAlias = "pa.RecordBatch | Objects"
ToBatch = Callable[[bytes], tuple[Batch, list[int]]]
"""A block of whole lines -> their events, a row a line, and which lines are no events."""


class Fact(NamedTuple):
    """What is told of an event that matched."""

    when: datetime | None
    host: str | None
    user: str | None
    event: bytes | None = None
    """As JSON, when it is asked for."""


@dataclass
class Result:
    number: int
    piece: Piece
    """Without its bytes."""
    rows: int = 0
    broken: int = 0
    cut: int = 0
    faults: list[str] = field(default_factory=list)
    matches: list[tuple[int, int]] = field(default_factory=list)
    """Row and number of the rule, of rules that are shown."""
    facts: dict[int, Fact] = field(default_factory=dict)
    """By row."""
    inputs: list[pa.RecordBatch] = field(default_factory=list)
    """What correlations count; each event is named by `place`."""
    alerts: Counted | None = None
    ledger: Ledger | None = None
    """What the rules cost."""


def to_batch(block: bytes) -> tuple[Batch, list[int]]:
    """JSON lines."""
    return read(block)


def place(number: int, row: int) -> str:
    """The name of an event: sorts as the events lie in the files."""
    return f"{number:010d}-{row:010d}"


def row_of(place: str) -> tuple[int, int]:
    """The number of the piece, and the row in it."""
    number, _, row = place.partition("-")
    return int(number), int(row)


class Matching:
    """What a worker does. Made before the processes part, so that they share the rules."""

    def __init__(
        self,
        ruleset: Ruleset,
        readers: Mapping[Kind, ToBatch],
        *,
        events: bool = False,
        alerts: bool = False,
        max_line: int,
    ) -> None:
        self._ruleset = ruleset
        self._readers = readers
        self._events = events
        self._alerts = alerts
        self._max_line = max_line
        self._view = View(ruleset.taxonomy)
        self._shown = np.array([rule.generate for rule in ruleset.rules], bool)
        self._correlates = any(correlation.generate for correlation in ruleset.correlations)

    def __call__(self, number: int, piece: Piece) -> Result:
        result = Result(number, piece.without_bytes())
        try:
            block, result.cut = load(piece, self._max_line)
        except OSError as error:
            result.faults.append(f"{piece.name}: cannot be read: {error.strerror}")
            return result
        if piece.kind is Kind.EVTX:
            block, faults = evtx.lines(block, (piece.start - evtx.HEADER) // evtx.CHUNK)
            result.faults += (f"{piece.name}: {fault}" for fault in faults)
        if block:
            for first, part in _parts(block):
                self._match(part, first, result)
            result.ledger = self._ruleset.ledger.take()
        return result

    def _match(self, block: bytes, first: int, result: Result) -> None:
        """A part of the piece, whose rows begin with `first`."""
        kind = result.piece.kind
        batch, broken = self._readers[kind](block)
        result.rows += batch.rows if isinstance(batch, Objects) else batch.num_rows
        result.broken += len(broken)
        matches = self._ruleset.match(batch)
        if broken:
            # A rule that asks for a field to be missing would fire on what is no event at all.
            matches = matches.filter(pc.invert(pc.is_in(matches["row"], pa.array(broken, pa.int32()))))
        rows, rules = (matches[name].to_numpy() for name in ("row", "rule"))
        if not len(rows):
            return
        shown = self._shown[rules]
        result.matches += zip((rows[shown] + first).tolist(), rules[shown].tolist(), strict=True)
        matched, inverse = np.unique(rows, return_inverse=True)
        events = _some(batch, matched)
        if kind is not Kind.LOG:
            events = self._view.dated(events)
        facts = self._facts(events, matched, None if kind is Kind.LOG else block)
        result.facts |= zip((matched + first).tolist(), facts, strict=True)
        places = [place(result.number, row) for row in (matched + first).tolist()]
        if self._correlates:
            named = self._named(events, places).take(pa.array(inverse))
            result.inputs.append(self._ruleset.correlation_inputs(self._ruleset.matched_ids(matches), named))
        if self._alerts:
            whole = events if kind is Kind.LOG else self._view.events(events)
            renumbered = pa.RecordBatch.from_arrays(
                [pa.array(inverse.astype(np.int32)), matches["rule"]], schema=matches.schema
            )
            its = counted(whole, renumbered, self._ruleset.rules, places, self._correlates)
            result.alerts = result.alerts or Counted()
            result.alerts.join(its)

    def _facts(self, events: pa.RecordBatch, rows: np.ndarray, block: bytes | None) -> Iterable[Fact]:
        told = [self._view.column(events, name).to_pylist() for name in (WHEN, *WHO)]
        written: Iterable[bytes | None] = itertools.repeat(None, len(rows))
        if self._events:
            written = map(orjson.dumps, to_documents(events)) if block is None else map(_json, _lines(block, rows))
        return map(Fact._make, zip(*told, written, strict=True))

    def _named(self, events: pa.RecordBatch, places: list[str]) -> pa.RecordBatch:
        named = dict(zip(events.schema.names, events.columns, strict=True))
        return pa.RecordBatch.from_pydict({**named, "event.id": pa.array(places, TEXT)})


def _parts(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Parts of at most MAX_ROWS lines, each with the number of its first: a block may be all empty objects."""
    if block.count(b"\n") <= MAX_ROWS:
        yield 0, block
        return
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))[MAX_ROWS - 1 :: MAX_ROWS] + 1
    for number, (start, end) in enumerate(itertools.pairwise([0, *ends.tolist(), len(block)])):
        if start < end:
            yield number * MAX_ROWS, block[start:end]


def _some(batch: Batch, rows: np.ndarray) -> pa.RecordBatch:
    return batch.batch(rows) if isinstance(batch, Objects) else batch.take(pa.array(rows))


def _lines(block: bytes, rows: np.ndarray) -> list[bytes]:
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    starts = np.concatenate(([0], ends + 1))
    return [block[starts[row] : ends[row] if row < len(ends) else len(block)] for row in rows.tolist()]


def _json(line: bytes) -> bytes:
    """The line itself; what only a lenient reader takes for JSON, as a text."""
    line = line.strip()
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return orjson.dumps(line.decode("utf-8", "replace"))
    return line
