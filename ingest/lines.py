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
`(?:…)`; `.` matches a line break too, `\w` only ASCII (a Vietnamese name is `.*` or `[^ ]+`). Each pattern runs once
over the rows still open, in C++, and only over those that start with its literal prefix: write what is constant first.
Docs: RE2 syntax; Arrow compute, extract_regex
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import re2

from ingest.columns import Rows, is_true, is_valid
from ingest.event import FIELDS, TEXT, Columns


class Pattern:
    """A whole-text RE2 expression and the literal that every match begins with."""

    def __init__(self, expression: str) -> None:
        self.regex = f"(?s)^(?:{expression})$"
        low, high = re2.compile(self.regex).possiblematchrange(64)
        common = bytes(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
        self.prefix = common.rstrip(b"\0").decode("utf-8", "ignore")


def claim(text: pa.Array, patterns: Sequence[Pattern]) -> Iterator[tuple[int, Rows, pa.StructArray]]:
    """For each pattern its number, the rows that it is the first to match, and its groups there; null matches none."""
    rows = np.arange(len(text))
    for number, pattern in enumerate(patterns):
        begins = pc.starts_with(text, pattern.prefix) if pattern.prefix else text.is_valid()
        offered = np.flatnonzero(is_true(begins))
        if not len(offered):
            continue
        groups = pc.extract_regex(text if len(offered) == len(text) else text.take(pa.array(offered)), pattern.regex)
        matched = is_valid(groups)
        taken = offered[matched]
        if not len(taken):
            continue
        yield number, rows[taken], groups if len(taken) == len(groups) else groups.filter(pa.array(matched))
        if len(taken) == len(rows):
            return
        left = np.ones(len(rows), dtype=np.bool_)
        left[taken] = False
        rows, text = rows[left], text.filter(pa.array(left))


def captured(groups: pa.StructArray) -> Columns:
    """The groups as columns by dotted name; an empty group is null."""
    nothing = pa.scalar(None, TEXT)
    return {
        name if name.startswith("_") else name.replace("__", "."): pc.if_else(pc.equal(column, ""), nothing, column)
        for name, column in zip(groups.type.names, groups.flatten(), strict=True)
    }


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


@dataclass(frozen=True)
class Context:
    """What is known of the rows beside their message, for `finish`; columns of the same length."""

    program: pa.Array
    """The program of the syslog header, in lower case and without its path; null for a line without a header."""
    zone: pa.Array
    """Name of the source's time zone."""
    received: pa.Array
    hints: pa.Array
    """The register's `parsers` of the source, joined by blanks."""

    def take(self, rows: Rows) -> Context:
        at = pa.array(rows)
        return Context(self.program.take(at), self.zone.take(at), self.received.take(at), self.hints.take(at))


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
    lines: tuple[Line, ...] = ()
    finish: Callable[[Columns, Context], Columns] | None = None
    """Fields computed from columns (one that no line caught is null); what it gives is added, or replaces."""
    read: Callable[[pa.Array, Context], Parsed] | None = None
    """For formats that are no pattern (JSON): instead of `lines`."""

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return _patterns(tuple(line.pattern for line in self.lines))

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
        for name, values in self._constants().items():
            constant = values.take(line)
            columns[name] = pc.coalesce(columns[name], constant) if name in columns else constant
        return np.concatenate([rows for _, rows, _ in pieces]), columns

    def _constants(self) -> Columns:
        """Each constant field with its value per line of `lines`."""
        of_line = [line.constants() for line in self.lines]
        names = dict.fromkeys(name for constants in of_line for name in constants)
        return {
            name: pa.array([constants.get(name) for constants in of_line], FIELDS.get(name, TEXT)) for name in names
        }


@lru_cache
def _patterns(expressions: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(Pattern(expression) for expression in expressions)
