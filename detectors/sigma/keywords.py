"""keywords: which values of a batch may hold a keyword.

In:   keyword atoms; whole columns of text
Out:  indices of the values that are worth a test; `scanner` then tests them one by one

Rules with keywords look at every value of every event of their log source, most of them never seen before. So a
column is searched as the one piece of memory that it is, for the literals without which no keyword can be there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import hyperscan
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.sigma.expression import Atom
from detectors.sigma.patterns import escape
from detectors.sigma.scanner import Scanner, Signatures

MAX_FOUND = 10_000
"""Literals found in one column; a column that is made to hold more is tested value by value."""
MAX_COMMON = 3
"""Characters of a keyword that is looked for by itself: `@`, `200`."""
FOLDED = (
    "\u00df\u0130\u0149\u017f\u01f0\u1e96\u1e97\u1e98\u1e99\u1e9a\u1e9e\u212a\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
)
"""All that folds to something with ASCII in it; Hyperscan folds the case of ASCII alone."""


class Keywords(Scanner):
    """The scanner of keyword atoms, with a search of whole columns in front."""

    def __init__(
        self, atoms: Sequence[tuple[int, Atom]], cache: Path | None = None, spent: Counter[int] | None = None
    ) -> None:
        super().__init__(atoms, cache, spent)
        literals = {number: _literal(atom) for number, atom in atoms}
        short = [
            (number, literals[number])
            for number, atom in atoms
            if atom.test == "contains" and literals[number] == atom.value and len(atom.value) <= MAX_COMMON
        ]
        # As many as there are bits.
        self._common = dict(short[:60])
        self.has_common = bool(self._common)
        """Whether it has keywords so short that most lines hold them; `common` tests for those."""
        self.literals = {literal for number, literal in literals.items() if number not in self._common}
        """One of them, or one of FOLDED, is in every text that holds another keyword; "" is in all."""
        self._every = self.literals | set(self._common.values())
        self._database: hyperscan.Database | None = None

    def candidates(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        """Indices of the values of a string column that may hold a keyword; all others hold none."""
        _, ends, memory = texts.buffers()
        if not len(texts) or memory is None:
            return np.zeros(0, np.int64)
        offsets = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        memory = memory[int(offsets[0]) : int(offsets[-1])]
        found = self._search(memory)
        if found is None:
            return np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
        # A literal may run over into the value after the one where it begins: the test of the value will tell.
        at = np.searchsorted(offsets, np.array(found, np.int64) + offsets[0], side="left") - 1
        return np.unique(at)

    def common(self, texts: pa.Array) -> Signatures:
        """The signature of each text by its common keywords alone."""
        held = np.zeros(len(texts), np.int64)
        numbers = list(self._common)
        for at, number in enumerate(numbers):
            found = pc.match_substring(texts, self._common[number], ignore_case=True).fill_null(False)
            held |= found.to_numpy(zero_copy_only=False).astype(np.int64) << at
        distinct, inverse = np.unique(held, return_inverse=True)
        sets = [[number for at, number in enumerate(numbers) if bits >> at & 1] for bits in distinct.tolist()]
        return np.array([self.signature(frozenset(one)) for one in sets], np.int32)[inverse]

    def _search(self, memory: pa.Buffer) -> list[int] | None:
        """Where literals end; None if the search can't tell."""
        if not all(self._every):
            return None
        if self._database is None:
            self._database = search(self._every)
        ends: list[int] = []
        try:
            self._database.scan(memory, match_event_handler=_collect, context=ends)
        except hyperscan.ScanTerminated:
            return None
        return ends


def _collect(number: int, start: int, end: int, flags: int, ends: object) -> bool | None:
    assert isinstance(ends, list)
    ends.append(end)
    return True if len(ends) > MAX_FOUND else None


def search(literals: Collection[str], *others: bytes) -> hyperscan.Database:
    """A database that finds ASCII literals in any case, what FOLDED has, and other expressions.

    The literals are numbered in their order, the others after them.
    """
    patterns = [*map(escape, [*sorted(literals), *FOLDED]), *others]
    numbers, flags = list(range(len(patterns))), [hyperscan.HS_FLAG_CASELESS] * len(patterns)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=patterns, ids=numbers, flags=flags)
    return database


def _literal(atom: Atom) -> str:
    """ASCII text without which the atom can hold only where one of FOLDED stands; "" if there is none to be had."""
    test, value = atom.test.removeprefix("cased_"), str(atom.value)
    if test == "wildcard":
        value = re.sub(r"\\(.)", lambda escaped: escaped[1] if escaped[1] not in "*?" else "\0", value)
        value = max(re.split(r"[*?\0]", value), key=len)
    elif test != "contains":
        return ""
    return max(re.findall(r"[\x01-\x7f]+", value), key=len, default="")
