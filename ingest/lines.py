r"""lines: how a parser is written, and the engine that runs it over a whole batch.

In:   a column of messages
Out:  the rows that a parser knows and their dotted ECS columns

A parser is a list of `Line`s, tried in order; the first whose pattern matches a whole message takes it:

    Line(
        r"Accepted (?P<system__auth__ssh__method>\S+) for (?P<user__name>.*) from (?P<source__address>\S+)",
        action="ssh-login", category=("authentication",), type=("start",), outcome="success",
    )

A group `source__address` fills `source.address`; `(?P<_name>...)` is for `finish` alone; a group that caught nothing is
null. Patterns are RE2: linear in time on any input, no look-around, no back-reference, no group without a name but
`(?:…)`; `.` matches a line break too, `\w` only ASCII (a Vietnamese name is `.*` or `[^ ]+`).
Of many patterns one automaton says which a row is of; of few, each runs over the rows still open that start with its
literal prefix, so write what is constant first. Arrow then takes the groups out, a column at a time; of a few rows each
is matched by itself, since Arrow compiles a pattern anew for every call.
Docs: RE2 syntax; Arrow compute, extract_regex
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import re2

from ingest.columns import Rows, is_true, is_valid
from ingest.event import FIELDS, TEXT, Columns

FEW = 32
"""Rows up to which Arrow's calls as such cost more than matching each row in Python."""


EMPTY, NOTHING = pa.scalar("", TEXT), pa.scalar(None, TEXT)


MANY = 4
"""Patterns from which on one automaton of them all costs less than one after the other."""


class Pattern:
    """A whole-text RE2 expression and the literal that every match begins with."""

    def __init__(self, expression: str) -> None:
        self.regex = f"(?s)^(?:{expression})$"
        self.compiled = re2.compile(self.regex.encode())
        low, high = self.compiled.possiblematchrange(64)
        common = bytes(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
        self.prefix = common.rstrip(b"\0").decode("utf-8", "ignore")
        self.prefix_bytes = self.prefix.encode()
        # Arrow compiles it for every call, which takes about 1 µs an instruction; a row in Python takes about 4.
        self.few = self.compiled.programsize // 4
        self.names = [name.decode() for name, _ in sorted(self.compiled.groupindex.items(), key=lambda item: item[1])]


def claim(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Rows, pa.StructArray]]:
    """For each pattern its number, the rows that it is the first to match, and its groups there; null matches none."""
    if len(text) <= FEW:
        yield from _claim_few(text, patterns)
        return
    if len(patterns) >= MANY:
        yield from _claim_at_once(text, patterns)
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


def _claim_at_once(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Rows, pa.StructArray]]:
    """One automaton of all patterns says which one a row is of; only those that occur are compiled and run."""
    match = _automaton(tuple(pattern.regex for pattern in patterns)).Match
    first = np.full(len(text), -1, dtype=np.int64)
    for row, line in enumerate(text.cast(pa.binary()).to_pylist()):
        if line is not None and (found := match(line)):
            first[row] = min(found)
    for number in np.unique(first[first >= 0]).tolist():
        rows = np.flatnonzero(first == number)
        shown = text.take(pa.array(rows))
        if len(rows) <= patterns[number].few:
            yield from ((number, rows[at], groups) for _, at, groups in _claim_few(shown, [patterns[number]]))
        else:
            yield number, rows, pc.extract_regex(shown, patterns[number].regex)


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
    matched: dict[int, tuple[list[int], list[tuple[bytes, ...]]]] = {}
    for row, line in enumerate(text.cast(pa.binary()).to_pylist()):
        for number, pattern in enumerate(patterns) if line is not None else ():
            if line.startswith(pattern.prefix_bytes) and (match := pattern.compiled.fullmatch(line)):
                rows, groups = matched.setdefault(number, ([], []))
                rows.append(row)
                groups.append(match.groups(b""))
                break
    for number, (rows, groups) in sorted(matched.items()):
        columns = [pa.array(column, TEXT) for column in zip(*groups, strict=True)]
        nameless = pa.array([{}] * len(rows), pa.struct([]))
        caught = pa.StructArray.from_arrays(columns, patterns[number].names) if columns else nameless
        yield number, np.array(rows, dtype=np.int64), caught


def captured(groups: pa.StructArray) -> Columns:
    """The groups as columns by dotted name; an empty group is null."""
    return {
        name if name.startswith("_") else name.replace("__", "."): _unless_empty(column)
        for name, column in zip(groups.type.names, groups.flatten(), strict=True)
    }


def _unless_empty(column: pa.Array) -> pa.Array:
    if len(column) <= FEW:
        values = column.to_pylist()
        return pa.array([value or None for value in values], TEXT) if "" in values else column
    return pc.if_else(pc.equal(column, EMPTY), NOTHING, column)


