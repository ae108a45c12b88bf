"""run: a whole scan.

In:   inputs, and what is wanted of them
Out:  matches to a writer, in the order of files, lines and rule ids; alerts; a summary

Time is the events' own: a correlation is decided when all files are read. Its line is the one that completed it; while
its condition goes on to hold it is not told again. Without correlations matches are written as they come.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma.correlate import Firing, episodes
from detectors.sigma.lifecycle import on_trial
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import LEVELS, Correlation, Metadata
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.scan.alerts import Counted
from detectors.sigma.scan.inputs import Input, Kind
from detectors.sigma.scan.matching import Fact, Matching, Result, ToBatch, row_of
from detectors.sigma.scan.output import Match, Writer
from detectors.sigma.scan.pieces import MAX_LINE, Cutter, piece_bytes
from detectors.sigma.scan.workers import in_order
from ingest import files


@dataclass(frozen=True)
class Options:
    readers: Mapping[Kind, ToBatch]
    kind: Kind | None = None
    """Of every input; None: by its content."""
    workers: int = 1
    events: bool = False
    """Keep the events that matched, for the writer."""
    alerts: bool = False
    """Count up alerts."""


@dataclass
class Summary:
    rules: int = 0
    files: int = 0
    events: int = 0
    matches: int = 0
    levels: dict[str, int] = field(default_factory=dict)
    """Matches by level, the worst first."""
    shadow: dict[str, int] = field(default_factory=dict)
    """Those of rules on trial among them."""
    broken_lines: int = 0
    cut_lines: int = 0
    undated: int = 0
    """Matches that no alert could be made of."""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    def reaches(self, level: str) -> bool:
        """Whether something of this level or a worse one matched, of a rule that is on trial no more."""
        worse = LEVELS[LEVELS.index(level) :]
        return any(self.levels.get(one, 0) > self.shadow.get(one, 0) for one in worse)


@dataclass(frozen=True)
class _Origin:
    """Where the rows of a piece lie."""

    name: str
    piece: int
    before: int
    """Lines of the file before the piece."""
    kind: Kind


_Found = tuple[Metadata, _Origin, int, Fact] | tuple[Metadata, _Origin, int, Fact, int]
"""The arguments of `Scan._write`."""


class Scan:
    """One scan; `run` it, then look at `summary` and `alerts`."""

    def __init__(
        self,
        ruleset: Ruleset,
        options: Options,
        writer: Writer,
        tell_fault: Callable[[str], None],
        tell_passed_over: Callable[[str], None],
    ) -> None:
        self.summary = Summary(rules=len(ruleset.rules) + len(ruleset.correlations))
        self.bytes_read = 0
        self._ruleset = ruleset
        self._options = options
        self._writer = writer
        self._tell_fault = tell_fault
        self._tell_passed_over = tell_passed_over
        self._levels: Counter[str] = Counter()
        self._shadow: Counter[str] = Counter()
        self._lines: Counter[int] = Counter()
        """Lines of each file so far."""
        self._origins: dict[int, _Origin] = {}
        """By piece."""
        self._correlates = any(correlation.generate for correlation in ruleset.correlations)
        self._held: list[_Found] = []
        """Matches that wait for those of correlations, so that all come in the order of lines."""
        self._inputs: list[pa.RecordBatch] = []
        self._fed: dict[str, Fact] = {}
        """Events that a correlation counts, by place."""
        self._counted = Counted()
        self._fired: list[dict[str, Any]] = []

    def run(self, inputs: Sequence[Input]) -> Generator[None]:
        """Goes through all inputs; comes back after each piece, for whoever shows how far it is."""
        start = time.perf_counter()
        options = self._options
        matching = Matching(
            self._ruleset, options.readers, events=options.events, alerts=options.alerts, max_line=MAX_LINE
        )
        size = piece_bytes(inputs, options.workers)
        cutter = Cutter(options.kind, size, MAX_LINE, self.fault, self._tell_passed_over)
        ahead = list(itertools.accumulate((one.size or 0 for one in inputs), initial=0))
        with closing(in_order(cutter.pieces(inputs), matching, options.workers)) as results:
            for result in results:
                self._take(result)
                self.bytes_read = ahead[result.piece.file] + result.piece.read
                self.summary.seconds = time.perf_counter() - start
                yield
        self._correlate()
        for match in sorted(self._held, key=lambda match: (match[1].piece, match[2], match[0].id)):
            self._write(*match)
        summary = self.summary
        summary.files = len(inputs)
        summary.levels = {level: self._levels[level] for level in reversed(LEVELS) if self._levels[level]}
        summary.shadow = {level: self._shadow[level] for level in reversed(LEVELS) if self._shadow[level]}
        summary.undated = self._counted.undated
        summary.seconds = time.perf_counter() - start

    def alerts(self) -> Iterator[dict[str, Any]]:
        """Rows of `detectors.raised.ALERT`, when they were asked for."""
        for row in itertools.chain(self._counted.rows(), self._fired):
            yield {**row, "samples": [self._identified(place, event) for place, event in row["samples"]]}

    def fault(self, what: str) -> None:
        self.summary.faults.append(what)
        self._tell_fault(what)

    def _take(self, result: Result) -> None:
        piece, summary = result.piece, self.summary
        origin = self._origins[result.number] = _Origin(piece.name, result.number, self._lines[piece.file], piece.kind)
        for fault in result.faults:
            self.fault(fault)
        summary.events += result.rows - result.broken
        summary.broken_lines += result.broken
        summary.cut_lines += result.cut
        for row, number in result.matches:
            match = self._ruleset.rules[number], origin, row, result.facts[row]
            if self._correlates:
                self._held.append(match)
            else:
                self._write(*match)
        self._lines[piece.file] += result.rows
        for inputs in result.inputs:
            self._inputs.append(inputs)
            for place in set(inputs.column("event_id").to_pylist()):
                self._fed[place] = result.facts[row_of(place)[1]]
        if result.ledger is not None:
            self._ruleset.ledger.join(result.ledger)
        if result.alerts is not None:
            self._counted.join(result.alerts)

    def _write(self, rule: Metadata, origin: _Origin, row: int, fact: Fact, count: int | None = None) -> None:
        self.summary.matches += 1
        self._levels[rule.level] += 1
        self._shadow[rule.level] += on_trial(rule)
        event, line = fact.event, origin.before + row
        if event is not None and origin.kind is Kind.LOG:
            # The parser does not know the line's number, which names the event.
            event = b'{"event.id":"%b",' % files.event_id(origin.name, line).encode() + event[1:]
        # A file's name may be any bytes.
        name = os.fsencode(origin.name).decode("utf-8", "replace")
        self._writer.write(Match(name, line + 1, rule, *fact[:3], event, count))

    def _correlate(self) -> None:
        if not self._inputs:
            return
        completed: list[tuple[str, str, Correlation, Firing]] = []
        found = correlate(self._ruleset.correlations, pa.Table.from_batches(self._inputs))
        for (correlation, group), its in itertools.groupby(found, key=lambda one: one[:2]):
            firings = [firing for *_, firing in its]
            told = episodes(correlation, firings)
            completed += ((firing.event_ids[-1], correlation.id, correlation, firing) for firing in told)
            if self._options.alerts:
                self._fired += self._counted.fired(correlation, group, firings)
        for place, _, correlation, firing in completed:
            number, row = row_of(place)
            self._held.append((correlation, self._origins[number], row, self._fed[place], firing.count))

    def _identified(self, place: str, event: str) -> bytes:
        """A sample with an `event.id`: its own, else that of its line."""
        sample = orjson.loads(event)
        number, row = row_of(place)
        origin = self._origins[number]
        sample.setdefault("event", {}).setdefault("id", files.event_id(origin.name, origin.before + row))
        return orjson.dumps(sample)
