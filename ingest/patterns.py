"""patterns: the parts of a regular expression.

In:   an RE2 expression
Out:  the parts that stand one behind the other, each with its quantifier
Docs: RE2 syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP]\{\^?\w+\}|[pP]\w|.)", re.DOTALL)
_GROUP_HEAD = re.compile(r"\(\?(?:P<\w+>|[a-zA-Z-]*:)")


@dataclass(frozen=True)
class Atom:
    text: str
    literal: int
    """How many characters of plain text every match of it has."""


def atoms(pattern: str) -> list[Atom]:
    """The parts of a concatenation; an expression that is a choice between several is one part."""
    parts: list[Atom] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "|":
            return [Atom(f"(?:{pattern})", 0)]
        end, literal = _one(pattern, at)
        if quantifier := _QUANTIFIER.match(pattern, end):
            end = quantifier.end()
            literal = 0 if quantifier[0][0] in "*?{" else literal
        parts.append(Atom(pattern[at:end], literal))
        at = end
    return parts


def _one(pattern: str, at: int) -> tuple[int, int]:
    """The end of the part that begins at `at`, and its literal length."""
    first = pattern[at]
    if first == "(":
        end = _closing(pattern, at)
        head = _GROUP_HEAD.match(pattern, at)
        inner = pattern[head.end() if head else at + 1 : end - 1]
        return end, sum(atom.literal for atom in atoms(inner))
    if first == "[" and (found := _CLASS.match(pattern, at)):
        return found.end(), 0
    if first == "\\" and (found := _ESCAPE.match(pattern, at)):
        return found.end(), int(not found[0][1:2].isalnum())
    return at + 1, int(first not in ".^$")


def _closing(pattern: str, at: int) -> int:
    """Behind the bracket that closes the group at `at`."""
    depth = 0
    while at < len(pattern):
        skipped = _ESCAPE.match(pattern, at) or _CLASS.match(pattern, at)
        if skipped:
            at = skipped.end()
            continue
        depth += {"(": 1, ")": -1}.get(pattern[at], 0)
        at += 1
        if not depth:
            break
    return at
