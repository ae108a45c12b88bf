"""pieces: what a text must have in it for atoms to hold.

In:   atoms of one field; one of them, perhaps, that is to be missed narrowly
Out:  lists of `Piece`s, one list for each variant of wildcards and regular expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from detectors.sigma.expression import Atom
from detectors.sigma.witness.regex_samples import VARIANTS, samples

_FILLS = ("", "x", "1", " ", "x x", "/")


class Piece(NamedTuple):
    text: str
    starts: bool
    ends: bool


def pieces(atoms: Sequence[Atom], off: Atom | None) -> Iterator[list[Piece]]:
    """Of every atom in the first variant, then in the second, and so on; `off` comes a character short."""
    options = [_options(atom) for atom in atoms if atom.test != "null"]
    if off is not None:
        options.append([_spoiled(piece) for piece in _options(off)])
    if not all(options):
        return
    for variant in range(max(map(len, options), default=0)):
        yield [option[variant % len(option)] for option in options]


def _options(atom: Atom) -> list[Piece]:
    text = str(atom.value)
    match atom.test.removeprefix("cased_"):
        case "contains":
            return [Piece(text, False, False)]
        case "startswith":
            return [Piece(text, True, False)]
        case "endswith":
            return [Piece(text, False, True)]
        case "equals":
            return [Piece(text, True, True)]
        case "wildcard":
            return [_wildcard(text, fill) for fill in _FILLS]
        case "regex" | "regex_re2":
            return [Piece(*sample) for sample in samples(text, VARIANTS)]
    return []


def _wildcard(pattern: str, fill: str) -> Piece:
    parts = re.findall(r"\\.|[^\\*?]+|[*?]", pattern, re.DOTALL)
    starts, ends = parts[0] != "*", parts[-1] != "*"
    inner = parts[0 if starts else 1 : len(parts) if ends else -1]
    filled = {"*": fill, "?": fill[:1] or "x"}
    text = "".join(filled.get(part) or ("" if part == "*" else part[-1] if part[0] == "\\" else part) for part in inner)
    return Piece(text, starts, ends)


def _spoiled(piece: Piece) -> Piece:
    """The same a character short; of a single one, another."""
    text = piece.text
    if len(text) < 2:
        return piece._replace(text="z" if text == "y" else "y")
    return piece._replace(text=text[1:] if piece.ends and not piece.starts else text[:-1])
