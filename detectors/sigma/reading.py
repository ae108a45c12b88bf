"""reading: what the rules of one batch want to know of its events.

In:   columns of Arrow, or JSON objects; the fields that programs look at, and for which rows
Out:  a signature a row for each field (`scanner`)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from detectors.sigma.columns import STATED, Column, Columns
from detectors.sigma.expression import Atoms
from detectors.sigma.keywords import Keywords
from detectors.sigma.line_search import LineSearch
from detectors.sigma.objects import Chosen, Objects
from detectors.sigma.program import Numbers
from detectors.sigma.scanner import PairScanner, Scanner

MAX_ONE_BY_ONE = 50
"""JSON events whose values are tested at once; those of more are worth a search first."""
NONE = np.zeros(0, np.int32)


class Reading:
    """The signatures of one batch, computed for the rows that want them."""

    def __init__(
        self,
        columns: Columns | Objects,
        atoms: Atoms,
        scanners: Sequence[Scanner | PairScanner],
        search: LineSearch,
    ) -> None:
        self.columns = columns
        self._atoms = atoms
        self._scanners = scanners
        self._search = search
        self._wanted: dict[int, list[Numbers]] = {}
        self._shapes: dict[int, Chosen] = {}
        self._signatures: dict[int, Numbers] = {}

    def want(self, fields: Iterable[int], rows: Numbers) -> None:
        shapes = self.columns.shapes(rows) if isinstance(self.columns, Objects) else None
        for field in fields:
            self._wanted.setdefault(field, []).append(rows)
            if shapes is not None:
                earlier = self._shapes.get(field)
                self._shapes[field] = shapes if earlier is None else earlier | shapes

    def read(self) -> None:
        """Keywords come last: they go through columns faster that others had encoded."""
        keywords = [field for field in self._wanted if self._atoms.fields[field].is_keywords]
        for field in self._wanted.keys() - set(keywords):
            self._keep(field, self._read(field))
        if keywords:
            self._search.extend({field: self._keyword_scanner(field) for field in keywords})
            self._read_keywords(keywords)

    def _rows(self, field: int) -> Numbers:
        """In order, whatever log sources they are of."""
        wanted = self._wanted[field]
        return wanted[0] if len(wanted) == 1 else np.sort(np.concatenate(wanted))

    def _keep(self, field: int, signatures: Numbers | None) -> None:
        if signatures is not None:
            self._signatures[field] = signatures

    def _keyword_scanner(self, field: int) -> Keywords:
        scanner = self._scanners[field]
        assert isinstance(scanner, Keywords)
        return scanner

    def _read_keywords(self, fields: list[int]) -> None:
        """The raw line says it all; an event without one is searched value by value."""
        if isinstance(self.columns, Objects):
            objects = self.columns
            for field, rows in self._holding(objects.block, objects.rows, objects.ends):
                self._keep(field, _of_objects(self._keyword_scanner(field), objects, rows))
            return
        original, without = self.columns.original()
        if original is not None:
            for field in fields:
                self._read_common(field, original)
            memory, last = _memory(original)
            for field, rows in self._holding(memory, len(original), lambda: last):
                rows = rows[~without[rows]]
                values = list(original.take(pa.array(rows)).to_numpy(zero_copy_only=False))
                signatures = self._signatures.setdefault(field, np.zeros(len(original), np.int32))
                signatures[rows] = self._keyword_scanner(field).scan(values)
        if without.any():
            self._read_values(fields, self.columns, without)

    def _read_values(self, fields: list[int], columns: Columns, without: np.ndarray) -> None:
        """Of events without a raw line: each column is searched once, for all keywords."""
        found: dict[int, list[tuple[int, int]]] = {field: [] for field in fields}
        for name in columns.names:
            texts = columns.text(name) if name not in STATED else None
            values = texts.dictionary if isinstance(texts, Column) else texts
            if values is None or not len(values):
                continue
            memory, last = _memory(values)
            holding = self._search.lines(memory, len(values), partial(np.asarray, last))
            for field in fields:
                scanner = self._keyword_scanner(field)
                if field in holding or scanner.has_common:
                    at, signatures = _in_values(scanner, values, holding.get(field, NONE))
                    found[field] += _places(texts, at, signatures)
        for field, its in found.items():
            wanted = np.zeros(columns.rows, bool)
            wanted[self._rows(field)] = True
            wanted &= without
            scanner = self._keyword_scanner(field)
            mine = _by_row(scanner, columns.rows, (one for one in its if wanted[one[0]]))
            earlier = self._signatures.get(field)
            self._keep(field, mine if earlier is None else np.where(without, mine, earlier))

    def _read_common(self, field: int, texts: pa.Array) -> None:
        scanner = self._keyword_scanner(field)
        if scanner.has_common:
            rows = self._rows(field)
            signatures = np.zeros(len(texts), np.int32)
            signatures[rows] = scanner.common(texts if len(rows) == len(texts) else texts.take(pa.array(rows)))
            self._keep(field, signatures)

    def _holding(
        self, memory: bytes | pa.Buffer, count: int, last: Callable[[], np.ndarray]
    ) -> Iterator[tuple[int, Numbers]]:
        """Keyword fields, and the rows among those which want them that may hold one."""
        for field, lines in self._search.lines(memory, count, last).items():
            rows = np.intersect1d(self._rows(field), lines.astype(np.int32)) if field in self._wanted else NONE
            if len(rows):
                yield field, rows

    def signatures(self, field: int, rows: Numbers) -> Numbers | None:
        """One a row; None when nothing holds in any."""
        found = self._signatures.get(field)
        return None if found is None else found[rows]

    def _read(self, field: int) -> Numbers | None:
        """One signature a row of the batch; those of rows that nobody wants may be anything."""
        scanner, what, rows = self._scanners[field], self._atoms.fields[field], self._rows(field)
        if isinstance(scanner, PairScanner):
            return self._pairs(scanner, self.columns.column(what.columns), self.columns.column(what.other), rows)
        if self.columns.there(what.columns):
            if isinstance(self.columns, Objects):
                return _plain_objects(scanner, self.columns, what.columns, self._shapes[field])
            return _plain(scanner, self.columns, what.columns, rows)
        return np.full(self.columns.rows, scanner.missing, np.int32) if scanner.missing else None

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


def _plain(scanner: Scanner, columns: Columns, names: tuple[str, ...], rows: Numbers) -> Numbers:
    part = columns.part(names, rows)
    if part is not None:
        signatures = np.zeros(columns.rows, np.int32)
        signatures[rows] = _scanned(scanner, part)
        return signatures
    column = columns.column(names)
    assert column is not None
    return _scanned(scanner, column)


def _plain_objects(scanner: Scanner, objects: Objects, names: tuple[str, ...], shapes: Chosen) -> Numbers:
    if not objects.is_encoded(names):
        found = objects.texts(objects.there(names), shapes)
        if not found.several:
            signatures = np.full(objects.rows, scanner.missing, np.int32)
            signatures[found.rows] = scanner.scan(found.texts)
            return signatures
    column = objects.column(names)
    assert column is not None
    return _scanned(scanner, column)


def _of_objects(scanner: Keywords, objects: Objects, rows: Numbers) -> Numbers:
    texts = [objects.values(row) for row in rows.tolist()]
    values, of_row = list(itertools.chain.from_iterable(texts)), np.repeat(rows, list(map(len, texts)))
    if len(rows) > MAX_ONE_BY_ONE:
        at = scanner.candidates(pa.array(values, pa.string()))
        values, of_row = [values[value] for value in at.tolist()], of_row[at]
    return _by_row(scanner, objects.rows, zip(of_row.tolist(), scanner.scan(values).tolist(), strict=True))


def _by_row(scanner: Keywords, count: int, found: Iterable[tuple[int, int]]) -> Numbers:
    """One signature a row, of those of its values."""
    held: dict[int, set[int]] = {}
    for row, signature in found:
        if signature:
            held.setdefault(row, set()).add(signature)
    signatures = np.zeros(count, np.int32)
    for row, together in held.items():
        signatures[row] = scanner.union(tuple(sorted(together)))
    return signatures


def _memory(texts: pa.Array) -> tuple[pa.Buffer | bytes, np.ndarray]:
    """The bytes of a string column in one piece, and where in them the last byte of each value is."""
    _, ends, memory = texts.buffers()
    offsets = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    piece = b"" if memory is None else memory[int(offsets[0]) : int(offsets[-1])]
    return piece, offsets[1:] - offsets[0] - 1


def _in_values(scanner: Keywords, values: pa.Array, at: np.ndarray) -> tuple[np.ndarray, Numbers]:
    """Which values hold a keyword, of those at `at` any and of all a common one; and their signatures."""
    signatures = scanner.common(values) if scanner.has_common else np.zeros(len(values), np.int32)
    if values.null_count:
        at = at[values.is_valid().to_numpy(zero_copy_only=False)[at]]
    if len(at):
        signatures[at] = scanner.scan(list(values.take(pa.array(at)).to_numpy(zero_copy_only=False)))
    holding = np.flatnonzero(signatures)
    return holding, signatures[holding]


def _places(texts: pa.Array | Column | None, at: np.ndarray, signatures: Numbers) -> Iterator[tuple[int, int]]:
    """Row and signature, where values of a column have one."""
    if not isinstance(texts, Column):
        yield from zip(at.tolist(), signatures.tolist(), strict=True)
        return
    for code, signature in zip(at.astype(np.int32), signatures.tolist(), strict=True):
        yield from ((row, signature) for row in texts.rows(np.array([code])).tolist())


def _scanned(scanner: Scanner, column: Column) -> Numbers:
    """The signature of each row."""
    size = len(column.dictionary)
    signatures = np.full(size + 1, scanner.missing, np.int32)
    signatures[:size] = scanner.scan(column.texts())
    if column.offsets is None:
        return signatures[column.codes]
    return _unions(scanner, signatures[column.codes], column.codes < size, column.offsets)


def _union(scanner: Scanner, signatures: Numbers) -> int:
    """The signature of all these values together."""
    held = sorted(set(signatures.tolist()))
    return held[0] if len(held) == 1 else scanner.union(tuple(held))


def _unions(scanner: Scanner, elements: Numbers, present: np.ndarray, offsets: Numbers) -> Numbers:
    """Lists: an atom holds if it does for one element; a list without elements is missing."""
    signatures = np.full(len(offsets) - 1, scanner.missing, np.int32)
    # Without the elements that are null.
    ends = np.concatenate(([0], np.cumsum(present)))[offsets]
    elements, starts, lengths = elements[present], ends[:-1], np.diff(ends)
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        # Many rows have the same list, as of categories.
        lists = np.sort(elements[starts[rows][:, None] + np.arange(length)], axis=1)
        distinct, inverse = np.unique(lists, axis=0, return_inverse=True)
        signatures[rows] = np.array([_union(scanner, one) for one in distinct], np.int32)[inverse.ravel()]
    return signatures