@dataclass(frozen=True)
class Line:
    """One kind of message: its pattern and what it means in ECS."""

    pattern: str
    action: str | None = None
    category: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    outcome: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Other fields that every such message has."""

    def constants(self) -> dict[str, str | tuple[str, ...] | None]:
        return {
            "event.action": self.action,
            "event.category": self.category or None,
            "event.type": self.type or None,
            "event.outcome": self.outcome,
            **self.fields,
        }


class Context:
    """What is known of the rows beside their message, for `finish`; columns of the same length.

    A column is taken for the rows only when it is asked for, since most parsers ask for one or none.
    """

    program: pa.Array
    """The program of the syslog header, in lower case and without its path; null for a line without a header."""
    zone: pa.Array
    """Name of the source's time zone."""
    received: pa.Array
    hints: pa.Array
    """The register's `parsers` of the source, joined by blanks."""
    host: pa.Array
    """Host of the syslog header."""
    msgid: pa.Array
    structured_data: pa.Array
    """Of RFC 5424; some devices (Junos) write all that they say there. `id.name` -> value."""

    def __init__(self, *columns: pa.Array) -> None:
        """The columns in the order above."""
        self._whole = dict(zip(Context.__annotations__, columns, strict=True))
        self._at: pa.Array | None = None

    def __getattr__(self, name: str) -> pa.Array:
        if name not in Context.__annotations__:
            raise AttributeError(name)
        column = self._whole[name]
        self.__dict__[name] = column if self._at is None else column.take(self._at)
        return self.__dict__[name]

    def take(self, rows: Rows) -> Context:
        taken = Context(*self._whole.values())
        at = pa.array(rows)
        taken._at = at if self._at is None else self._at.take(at)
        return taken


class _Fields(dict[str, pa.Array]):
    """Columns of which a missing one is null, and text as what a group catches is."""

    def __init__(self, columns: Columns, rows: int) -> None:
        super().__init__(columns)
        self._rows = rows

    def __missing__(self, name: str) -> pa.Array:
        return pa.nulls(self._rows, TEXT)


Parsed = tuple[Rows, Columns]
"""The rows that a parser knows, in any order, and their columns in that order."""


@dataclass(frozen=True)
class Parser:
    """A log format. A module of `ingest.parsers` holds one, named PARSER; nothing else need be told of it.

    Messages of its `programs` are offered to it first; then, of what no program's parser knew, those that begin as its
    `signature` says, whatever their program, and lines without any header.
    """

    module: str
    dataset: str
    programs: tuple[str, ...] = ()
    """Program names in lower case."""
    signature: str = ""
    """An expression for the beginning of its messages; "" = known by the program alone."""
    generic: bool = False
    """A form that many devices share (CEF): asked after every parser that knows one device."""
    fallback: bool = False
    """Asked last, and only about messages of no known program."""
    lines: tuple[Line, ...] = ()
    finish: Callable[[Columns, Context], Columns] | None = None
    """Fields computed from columns (one that no line caught is null); what it gives is added, or replaces."""
    read: Callable[[pa.Array, Context], Parsed] | None = None
    """For formats that are no pattern (JSON): instead of `lines`."""

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(Pattern(line.pattern) for line in self.lines)

    def parse(self, messages: pa.Array, context: Context) -> Parsed:
        if self.read:
            rows, columns = self.read(messages, context)
        else:
            rows, columns = self._match(messages)
        if self.finish and len(rows):
            columns = columns | self.finish(_Fields(columns, len(rows)), context.take(rows))
        return rows, {name: column for name, column in columns.items() if not name.startswith("_")}

    def _match(self, messages: pa.Array) -> Parsed:
        pieces = [(number, rows, captured(groups)) for number, rows, groups in claim(messages, self.patterns)]
        if not pieces:
            return np.empty(0, dtype=np.int64), {}
        names = dict.fromkeys(name for _, _, columns in pieces for name in columns)
        columns = {
            name: pa.concat_arrays([piece.get(name, pa.nulls(len(rows), TEXT)) for _, rows, piece in pieces])
            for name in names
        }
        line = pa.array(np.repeat([number for number, _, _ in pieces], [len(rows) for _, rows, _ in pieces]))
        for name, values in self._constants.items():
            constant = values.take(line)
            columns[name] = pc.coalesce(columns[name], constant) if name in columns else constant
        return np.concatenate([rows for _, rows, _ in pieces]), columns

    @cached_property
    def _constants(self) -> Columns:
        """Each constant field with its value per line of `lines`."""
        of_line = [line.constants() for line in self.lines]
        names = dict.fromkeys(name for constants in of_line for name in constants)
        return {
            name: pa.array([constants.get(name) for constants in of_line], FIELDS.get(name, TEXT)) for name in names
        }
