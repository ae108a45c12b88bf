"""explain: why a line became the event that it is.

In:   one raw line and the register
Out:  the parser that took it, where each field came from, and, if none took it, which pattern came nearest

It goes the road of `ingest.parse` and looks at the event after every step; so what it says is what happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import re2

from ingest import messages, parse
from ingest.claims import captured, claim
from ingest.event import TEXT, to_documents
from ingest.lines import Parser
from ingest.patterns import Atom, atoms
from ingest.sources import Register

STEPS = {
    "line": "the line and its receipt",
    "header": "the syslog header",
    "parser": "the parser",
    "register": "the register",
    "derived": "derived",
}
"""The steps of `parse.steps`, in words."""


@dataclass(frozen=True)
class Origin:
    field: str
    value: Any
    step: str
    """What gave it its value: the line, its header, the parser, the register, or what all events get."""
    detail: str = ""


@dataclass(frozen=True)
class Near:
    """The pattern of which the most literal text was found in the message."""

    parser: str
    line: int
    """Its place among the parser's lines, from 1."""
    matched: str
    """How far the message was read."""
    expected: str
    """What the pattern asks for next."""


@dataclass(frozen=True)
class Explanation:
    parser: str | None
    line: int | None
    """Which of the parser's lines, from 1; None for a parser without lines."""
    asked: tuple[str, ...]
    """The parsers that were shown the message, in order; the last one took it, if any did."""
    origins: tuple[Origin, ...]
    nearest: Near | None

    def sentences(self) -> list[str]:
        """The same for a reader: the verdict, then a line a field."""
        asked = ", ".join(self.asked) or "none: no parser has its program or a signature that it begins with"
        texts = [f"parser   {self.parser or 'none took it'}" + (f", line {self.line}" if self.line else "")]
        texts.append(f"asked    {asked}")
        if self.nearest:
            near = self.nearest
            texts.append(
                f"nearest  {near.parser}, line {near.line}: read {near.matched!r}, then expected {near.expected}"
            )
        width = max(len(origin.field) for origin in self.origins)
        for origin in self.origins:
            value = origin.value if isinstance(origin.value, str) else orjson.dumps(origin.value).decode()
            detail = f": {origin.detail}" if origin.detail else ""
            texts.append(f"{origin.field:<{width}}  {value}  <- {STEPS[origin.step]}{detail}")
        return texts


def explain(raw: pa.RecordBatch, register: Register) -> Explanation:
    """`raw` is one row of `ingest.event.RAW`."""
    before: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    trail = _Trail()
    for step, sheet in parse.steps(raw, register, trail.note):
        event = to_documents(sheet.batch())[0]
        for name, value in event.items():
            if before.get(name) != value:
                origins[name] = Origin(name, value, step)
        before = event
    number, details = trail.details()
    found = [
        Origin(item.field, item.value, item.step, details.get(item.field, "") if item.step == "parser" else "")
        for item in origins.values()
        if item.field in before
    ]
    parsers = messages.dispatch().parsers
    # A parser of the program is likelier meant than any other.
    candidates = {name: parsers[name] for name in trail.asked if not parsers[name].fallback} or parsers
    near = None
    message = trail.message or before.get("message", "")
    if message and (trail.taken is None or parsers[trail.taken].fallback):
        near = nearest(message, candidates) or nearest(message, parsers)
    return Explanation(trail.taken, number, tuple(trail.asked), tuple(sorted(found, key=lambda item: item.field)), near)


class _Trail:
    """What the parsers were asked and answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.taken: str | None = None
        self.message = ""
        self._parser: Parser | None = None
        self._column: pa.Array = pa.nulls(0, TEXT)

    def note(self, name: str, parser: Parser, shown: pa.Array, known: np.ndarray[Any, Any]) -> None:
        self.asked.append(name)
        self.message = shown[0].as_py() or ""
        if len(known):
            self.taken, self._parser, self._column = name, parser, shown

    def details(self) -> tuple[int | None, dict[str, str]]:
        """The parser's line, and of each field the group or constant that gave it."""
        if not self._parser or not self._parser.lines:
            return None, {}
        for number, _, groups in claim(self._column, self._parser.patterns):
            line = self._parser.lines[number]
            constants = {name: "constant of the line" for name, value in line.constants().items() if value}
            caught = {
                name: f"group {name.replace('.', '__')}"
                for name, column in captured(groups).items()
                if column[0].is_valid
            }
            return number + 1, constants | caught
        return None, {}


def nearest(message: str, parsers: dict[str, Parser]) -> Near | None:
    """Of all the parsers' lines, the one of whose literal text the message holds the most; None where it holds none."""
    best, found = 0, None
    for name, parser in parsers.items():
        for number, line in enumerate(parser.lines, start=1):
            parts = atoms(line.pattern)
            low, high = 0, len(parts)
            while low < high:
                middle = (low + high + 1) // 2
                if _begins(message, parts[:middle]) is None:
                    high = middle - 1
                else:
                    low = middle
            literal = sum(part.literal for part in parts[:low])
            if literal > best and (matched := _begins(message, parts[:low])) is not None:
                rest = "".join(part.text for part in parts[low:]) or "the end of the message"
                best, found = literal, Near(name, number, matched, rest)
    return found


def _begins(message: str, parts: list[Atom]) -> str | None:
    """The beginning of the message that the parts match."""
    if not parts:
        return ""
    found = re2.compile(f"(?s)(?:{''.join(part.text for part in parts)})").match(message)
    return found.group() if found else None
