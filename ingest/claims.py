"""claims: which rows each of many patterns is the first to match, and what its groups caught.

In:   a column of text; patterns
Out:  rows, and columns by dotted name
Docs: RE2 syntax; Arrow compute, extract_regex

Of many patterns one automaton says which a row is of; of few, each runs over the rows still open that start with its
literal prefix. Arrow then takes the groups out, a column at a time; of a few rows each is matched by itself, since
Arrow compiles a pattern anew for every call.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import re2

from ingest.columns import Rows, is_true, is_valid
from ingest.event import TEXT, Columns

FEW = 32
"""Rows up to which Arrow's calls as such cost more than matching each row in Python."""

MANY = 4
"""Patterns from which on one automaton of them all costs less than one after the other."""


class Pattern:
    """A whole-text RE2 expression and the literal that every match begins with."""

    def __init__(self, expression: str) -> None:
        self.regex = f"(?s)^(?:{expression})$"
        compiled = re2.compile(self.regex.encode())
        low, high = compiled.possiblematchrange(64)
        common = bytes(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
        self.prefix = common.rstrip(b"\0").decode("utf-8", "ignore")
        self.prefix_bytes = self.prefix.encode()
        # Arrow compiles it for every call, which takes about 0.7 µs an instruction; in Python a row takes 1.5 µs more.
        self.few = compiled.programsize // 2
        self.names = [name.decode() for name, _ in sorted(compiled.groupindex.items(), key=lambda item: item[1])]
        self.fields = [_dotted(name) for name in self.names]
        # The match object makes each group with ten calls, which take longer than the match; inside, all come at once.
        self._match = partial(compiled._regexp.Match, re2._Anchor.ANCHOR_BOTH)

    def groups(self, line: bytes) -> list[bytes] | None:
        """What each group caught of a whole line, nothing as b""; None when the line does not match."""
        whole, *spans = self._match(line, 0, len(line))
        return None if whole[0] < 0 else [line[start:end] for start, end in spans]


def _dotted(name: str) -> str:
    return name if name.startswith("_") else name.replace("__", ".")


def claim(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Rows, pa.StructArray]]:
    """For each pattern its number, the rows that it is the first to match, and its groups there; null matches none."""
    if len(patterns) >= MANY:
        for number, rows in _rows_of(_first(text, patterns)):
            shown = text.take(pa.array(rows))
            if len(rows) <= patterns[number].few:
                yield from ((number, rows[at], groups) for _, at, groups in _claim_few(shown, [patterns[number]]))
            else:
                yield number, rows, pc.extract_regex(shown, patterns[number].regex)
        return
    if len(text) <= FEW:
        yield from _claim_few(text, patterns)
        return
    rows = np.arange(len(text))
    for number, pattern in enumerate(patterns):
        begins = pc.starts_with(text, pattern.prefix) if pattern.prefix else text.is_valid()
        offered = np.flatnonzero(is_true(begins))
        if not len(offered):
            continue
        shown = text if len(offered) == len(text) else text.take(pa.array(offered))
        if len(offered) <= pattern.few:
            for _, at, groups in _claim_few(shown, [pattern]):
                yield number, rows[offered[at]], groups
                rows, text = _without(rows, text, offered[at])
            continue
        groups = pc.extract_regex(shown, pattern.regex)
        matched = is_valid(groups)
        taken = offered[matched]
        if not len(taken):
            continue
        yield number, rows[taken], groups if len(taken) == len(groups) else groups.filter(pa.array(matched))
        rows, text = _without(rows, text, taken)
        if not len(rows):
            return


def catch(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[Rows, Rows, Columns]]:
    """As `claim`, the groups as columns by dotted name; the rows of patterns that few match come together, so that
    there are not as many small columns as patterns."""
    if len(patterns) < MANY:
        for number, rows, groups in claim(text, patterns):
            yield np.full(len(rows), number), rows, captured(groups)
        return
    first = _first(text, patterns)
    rare: list[tuple[int, Rows]] = []
    for number, rows in _rows_of(first):
        if len(rows) <= patterns[number].few:
            rare.append((number, rows))
        else:
            groups = pc.extract_regex(text.take(pa.array(rows)), patterns[number].regex)
            yield np.full(len(rows), number), rows, captured(groups)
    if rare:
        rows = np.concatenate([rows for _, rows in rare])
        runs = [(patterns[number], len(rows)) for number, rows in rare]
        yield first[rows], rows, _caught(text.take(pa.array(rows)), runs)


