"""values: a value of one field for which some atoms hold and others do not.

In:   the atoms that a rule asks of a field; which are wanted and which unwanted
Out:  a `Fitted` value, as short as it goes; None where no try came out

Guesses and proves: texts are put together from what the atoms look for, and the scanner says which atoms hold.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from detectors.sigma.expression import Atom, Field
from detectors.sigma.scanner import Scanner, fold
from detectors.sigma.witness import whole_values
from detectors.sigma.witness.pieces import Piece, pieces

MAX_TRIES = 400
FILLERS = ("x", "other", "1", "0", "a b", "/", "-", "X-1", "192.0.2.1", "2026-03-05T09:00:00+07:00")
_GLUES = ("", " ", "x", "/", "\\", "0", "-", ".", "\n", "=")
_PADS = (("", ""), ("x", ""), ("", "x"), ("x", "x"), (" ", " "), ("1", "1"), ("/", "/"), ("-", "-"), ("\\", "\\"))

Atomset = frozenset[int]
EMPTY: Atomset = frozenset()


class Fitted(NamedTuple):
    text: str | None
    """None: the field is missing."""
    held: Atomset


class Values:
    def __init__(self, field: Field, atoms: dict[int, Atom]) -> None:
        self.atoms = atoms
        self._whole_line = field.is_keywords
        self._scanner = Scanner(list(atoms.items()))
        self._null = frozenset(self._scanner.sets[self._scanner.missing])
        self._known: dict[tuple[Atomset, Atomset, int | None], Fitted | None] = {}

    def held(self, text: str | None) -> Atomset:
        return self._null if text is None else frozenset(self._scanner.atoms(text))

    def fit(self, wanted: Atomset, unwanted: Atomset, near: int | None = None) -> Fitted | None:
        """The first value that will do; with `near` one that comes close to that unwanted atom."""
        key = (wanted, unwanted, near)
        if key not in self._known:
            self._known[key] = next(self.all(wanted, unwanted, near), None)
        return self._known[key]

    def all(self, wanted: Atomset, unwanted: Atomset, near: int | None = None) -> Iterator[Fitted]:
        for text in itertools.islice(self._candidates(wanted, near), MAX_TRIES):
            held = self.held(text)
            if wanted <= held and held.isdisjoint(unwanted):
                yield Fitted(text, held)

    def _candidates(self, wanted: Atomset, near: int | None) -> Iterator[str | None]:
        if near is not None and near not in self._null:
            yield from self._texts(wanted - self._null, near)
        # Of keywords the value is the raw line, and every event has one.
        if not self._whole_line and wanted <= self._null:
            yield None
        if wanted:
            yield from self._texts(wanted, None)
        else:
            yield from FILLERS

    def _texts(self, wanted: Atomset, near: int | None) -> Iterator[str]:
        atoms = [self.atoms[atom] for atom in sorted(wanted)]
        off = self.atoms[near] if near is not None else None
        yield from whole_values.candidates(atoms, off)
        for built in pieces(atoms, off):
            yield from _together(built)


def _together(built: list[Piece]) -> Iterator[str]:
    """The pieces in one text, in several ways; those that want to begin or end it do."""
    begin = max((piece.text for piece in built if piece.starts and not piece.ends), key=len, default="")
    end = max((piece.text for piece in built if piece.ends and not piece.starts), key=len, default="")
    inside = [piece.text for piece in built if not piece.starts and not piece.ends]
    if any(piece.starts and piece.ends for piece in built):
        yield from (piece.text for piece in built if piece.starts and piece.ends)
        return
    seen = set()
    for before, after in _PADS:
        for glue in (None, *_GLUES):
            text = _joined(begin, [*([before] if before else ()), *inside, *([after] if after else ())], end, glue)
            if text not in seen:
                seen.add(text)
                yield text


def _joined(begin: str, inside: list[str], end: str, glue: str | None) -> str:
    """What is there already, in one of the others, is not written twice."""
    text = begin
    for piece in inside:
        if fold(piece) not in fold(text) and fold(piece) not in fold(end):
            text = _glued(text, piece, glue)
    if not end or fold(text).endswith(fold(end)):
        return text
    return _glued(text, end, glue)


def _glued(left: str, right: str, glue: str | None) -> str:
    """With `glue` None as a person would: parts of a path stand side by side, words apart."""
    if not left:
        return right
    if glue is None:
        parts = (left[-1] in "\\/", right[0] in "\\/")
        glue = "x" if all(parts) else "" if any(parts) or left[-1].isspace() or right[0].isspace() else " "
    return left + glue + right
