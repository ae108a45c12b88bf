"""scanner: what one field's values say.

In:   the atoms of a field; distinct values as text
Out:  for each value a *signature*: the number of the set of atoms that hold for it

Values repeat, and most say nothing: a value is tested once and remembered, and two values of which the same atoms hold
are the same to every rule.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.sigma.expression import Atom
from detectors.sigma.patterns import Patterns

Signatures = npt.NDArray[np.int32]

_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")
_ENTRY_BYTES = 200
"""What remembering a value costs beside its text: dictionary slot, number."""
_SET_COPIES = 3
"""A set of atoms stands here, and narrowed in the programs that ask for them."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}
_TIME: dict[str, Callable[[datetime], int]] = {
    "minute": lambda at: at.minute,
    "hour": lambda at: at.hour,
    "day": lambda at: at.day,
    "week": lambda at: at.isocalendar().week,
    "month": lambda at: at.month,
    "year": lambda at: at.year,
}
_SEARCHED = ("contains", "startswith", "endswith", "wildcard")


def fold(text: str) -> str:
    """Text as it is compared when case does not count: Unicode's full case folding."""
    return text.lower() if text.isascii() else text.casefold()


def number(text: str) -> float | None:
    """The number that a whole text writes in decimal; None if it writes none. Whole numbers stay exact."""
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        return None
    return float(text) if any(mark in text for mark in ".eE") else int(text)


class Scanner:
    """Tests the values of one field; remembers until `forget`."""

    def __init__(
        self, atoms: Sequence[tuple[int, Atom]], cache: Path | None = None, spent: Counter[int] | None = None
    ) -> None:
        """`spent`: nanoseconds of atoms that are tested one by one."""
        self._equals: dict[str, list[int]] = {}
        self._equals_cased: dict[str, list[int]] = {}
        self._numbers: dict[str | float, list[int]] = {}
        self._tests: list[tuple[int, Callable[[str], bool]]] = []
        self._networks = _Networks()
        self._null: set[int] = set()
        folded: list[tuple[int, str, str]] = []
        raw: list[tuple[int, str, str]] = []
        for atom, what in atoms:
            test, value = what.test, str(what.value)
            if test == "equals":
                self._equals.setdefault(value, []).append(atom)
            elif test == "cased_equals":
                self._equals_cased.setdefault(value, []).append(atom)
            elif test == "number":
                self._numbers.setdefault(what.value, []).append(atom)
            elif test in _SEARCHED:
                folded.append((atom, test, value))
            elif test.startswith("cased_"):
                raw.append((atom, test.removeprefix("cased_"), value))
            elif test.startswith("regex"):
                raw.append((atom, test, value))
            elif test == "cidr":
                self._networks.add(value, atom)
            elif test == "null":
                self._null.add(atom)
            else:
                self._tests.append((atom, _test(test, float(what.value))))
        self._folded = Patterns(folded, cache, spent) if folded else None
        self._raw = Patterns(raw, cache, spent) if raw else None
        self.forget()

    def compile(self) -> None:
        for patterns in (self._folded, self._raw):
            if patterns:
                patterns.compile()

    def drop(self, atoms: Collection[int]) -> None:
        """Leaves out atoms that no rule asks for any more, where that saves anything."""
        for patterns in (self._folded, self._raw):
            if patterns:
                patterns.drop(atoms)

    def forget(self) -> None:
        """Drops what is remembered; signatures given before mean nothing afterwards."""
        self.bytes = 0
        self.sets: list[frozenset[int]] = [frozenset()]
        """Signature -> the atoms that hold. 0 is the empty set."""
        self._signatures: dict[frozenset[int], int] = {frozenset(): 0}
        self._known: dict[str, int] = {}
        self._unions: dict[tuple[int, ...], int] = {}
        self.missing = self.signature(frozenset(self._null))
        """The signature of a field that is missing or null."""

    def signature(self, atoms: frozenset[int]) -> int:
        found = self._signatures.get(atoms)
        if found is None:
            found = self._signatures[atoms] = len(self.sets)
            self.sets.append(atoms)
            self.bytes += _SET_COPIES * sys.getsizeof(atoms)
        return found

    def union(self, signatures: tuple[int, ...]) -> int:
        """The signature of a field with several values: an atom holds if it does for one of them."""
        found = self._unions.get(signatures)
        if found is None:
            found = self.signature(frozenset().union(*(self.sets[signature] for signature in signatures)))
            self._unions[signatures] = found
            self.bytes += _ENTRY_BYTES
        return found

    def scan(self, values: list[str]) -> Signatures:
        """The signature of each value."""
        known: list[Any] = list(map(self._known.get, values))
        if None in known:
            for at, signature in enumerate(known):
                if signature is None:
                    # The same value may stand here more than once.
                    seen = self._known.get(values[at])
                    known[at] = self._learn(values[at]) if seen is None else seen
        return np.array(known, np.int32)

    def _learn(self, value: str) -> int:
        self.bytes += sys.getsizeof(value) + _ENTRY_BYTES
        signature = self._known[value] = self.signature(frozenset(self.atoms(value)))
        return signature

    def atoms(self, value: str) -> list[int]:
        """The atoms that hold for a value; some may stand twice."""
        folded = fold(value)
        found: list[int] = list(self._equals.get(folded, ()))
        if self._equals_cased:
            found += self._equals_cased.get(value, ())
        if self._folded:
            self._folded.find(folded, found)
        if self._raw:
            self._raw.find(value, found)
        if self._numbers and (written := number(value)) is not None:
            found += self._numbers.get(written, ())
        if self._networks.prefixes:
            self._networks.find(value, found)
        found += [atom for atom, holds in self._tests if holds(value)]
        return found