def _caught(text: pa.Array, runs: Sequence[tuple[Pattern, int]]) -> Columns:
    """The groups of rows that match the pattern of their run; of each run its pattern and how many rows it has."""
    cells: dict[str, list[bytes | None]] = {}
    lines = text.cast(pa.binary()).to_pylist()
    end = 0
    for pattern, count in runs:
        start, end = end, end + count
        groups = [pattern.groups(line) or () for line in lines[start:end]]
        for name, column in zip(pattern.fields, zip(*groups, strict=True), strict=True):
            cells.setdefault(name, [None] * len(text))[start:end] = column
    return {name: unless_empty(pa.array(values, TEXT)) for name, values in cells.items()}


def _first(text: pa.Array, patterns: Sequence[Pattern]) -> Rows:
    """The first pattern that matches each row, by one automaton of them all; -1 for none."""
    # The wrapper's own Match only asks what type the line has.
    match = _automaton(tuple(pattern.regex for pattern in patterns))._set.Match
    prefixes = {pattern.prefix for pattern in patterns}
    first = np.full(len(text), -1, dtype=np.int64)
    begin = np.arange(len(text))
    if len(prefixes) == 1:
        # A line that can't match is not even made a Python object: it may be long.
        begin = np.flatnonzero(is_true(pc.starts_with(text, *prefixes)))
        text = text.take(pa.array(begin))
    heads = tuple(prefix.encode() for prefix in prefixes)
    first[begin] = [
        min(found) if line is not None and line.startswith(heads) and (found := match(line)) else -1
        for line in text.cast(pa.binary()).to_pylist()
    ]
    return first


def _rows_of(first: Rows) -> list[tuple[int, Rows]]:
    """Each number that occurs and the rows that have it, in order."""
    order = np.argsort(first, kind="stable")
    numbers, begins = np.unique(first[order], return_index=True)
    ends = np.append(begins[1:], len(order))
    return [
        (number, order[begin:end])
        for number, begin, end in zip(numbers.tolist(), begins, ends[: len(begins)], strict=True)
        if number >= 0
    ]


@lru_cache(maxsize=1000)
def _automaton(expressions: tuple[str, ...]) -> re2.Set:
    options = re2.Options()
    options.max_mem = 32 << 20
    automaton = re2.Set.FullMatchSet(options)
    for expression in expressions:
        automaton.Add(expression)
    automaton.Compile()
    return automaton


def _without(rows: Rows, text: pa.Array, taken: Rows) -> tuple[Rows, pa.Array]:
    left = np.ones(len(rows), dtype=np.bool_)
    left[taken] = False
    return rows[left], text.filter(pa.array(left))


def _claim_few(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Rows, pa.StructArray]]:
    matched: dict[int, tuple[list[int], list[list[bytes]]]] = {}
    for row, line in enumerate(text.cast(pa.binary()).to_pylist()):
        for number, pattern in enumerate(patterns) if line is not None else ():
            if line.startswith(pattern.prefix_bytes) and (caught := pattern.groups(line)) is not None:
                rows, groups = matched.setdefault(number, ([], []))
                rows.append(row)
                groups.append(caught)
                break
    for number, (rows, groups) in sorted(matched.items()):
        columns = [pa.array(column, TEXT) for column in zip(*groups, strict=True)]
        nameless = pa.array([{}] * len(rows), pa.struct([]))
        yield (
            number,
            np.array(rows, dtype=np.int64),
            (pa.StructArray.from_arrays(columns, patterns[number].names) if columns else nameless),
        )


def captured(groups: pa.StructArray) -> Columns:
    """The groups as columns by dotted name; an empty group is null."""
    return {
        _dotted(name): unless_empty(column) for name, column in zip(groups.type.names, groups.flatten(), strict=True)
    }


def unless_empty(column: pa.Array) -> pa.Array:
    """The same bytes, with other rows marked as null: most groups of most messages are long, and some are empty."""
    if not len(column):
        return column
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    filled = bounds[1:] > bounds[:-1]
    if filled.all():
        return column
    valid = pa.py_buffer(np.packbits(filled & is_valid(column), bitorder="little"))
    return pa.Array.from_buffers(TEXT, len(column), [valid, pa.py_buffer(bounds), data])
