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
Write what is constant first: a pattern is only tried on rows that start with its literal prefix (`claims`).
Docs: RE2 syntax
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import Pattern, catch
from ingest.columns import Rows
from ingest.event import FIELDS, TEXT, Columns


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
        pieces = list(catch(messages, self.patterns))
        if not pieces:
            return np.empty(0, dtype=np.int64), {}
        names = dict.fromkeys(name for _, _, columns in pieces for name in columns)
        columns = {
            name: pa.concat_arrays([piece.get(name, pa.nulls(len(rows), TEXT)) for _, rows, piece in pieces])
            for name in names
        }
        line = pa.array(np.concatenate([numbers for numbers, _, _ in pieces]))
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
