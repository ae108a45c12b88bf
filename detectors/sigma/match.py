"""match: a batch of events through the rules of their log sources.

In:   a flat Arrow batch
Out:  row and rule of each match, by row and then rule
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from detectors.sigma.columns import Column, Columns
from detectors.sigma.expression import Atom, Atoms, Field, Node
from detectors.sigma.keywords import Keywords
from detectors.sigma.program import Compiled, Numbers, Program
from detectors.sigma.rule import LogSource
from detectors.sigma.scanner import PairScanner, Scanner
from detectors.sigma.taxonomy import STATED, Membership, Taxonomy

SCHEMA = pa.schema([("row", pa.int32()), ("rule", pa.int32())])
ORIGINAL = ("event.original",)

MEMORY_BYTES = 256 << 20
"""What all scanners together may remember before they start anew: flat memory under ever-new values."""
MAX_SIGNATURES = 1 << 20
MAX_PROGRAMS = 500
"""Real events are of some fifty kinds; one may state any product and category it likes."""


class Matcher:
    """Not for two threads at once."""

    def __init__(
        self, rules: Sequence[tuple[Node, LogSource]], atoms: Atoms, taxonomy: Taxonomy, cache: Path | None = None
    ) -> None:
        self._taxonomy = taxonomy
        self._atoms = atoms
        self._by_source: dict[LogSource, list[Compiled]] = {}
        for number, (node, source) in enumerate(rules):
            self._by_source.setdefault(source, []).append(Compiled(number, node))
        self._programs: dict[tuple[LogSource, ...], Program] = {}
        self._by_membership: dict[Membership, Program] = {}
        self._scanners: list[Scanner | PairScanner] = []
        for field, numbers in zip(atoms.fields, atoms.by_field, strict=True):
            self._scanners.append(_scanner(field, [(number, atoms.all[number]) for number in numbers], cache))

    def compile(self) -> None:
        """Compiles, or reads from the cache, what would else be compiled at first use; on every core."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            scanners = [scanner for scanner in self._scanners if isinstance(scanner, Scanner)]
            list(pool.map(Scanner.compile, scanners))

    def match(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self._bound_memory()
        reading = _Reading(Columns(batch), self._atoms, self._scanners)
        codes, memberships = self._taxonomy.memberships(reading.columns)
        groups = [
            (self._program(membership), np.flatnonzero(codes == number).astype(np.int32))
            for number, membership in enumerate(memberships)
        ]
        for program, rows in groups:
            for field in program.fields:
                reading.want(field, rows)
        reading.read()
        found_rows, found_rules = [], []
        for program, rows in groups:
            signatures = [reading.signatures(field, rows) for field in program.fields]
            sets = [self._scanners[field].sets for field in program.fields]
            at, rules = program.match(len(rows), signatures, sets)
            found_rows.append(rows[at])
            found_rules.append(rules)
        rows = np.concatenate(found_rows) if found_rows else np.zeros(0, np.int32)
        rules = np.concatenate(found_rules) if found_rules else np.zeros(0, np.int32)
        order = np.lexsort((rules, rows))
        return pa.RecordBatch.from_arrays([pa.array(rows[order]), pa.array(rules[order])], schema=SCHEMA)

    def _program(self, membership: Membership) -> Program:
        found = self._by_membership.get(membership)
        if found is None:
            if len(self._by_membership) > MAX_PROGRAMS:
                self._by_membership.clear()
            sources = tuple(source for source in self._by_source if membership.fits(source))
            if len(self._programs) > MAX_PROGRAMS:
                self._programs.clear()
            if sources not in self._programs:
                rules = [rule for source in sources for rule in self._by_source[source]]
                self._programs[sources] = Program(rules, self._cost)
            found = self._by_membership[membership] = self._programs[sources]
        return found

    def _cost(self, atom: int) -> float:
        return rarity(self._atoms.all[atom])

    def _bound_memory(self) -> None:
        scanners = [scanner for scanner in self._scanners if isinstance(scanner, Scanner)]
        too_much = sum(scanner.bytes for scanner in scanners) > MEMORY_BYTES
        if too_much or sum(len(scanner.sets) for scanner in scanners) > MAX_SIGNATURES:
            for scanner in scanners:
                scanner.forget()
            for program in self._programs.values():
                program.forget()


def rarity(atom: Atom) -> float:
    """How often an atom may hold, guessed from its form: what is long and whole is rare."""
    length = len(str(atom.value))
    match atom.test.removeprefix("cased_"):
        case "equals":
            return 0.3 / (1 + length)
        case "contains" | "startswith" | "endswith":
            return max(0.9**length * 0.5, 0.002)
        case "wildcard" | "regex" | "regex_re2" | "cidr":
            return 0.05
        case "number":
            return 0.1
        case "null":
            return 1.0
    return 0.3


def _scanner(field: Field, atoms: Sequence[tuple[int, Atom]], cache: Path | None) -> Scanner | PairScanner:
    if field.is_keywords:
        return Keywords(atoms, cache)
    return PairScanner(atoms) if field.other else Scanner(atoms, cache)


class _Reading:
    """The signatures of one batch, computed for the rows that want them."""

    def __init__(self, columns: Columns, atoms: Atoms, scanners: Sequence[Scanner | PairScanner]) -> None:
        self.columns = columns
        self._atoms = atoms
        self._scanners = scanners
        self._wanted: dict[int, list[Numbers]] = {}
        self._signatures: dict[int, Numbers] = {}

    def want(self, field: int, rows: Numbers) -> None:
        self._wanted.setdefault(field, []).append(rows)

    def read(self) -> None:
        """Keywords come last: they go through columns faster that others had encoded."""
        for field in sorted(self._wanted, key=lambda field: self._atoms.fields[field].is_keywords):
            wanted = self._wanted[field]
            rows = wanted[0] if len(wanted) == 1 else np.concatenate(wanted)
            signatures = self._read(self._scanners[field], self._atoms.fields[field], rows)
            if signatures is not None:
                self._signatures[field] = signatures

    def signatures(self, field: int, rows: Numbers) -> Numbers | None:
        """One a row; None when nothing holds in any."""
        found = self._signatures.get(field)
        return None if found is None else found[rows]

    def _read(self, scanner: Scanner | PairScanner, what: Field, rows: Numbers) -> Numbers | None:
        """One signature a row of the batch; those of rows that nobody wants may be anything."""
        if isinstance(scanner, PairScanner):
            return self._pairs(scanner, self.columns.column(what.columns), self.columns.column(what.other), rows)
        if isinstance(scanner, Keywords):
            return self._keywords(scanner, rows)
        if self.columns.there(what.columns):
            return self._plain(scanner, what.columns, rows)
        return np.full(self.columns.rows, scanner.missing, np.int32) if scanner.missing else None

    def _plain(self, scanner: Scanner, names: tuple[str, ...], rows: Numbers) -> Numbers:
        part = self.columns.part(names, rows)
        if part is not None:
            signatures = np.zeros(self.columns.rows, np.int32)
            signatures[rows] = _scanned(scanner, part)
            return signatures
        column = self.columns.column(names)
        assert column is not None
        return _scanned(scanner, column)

    def _pairs(self, scanner: PairScanner, one: Column | None, other: Column | None, rows: Numbers) -> Numbers | None:
        """Each pair of values is compared once, however many rows have it."""
        if one is None or other is None:
            return None
        signatures = np.zeros(self.columns.rows, np.int32)
        if one.offsets is not None or other.offsets is not None:
            for row in rows:
                signatures[row] = scanner.signature(one.of_row(row), other.of_row(row))
            return signatures
        rows = rows[(one.codes[rows] < len(one.dictionary)) & (other.codes[rows] < len(other.dictionary))]
        pairs = one.codes[rows].astype(np.int64) * len(other.dictionary) + other.codes[rows]
        distinct, inverse = np.unique(pairs, return_inverse=True)
        texts = zip(
            one.texts((distinct // len(other.dictionary)).astype(np.int32)),
            other.texts((distinct % len(other.dictionary)).astype(np.int32)),
            strict=True,
        )
        found = [scanner.signature([text], [refers]) for text, refers in texts]
        signatures[rows] = np.array(found, np.int32)[inverse]
        return signatures

    def _keywords(self, scanner: Keywords, rows: Numbers) -> Numbers:
        """The raw line says it all; an event without one is searched value by value."""
        signatures = np.zeros(self.columns.rows, np.int32)
        original = self.columns.column(ORIGINAL)
        if original is not None:
            signatures = self._plain(scanner, ORIGINAL, rows)
            rows = rows[original.codes[rows] == len(original.dictionary)]
            signatures[rows] = 0
        if len(rows):
            columns = self.columns if len(rows) == self.columns.rows else self.columns.take(rows)
            found: dict[int, set[int]] = {}
            for name in columns.names:
                if name not in STATED:
                    for row, signature in _holding(scanner, columns.text(name)):
                        found.setdefault(row, set()).add(signature)
            for row, held in found.items():
                signatures[rows[row]] = scanner.union(tuple(sorted(held)))
        return signatures


def _holding(scanner: Keywords, texts: pa.Array | Column | None) -> Iterator[tuple[int, int]]:
    """Row and signature wherever a keyword is in a column."""
    if isinstance(texts, Column):
        codes = scanner.candidates(texts.dictionary).astype(np.int32)
        if not len(codes):
            return
        for code, signature in zip(codes, scanner.scan(texts.texts(codes)).tolist(), strict=True):
            if signature:
                yield from ((row, signature) for row in texts.rows(code).tolist())
    elif texts is not None:
        at = scanner.candidates(texts)
        if not len(at):
            return
        values = list(texts.take(pa.array(at)).to_numpy(zero_copy_only=False))
        yield from zip(at.tolist(), scanner.scan(values).tolist(), strict=True)


def _scanned(scanner: Scanner, column: Column) -> Numbers:
    """The signature of each row."""
    size = len(column.dictionary)
    signatures = np.full(size + 1, scanner.missing, np.int32)
    signatures[:size] = scanner.scan(column.texts())
    if column.offsets is None:
        return signatures[column.codes]
    return _unions(scanner, signatures[column.codes], column.codes < size, column.offsets)


def _unions(scanner: Scanner, elements: Numbers, present: np.ndarray, offsets: Numbers) -> Numbers:
    """Lists: an atom holds if it does for one element; a list without elements is missing."""
    signatures = np.full(len(offsets) - 1, scanner.missing, np.int32)
    for row, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        if end > start:
            held = set(elements[start:end][present[start:end]].tolist())
            if held:
                signatures[row] = held.pop() if len(held) == 1 else scanner.union(tuple(sorted(held)))
    return signatures
