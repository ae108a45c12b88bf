"""explain: why a rule matched an event, or what kept it from matching.

In:   a rule and a batch of one event
Out:  the rule's condition as a tree, each part with whether it held and which value made it so

Costs nothing to matching: it tests the one event anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from detectors.sigma.columns import ORIGINAL, STATED, Columns
from detectors.sigma.expression import AllOf, And, AnyOf, Atom, Field, Named, Node, Not, Or
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.scanner import PairScanner, Scanner
from hamrong.terminal import printable

MAX_SHOWN = 120
MAX_ATOMS = 8
"""Of a list that does not hold, so many values are shown."""
PLAIN = ("equals", "contains", "startswith", "endswith")
"""Tests whose value stands in the event's value as it is, but for its case."""
Say = Callable[[str], str]
"""A phrase of ours -> the reader's language; `str` leaves it. Names and values are not asked about."""
_GREEN, _RED, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


@dataclass(frozen=True)
class Part:
    """One node: what it asks, whether it held, and the values it saw."""

    text: str
    holds: bool
    values: tuple[str, ...] = ()
    children: tuple[Part, ...] = ()
    name: str = ""
    """Of a selection or a filter."""
    negates: bool = False
    """Holds because its child does not."""
    found: tuple[str, ...] = ()
    """Texts of the rule that stand in `values`, in any case."""

    def lines(self, depth: int = 0, *, colour: bool = False) -> Iterator[str]:
        """For a terminal; what a sender wrote cannot steer it."""
        named = f"{self.name}: " if self.name else ""
        seen = f"   <- {', '.join(_short(value) for value in self.values)}" if self.values else ""
        line = printable(f"{'  ' * depth}{'+' if self.holds else '-'} {named}{self.text}{seen}")
        yield f"{_GREEN if self.holds else _RED}{line}{_PLAIN}" if colour else line
        for child in self.children:
            yield from child.lines(depth + 1, colour=colour)

    def document(self) -> dict[str, Any]:
        """The tree as JSON has it."""
        return {
            **({"name": self.name} if self.name else {}),
            "text": self.text,
            "holds": self.holds,
            **({"values": list(self.values)} if self.values else {}),
            **({"children": [child.document() for child in self.children]} if self.children else {}),
        }


def explain(ruleset: Ruleset, rule_id: str, event: pa.RecordBatch, say: Say = str) -> Part:
    """The tree of the rule for the first row of `event`. Raises KeyError for an unknown id."""
    numbers = {rule.id: number for number, rule in enumerate(ruleset.rules)}
    return _Explainer(ruleset, Columns(event.slice(0, 1)), say).part(ruleset.named(numbers[rule_id]))


class _Explainer:
    def __init__(self, ruleset: Ruleset, columns: Columns, say: Say) -> None:
        self._atoms = ruleset.atoms
        self._columns = columns
        self._say = say

    def part(self, node: Node) -> Part:
        match node:
            case AnyOf() | AllOf():
                return self._leaf(node)
            case Named(name=name, child=child):
                inner = self.part(child)
                # A filter's own selection is named within it.
                return replace(inner, name=f"{name}: {inner.name}" if inner.name else name)
            case And(children=children):
                parts = tuple(self.part(child) for child in children)
                return Part(self._say("all of"), all(part.holds for part in parts), children=parts)
            case Or(children=children):
                parts = tuple(self.part(child) for child in children)
                return Part(self._say("one of"), any(part.holds for part in parts), children=parts)
            case Not(child=child):
                inner = self.part(child)
                return Part(self._say("not"), not inner.holds, children=(inner,), negates=True)
        raise TypeError(f"no node: {node!r}")

    def _leaf(self, node: AnyOf | AllOf) -> Part:
        what = self._atoms.fields[node.field]
        name, values = self._values(what)
        atoms = {number: self._atoms.all[number] for number in sorted(node.atoms)}
        held = self._held(what, atoms, values)
        every = isinstance(node, AllOf)
        holds = held == atoms.keys() if every else bool(held)
        shown = [number for number in atoms if (number in held) != every] or list(atoms)
        texts = _listed([atoms[number] for number in shown[:MAX_ATOMS]], self._say)
        more = len(shown) - len(texts)
        joined = f" {self._say('and' if every else 'or')} ".join(texts)
        joined += f" {self._say('… and {} more').format(more)}" if more else ""
        plain = (atom for number, atom in atoms.items() if number in held and atom.test.removeprefix("cased_") in PLAIN)
        found = tuple(text for atom in plain if (text := str(atom.value)))
        return Part(f"{name} {joined}", holds, tuple(values) or ("null",), found=found)

    def _values(self, what: Field) -> tuple[str, list[str]]:
        """Where the field was found, and its values."""
        if what.is_keywords:
            original = self._texts((ORIGINAL,))
            names = [] if original else [name for name in self._columns.names if name not in STATED]
            return self._say("any value"), original or [text for name in names for text in self._texts((name,))]
        there = [column for column in what.columns if self._texts((column,))]
        name = there[0] if there else what.columns[0]
        return name, self._texts(what.columns)

    def _texts(self, names: tuple[str, ...]) -> list[str]:
        column = self._columns.column(names)
        return column.of_row(0) if column is not None else []

    def _held(self, what: Field, atoms: dict[int, Atom], values: list[str]) -> set[int]:
        if what.other:
            pairs = PairScanner(list(atoms.items()))
            return set(pairs.sets[pairs.signature(values, self._texts(what.other))])
        scanner = _scanner(tuple(atoms.items()))
        scanner.forget()
        if not values:
            return set(scanner.sets[scanner.missing])
        return {atom for value in values for atom in scanner.atoms(value)}


@lru_cache(maxsize=256)
def _scanner(atoms: tuple[tuple[int, Atom], ...]) -> Scanner:
    """Kept: an alert's page asks the same rule about each of its events, and expressions take long to compile."""
    return Scanner(atoms)


def _listed(atoms: Sequence[Atom], say: Say) -> list[str]:
    """What each asks; the word for a test stands before the first of its values only."""
    return [
        _value(atom) if before and before.test == atom.test and atom.test != "null" else describe(atom, say)
        for before, atom in zip([None, *atoms], atoms, strict=False)
    ]


def describe(atom: Atom, say: Say = str) -> str:
    """What an atom asks of its field."""
    if atom.test == "null":
        return say("is null")
    test = {"regex": "matches", "regex_re2": "matches", "cidr": "is in", "wildcard": "is like"}.get(
        atom.test, atom.test
    )
    return f"{say(test.replace('_', ' '))} {_value(atom)}"


def _value(atom: Atom) -> str:
    return f"'{_short(str(atom.value))}'"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
