"""line_search: which of many lines may hold a keyword, told by one search for all keywords.

In:   keyword scanners, as log sources are met; raw lines, or lines of JSON, as one piece of memory
Out:  for each scanner the lines that are worth a test

Rules with keywords look at every event of their log source, and hardly any holds one. A literal stands in a line of
JSON as it stands in a value, but for what JSON escapes: so the longest piece of it without such characters is
searched for, in the whole block at once. A line with an escape of a character that needs none may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import hyperscan
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.sigma.keywords import Keywords, search

Lines = npt.NDArray[np.int64]

MAX_FOUND = 50_000
"""Pieces found in one block; all lines of a block that is made to hold more are worth a test."""
_ESCAPED = rb"\\u(?:00[2-9a-f]|0[1-9a-f][0-9a-f]|[1-9a-f][0-9a-f]{2})[0-9a-f]"
"""A JSON escape of anything but a control character; `C:\\\\users` is none."""
_MIN_PIECE = 3


class LineSearch:
    def __init__(self, *, json: bool) -> None:
        """`json`: the lines are JSON, and every keyword counts; else they are raw, and common ones do not."""
        self._json = json
        self._pieces: dict[int, set[str]] = {}
        self._wanted: list[str] = []
        self._database: hyperscan.Database | None = None

    def extend(self, scanners: Mapping[int, Keywords]) -> None:
        """Searches for the literals of these scanners too, each named by a number."""
        fresh = scanners.keys() - self._pieces.keys()
        if fresh:
            self._pieces |= {field: self._of(scanners[field]) for field in fresh}
            self._wanted = sorted(set().union(*self._pieces.values()) - {""})
            self._database = search(self._wanted, _ESCAPED)

    def _of(self, scanner: Keywords) -> set[str]:
        if not self._json:
            return scanner.literals
        return {"" for _ in range(scanner.has_common)} | set(map(_piece, scanner.literals))

    def lines(self, memory: bytes | pa.Buffer, count: int, last: Callable[[], Lines]) -> dict[int, Lines]:
        """The lines that may hold a keyword of a scanner, in order; scanners for which there are none are left out.

        `last`: where in `memory` the last byte of each line is.
        """
        every = np.arange(count)
        found: list[tuple[int, int]] = []
        if self._database is None:
            return {}
        try:
            self._database.scan(memory, match_event_handler=_collect, context=found)
        except hyperscan.ScanTerminated:
            return dict.fromkeys(self._pieces, every)
        holding = {field: every for field, pieces in self._pieces.items() if "" in pieces}
        if not found:
            return holding
        numbers, ends = np.array(found, np.int64).T
        at = np.searchsorted(last(), ends - 1)
        names = {number: self._wanted[number] for number in np.unique(numbers).tolist() if number < len(self._wanted)}
        # What is numbered after the pieces may be anything.
        anything = numbers >= len(self._wanted)
        for field in self._pieces.keys() - holding.keys():
            mine = [number for number, piece in names.items() if piece in self._pieces[field]]
            chosen = at[anything | np.isin(numbers, mine)] if mine else at[anything]
            if len(chosen):
                holding[field] = np.unique(chosen)
        return holding


def _collect(number: int, start: int, end: int, flags: int, found: object) -> bool | None:
    assert isinstance(found, list)
    found.append((number, end))
    return True if len(found) > MAX_FOUND else None


def _piece(literal: str) -> str:
    """The longest piece of a literal that JSON writes as it is; "" if none will do, as for what a number could hold."""
    piece = max(re.findall(r"[ !#-.0-\[\]-~]+", literal), key=len, default="")
    return piece if len(piece) >= _MIN_PIECE and not re.fullmatch(r"[0-9.eE+-]*", literal) else ""