class PairScanner:
    """Tests one field against another: `fieldref`."""

    def __init__(self, atoms: Sequence[tuple[int, Atom]]) -> None:
        self._atoms = [(atom, what.test) for atom, what in atoms]
        self.sets: list[frozenset[int]] = [frozenset()]
        self._signatures: dict[frozenset[int], int] = {frozenset(): 0}

    def signature(self, values: Sequence[str], others: Sequence[str]) -> int:
        """Of the values of both fields in a row; of several, one pair must fit."""
        mine, theirs = set(map(fold, values)), set(map(fold, others))
        held = frozenset(atom for atom, test in self._atoms if _refers(test, mine, theirs))
        found = self._signatures.setdefault(held, len(self.sets))
        if found == len(self.sets):
            self.sets.append(held)
        return found


def _refers(test: str, values: set[str], others: set[str]) -> bool:
    """Whether one of the values fits one of the others, without a look at each pair: a list is its sender's to fill."""
    match test:
        case "field_equals":
            return not values.isdisjoint(others)
        case "field_startswith":
            return _begin(values, others)
        case "field_endswith":
            return _begin({value[::-1] for value in values}, {other[::-1] for other in others})
    together = "\n".join(values)
    return any(other in together and any(other in value for value in values) for other in others)


def _begin(values: set[str], others: set[str]) -> bool:
    """Whether one of the values begins with one of the others."""
    ordered = sorted(values)
    after = ((other, bisect_left(ordered, other)) for other in others)
    return any(at < len(ordered) and ordered[at].startswith(other) for other, at in after)


class _Networks:
    """CIDR blocks by prefix length: one look-up a length, however many blocks."""

    def __init__(self) -> None:
        self.prefixes: dict[tuple[int, int], dict[int, list[int]]] = {}

    def add(self, network: str, atom: int) -> None:
        block = ipaddress.ip_network(network)
        shift = block.max_prefixlen - block.prefixlen
        blocks = self.prefixes.setdefault((block.version, shift), {})
        blocks.setdefault(int(block.network_address) >> shift, []).append(atom)

    def find(self, text: str, found: list[int]) -> None:
        if len(text) > 64 or not ("." in text or ":" in text):
            return
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        value = int(address)
        for (version, shift), blocks in self.prefixes.items():
            if version == address.version:
                found += blocks.get(value >> shift, ())


def _test(test: str, wanted: float) -> Callable[[str], bool]:
    if test in _TIME:
        part = _TIME[test]
        return lambda text: (at := _time(text)) is not None and part(at) == wanted
    compare = _COMPARE[test]
    return lambda text: (written := number(text)) is not None and compare(written, wanted)


def _time(text: str) -> datetime | None:
    """The time that a value writes, in the zone that it writes."""
    if not 10 <= len(text) <= 40:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
