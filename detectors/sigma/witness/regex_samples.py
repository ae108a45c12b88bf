"""regex_samples: short texts that a regular expression matches.

In:   an expression
Out:  `Sample`s, the shortest first; none for syntax that Python does not read
Docs: the re module of Python; RE2 syntax

What comes out is a proposal: an expression may ask for more around it (`\\b`), so the matcher has the last word.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

VARIANTS = 12
MAX_LENGTH = 4_000
_LIKED = "a1b2cdefxyzABC0 -_./\\:=\"'@%&?,;()<>[]{}|~$#!*+^`\t\nđ"
_CATEGORIES = {"DIGIT": "1", "WORD": "a", "SPACE": " ", "NOT_DIGIT": "a", "NOT_WORD": "-", "NOT_SPACE": "a"}
_TESTS: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdigit,
    "WORD": lambda character: character.isalnum() or character == "_",
    "SPACE": str.isspace,
}


class Sample(NamedTuple):
    text: str
    starts: bool
    """The expression wants it at the beginning of the value."""
    ends: bool


class _TooLongError(Exception):
    """A sample past MAX_LENGTH."""


def samples(regex: str, count: int = VARIANTS) -> Iterator[Sample]:
    """At most `count`, and the same ones each time."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Private, and still the only reader of expressions in the standard library that says what is in them.
            tree = re._parser.parse(regex)  # type: ignore[attr-defined]
    except (re.error, OverflowError, RecursionError):
        return
    for variant in range(count):
        writer = _Writer(random.Random(variant) if variant else None)  # noqa: S311 - no secret
        try:
            text = writer.sequence(tree)
        except (_TooLongError, RecursionError):
            continue
        yield Sample(text, writer.starts, writer.ends)


class _Writer:
    """Without a `chance` the shortest and plainest; with one, any."""

    def __init__(self, chance: random.Random | None) -> None:
        self._chance = chance
        self._groups: dict[int, str] = {}
        self._length = 0
        self.starts = self.ends = False

    def sequence(self, tokens: Any) -> str:
        return "".join([self._token(str(operator), argument) for operator, argument in tokens])

    def _token(self, operator: str, argument: Any) -> str:
        match operator:
            case "LITERAL":
                return self._counted(chr(argument))
            case "NOT_LITERAL":
                return self._counted(self._pick([char for char in _LIKED if char != chr(argument)]))
            case "ANY":
                return self._counted(self._pick(_LIKED[:12]))
            case "IN":
                return self._counted(self._one_of(argument))
            case "BRANCH":
                return self.sequence(self._pick(argument[1]))
            case "SUBPATTERN":
                group, _, _, inner = argument
                self._groups[group] = self.sequence(inner)
                return self._groups[group]
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = argument
                more = self._chance.randint(0, 2) if self._chance else 0
                return "".join(self.sequence(inner) for _ in range(min(least + more, int(most))))
            case "ATOMIC_GROUP":
                return self.sequence(argument)
            case "AT":
                self.starts |= "BEGINNING" in str(argument)
                self.ends |= "END" in str(argument)
        return ""

    def _counted(self, text: str) -> str:
        self._length += 1
        if self._length > MAX_LENGTH:
            raise _TooLongError
        return text

    def _pick(self, choices: Any) -> Any:
        return self._chance.choice(choices) if self._chance else choices[0]

    def _one_of(self, members: list[tuple[Any, Any]]) -> str:
        if str(members[0][0]) == "NEGATE":
            allowed = [char for char in _LIKED if not any(_in(char, *member) for member in members[1:])]
            return str(self._pick(allowed or ["\u2603"]))
        operator, argument = self._pick(members)
        match str(operator):
            case "RANGE":
                low, high = argument
                return chr(self._chance.randint(low, high) if self._chance else low)
            case "CATEGORY":
                return _CATEGORIES[str(argument).removeprefix("CATEGORY_")]
        return chr(argument)


def _in(character: str, operator: Any, argument: Any) -> bool:
    match str(operator):
        case "LITERAL":
            return bool(ord(character) == argument)
        case "RANGE":
            return bool(argument[0] <= ord(character) <= argument[1])
    name = str(argument).removeprefix("CATEGORY_")
    return _TESTS[name.removeprefix("NOT_")](character) is not name.startswith("NOT_")
