"""output: matches for a program, for a spreadsheet and for a person.

In:   matches as they are found
Out:  jsonl: an object a match · csv: a line a match, dangerous beginnings disarmed · table: a row a rule

Values come from events, which an adversary may write: what goes to a terminal or a spreadsheet is made harmless first.
"""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

import orjson

from detectors.sigma.attack import techniques
from detectors.sigma.lifecycle import on_trial
from detectors.sigma.rule import LEVELS, Metadata

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}
TABLE_WIDTH = 160
"""Of a table that goes to no terminal."""
MAX_HOSTS = 1_000
"""That a table counts of one rule."""


@dataclass(frozen=True)
class Match:
    file: str
    line: int
    """From 1; of an array the element, of .evtx the record."""
    rule: Metadata
    when: datetime | None
    host: str | None
    user: str | None
    event: bytes | None = None
    """JSON; None when it is not asked for."""
    count: int | None = None
    """Of a correlation: what its largest window held."""


class Writer(Protocol):
    def write(self, match: Match) -> None: ...

    def close(self) -> None:
        """Writes what must wait for the end."""


class Jsonl:
    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, match: Match) -> None:
        written = {
            "file": match.file,
            "line": match.line,
            "time": _iso(match.when),
            "rule": match.rule.id,
            "title": match.rule.title,
            "level": match.rule.level,
            "host": match.host,
            "user": match.user,
        }
        if match.count is not None:
            written["count"] = match.count
        if on_trial(match.rule):
            written["shadow"] = True
        if match.event is not None:
            written["event"] = orjson.Fragment(match.event)
        self._out.write(orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        self._out.flush()


class Csv:
    def __init__(self, out: BinaryIO, *, events: bool) -> None:
        self._out = out
        self._csv = csv.writer(_Encoder(out))
        names = ("time", "level", "title", "rule", "techniques", "host", "user", "count", "file", "line", "shadow")
        self._csv.writerow([*names, "event"] if events else names)

    def write(self, match: Match) -> None:
        rule = match.rule
        named = " ".join(techniques(rule.tags))
        told = (_iso(match.when), rule.level, rule.title, rule.id, named, match.host, match.user)
        row = [*map(_cell, told), match.count, _cell(match.file), match.line, "yes" if on_trial(rule) else ""]
        self._csv.writerow(row if match.event is None else [*row, match.event.decode()])

    def close(self) -> None:
        self._out.flush()


@dataclass(frozen=True)
class _Encoder:
    out: BinaryIO

    def write(self, text: str) -> None:
        self.out.write(text.encode())


@dataclass
class _Row:
    rule: Metadata
    first: Match
    matches: int = 0
    since: datetime | None = None
    until: datetime | None = None
    hosts: set[str] = field(default_factory=set)


class Table:
    """What an investigator asks first: what is worst, how often, when, where."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._rows: dict[str, _Row] = {}

    def write(self, match: Match) -> None:
        row = self._rows.setdefault(match.rule.id, _Row(match.rule, match))
        row.matches += 1
        if match.when:
            row.since = min(row.since or match.when, match.when)
            row.until = max(row.until or match.when, match.when)
        if match.host and len(row.hosts) < MAX_HOSTS:
            row.hosts.add(match.host)

    def close(self) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table as Grid
        from rich.text import Text

        if not self._rows:
            return
        grid = Grid("level", "matches", "rule", "first", "last", "hosts", "where first", box=box.SIMPLE_HEAD)
        for column in grid.columns:
            column.overflow, column.no_wrap = "fold", column.header in ("level", "matches", "first", "last")
        grid.columns[1].justify = "right"
        for row in sorted(self._rows.values(), key=_worst_first):
            where = f"{row.first.file}:{row.first.line}"
            told = (
                f"{row.matches:,}",
                f"{row.rule.title} (on trial)" if on_trial(row.rule) else row.rule.title,
                _second(row.since),
                _second(row.until),
                _hosts(row.hosts),
                where,
            )
            level = Text(row.rule.level, STYLES.get(row.rule.level, ""))
            grid.add_row(level, *(Text(printable(one), "dim" if on_trial(row.rule) else "") for one in told))
        terminal = self._out.isatty()
        width = shutil.get_terminal_size().columns if terminal else TABLE_WIDTH
        text = io.StringIO()
        Console(file=text, width=width, force_terminal=terminal, highlight=False).print(grid)
        self._out.write(text.getvalue().encode())
        self._out.flush()


def writer(form: str, out: BinaryIO, *, events: bool) -> Writer:
    match form:
        case "csv":
            return Csv(out, events=events)
        case "table":
            return Table(out)
    return Jsonl(out)


def printable(text: str) -> str:
    """Without characters that would steer a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _cell(value: str | None) -> str | None:
    """A value that a spreadsheet would run as a formula is made text."""
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value


def _worst_first(row: _Row) -> tuple[int, int, str]:
    level = LEVELS.index(row.rule.level) if row.rule.level in LEVELS else 0
    return -level, -row.matches, row.rule.id


def _hosts(hosts: set[str]) -> str:
    few = ", ".join(sorted(hosts)[:2])
    return f"{few} and {len(hosts) - 2:,} more" if len(hosts) > 2 else few


def _iso(when: datetime | None) -> str | None:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def _second(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}" if when else ""
