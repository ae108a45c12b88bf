"""keywords: which values of a batch may hold a keyword.

In:   keyword atoms; whole columns of text
Out:  indices of the values that are worth a test; `scanner` then tests them one by one

Rules with keywords look at every value of every event of their log source, most of them never seen before. So a
column is searched as the one piece of memory that it is, for the literals without which no keyword can be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import hyperscan
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.sigma.expression import Atom
from detectors.sigma.patterns import escape
from detectors.sigma.scanner import Scanner

MAX_FOUND = 10_000
"""Literals found in one column; a column that is made to hold more is tested value by value."""
_FLAGS = hyperscan.HS_FLAG_CASELESS


class Keywords(Scanner):
    """The scanner of keyword atoms, with a search of whole columns in front."""

    def __init__(self, atoms: Sequence[tuple[int, Atom]], cache: Path | None = None) -> None:
        super().__init__(atoms, cache)
        literals = sorted({_literal(atom) for _, atom in atoms})
        self._database: hyperscan.Database | None = None
        if literals and all(literals):
            self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
            patterns = [escape(literal) for literal in literals]
            numbers = list(range(len(patterns)))
            self._database.compile(expressions=patterns, ids=numbers, flags=[_FLAGS] * len(patterns))

    def candidates(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        """Indices of the values of a string column that may hold a keyword; all others hold none."""
        _, ends, memory = texts.buffers()
        nothing = np.zeros(0, np.int64)
        if not len(texts) or memory is None:
            return nothing
        offsets = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        memory = memory[int(offsets[0]) : int(offsets[-1])]
        found = self._search(memory)
        # The search folds the case of ASCII alone.
        ascii_alone = not len(memory) or np.frombuffer(memory, np.uint8).max() < 128
        if found is not None and not found and ascii_alone:
            return nothing
        chosen = texts.is_valid().to_numpy(zero_copy_only=False)
        if found is not None:
            # A literal may run over into the value after the one where it begins: the test of the value will tell.
            at = np.searchsorted(offsets, np.array(found, np.int64) + offsets[0], side="left") - 1
            holds = np.bincount(at, minlength=len(texts)) > 0
            if not ascii_alone:
                holds |= ~pc.string_is_ascii(texts).fill_null(True).to_numpy(zero_copy_only=False)
            chosen &= holds
        return np.flatnonzero(chosen)

    def _search(self, memory: pa.Buffer) -> list[int] | None:
        """Where literals end; None if the search can't tell."""
        if self._database is None:
            return None
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


def _literal(atom: Atom) -> str:
    """Text without which the atom cannot hold; "" if there is none to be had."""
    test, value = atom.test.removeprefix("cased_"), str(atom.value)
    if test == "wildcard":
        pieces = re.sub(r"\\(.)", lambda escaped: escaped[1] if escaped[1] not in "*?" else "\0", value)
        return max(re.split(r"[*?\0]", pieces), key=len)
    return value if test == "contains" else ""
