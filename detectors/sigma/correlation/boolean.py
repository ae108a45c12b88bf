"""boolean: a condition over rule names -> its alternatives.

In:   `a and (b or not c)`
Out:  alternatives, each the names that must occur and those that must not; `ConditionError` with what and hint
Docs: Sigma specification, extended conditions of temporal correlations; pySigma's grammar (not before and before or)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_ALTERNATIVES = 64
MAX_NESTING = 50

_WORDS = ("and", "or", "not")
_HINT = "write rule names with and, or, not and brackets"

Parts = tuple[frozenset[str], frozenset[str]]
"""Names that must occur, names that must not."""


class ConditionError(ValueError):
    def __init__(self, what: str, hint: str = _HINT) -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


def names(text: str) -> list[str]:
    """The rule names in order of their first mention."""
    return list(dict.fromkeys(word for word in _split(text) if word not in "()" and word.lower() not in _WORDS))


def alternatives(text: str) -> list[Parts]:
    """The condition holds when one of these does. None asks for the impossible or for what another asks less for."""
    reader = _Reader(_split(text))
    found = reader.either(negated=False, depth=0)
    if reader.next:
        raise ConditionError(f"condition has '{reader.next}' where it should end")
    possible = [one for one in found if not one[0] & one[1]]
    if not possible:
        raise ConditionError("condition can never hold", "it asks that a rule occurs and does not occur")
    for present, absent in possible:
        if not present:
            what = f"condition holds when nothing but the lack of {', '.join(sorted(absent))} is seen"
            raise ConditionError(what, "name a rule that must occur beside it: 'a and not b'")
    return [one for one in possible if not any(_less(other, one) for other in possible)]


def _less(one: Parts, other: Parts) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def _split(text: str) -> list[str]:
    return re.findall(r"[()]|[^\s()]+", text)


class _Reader:
    """Recursive descent; `not` is carried down to the names, so that what comes up is always alternatives."""

    def __init__(self, words: list[str]) -> None:
        self._words: Iterator[str] = iter(words)
        self.next: str | None = next(self._words, None)

    def _take(self, word: str) -> bool:
        if self.next is None or self.next.lower() != word:
            return False
        self.next = next(self._words, None)
        return True

    def either(self, negated: bool, depth: int) -> list[Parts]:
        return self._joined("or", negated, depth)

    def _joined(self, word: str, negated: bool, depth: int) -> list[Parts]:
        def operand() -> list[Parts]:
            return self._joined("and", negated, depth) if word == "or" else self._operand(negated, depth)

        found = operand()
        while self._take(word):
            right = operand()
            # "not (a or b)" is "not a and not b".
            found = _any(found, right) if (word == "or") is not negated else _all(found, right)
        return found

    def _operand(self, negated: bool, depth: int) -> list[Parts]:
        if depth > MAX_NESTING:
            raise ConditionError("condition nests too deeply", f"{MAX_NESTING} levels at most")
        if self._take("not"):
            return self._operand(not negated, depth + 1)
        if self._take("("):
            found = self.either(negated, depth + 1)
            if not self._take(")"):
                raise ConditionError("condition lacks a ')'")
            return found
        name = self.next
        if name is None or name == ")" or name.lower() in _WORDS:
            raise ConditionError(f"condition has {repr(name) if name else 'nothing'} where a rule name should be")
        self.next = next(self._words, None)
        alone, none = frozenset([name]), frozenset[str]()
        return [(none, alone)] if negated else [(alone, none)]


def _any(left: list[Parts], right: list[Parts]) -> list[Parts]:
    return _bounded(list(dict.fromkeys([*left, *right])))


def _all(left: list[Parts], right: list[Parts]) -> list[Parts]:
    _bounded(left, len(right))
    return _bounded(list(dict.fromkeys((one[0] | other[0], one[1] | other[1]) for one in left for other in right)))


def _bounded(found: list[Parts], times: int = 1) -> list[Parts]:
    if len(found) * times > MAX_ALTERNATIVES**2 or (times == 1 and len(found) > MAX_ALTERNATIVES):
        hint = f"{MAX_ALTERNATIVES} at most: split the correlation"
        raise ConditionError("condition has too many alternatives", hint)
    return found
