"""program: the rules of one log source, filed so that a row meets only those it could match.

In:   per row and field, the signature of its value (`scanner`)
Out:  (row, rule) pairs

1. A signature is narrowed to the atoms that these rules ask for.
2. Rows whose narrowed signatures are all the same match the same rules: each such *profile* is decided once and
   remembered.
3. A new profile is decided on the rules that have one of their necessary atoms in it; the others are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.sigma.budget import Ledger
from detectors.sigma.expression import AllOf, And, AnyOf, Named, Node, Not, Or

Numbers = npt.NDArray[np.int32]
Sets = Mapping[int, list[frozenset[int]]]
"""Field number -> signature -> the atoms that hold."""

MAX_PROFILES = 50_000
_EMPTY = np.zeros(0, np.int32)


@dataclass(frozen=True)
class Compiled:
    number: int
    """Index of the rule in the rule set."""
    node: Node
    asked: Mapping[int, set[int]]
    necessary: frozenset[int] | None
    """Atoms of which one holds wherever the rule matches, the rarest such set; None: there is none."""

    @classmethod
    def of(cls, number: int, node: Node, cost: Callable[[int], float]) -> Compiled:
        return cls(number, node, asked(node), node.necessary(cost))


class Program:
    def __init__(self, rules: Sequence[Compiled], ledger: Ledger) -> None:
        self._ledger = ledger
        self._nodes = {rule.number: rule.node for rule in rules}
        wanted: dict[int, set[int]] = {}
        for rule in rules:
            for field, atoms in rule.asked.items():
                wanted.setdefault(field, set()).update(atoms)
        self.fields = sorted(wanted)
        self._asked = [frozenset(wanted[field]) for field in self.fields]
        self._filed: dict[int, list[int]] = {}
        self._always: list[int] = []
        for rule in rules:
            if rule.necessary is None:
                self._always.append(rule.number)
            for atom in rule.necessary or ():
                self._filed.setdefault(atom, []).append(rule.number)
        self.forget()

    def forget(self) -> None:
        """Drops what depends on signatures."""
        self._views = [_View(asked) for asked in self._asked]
        self._profiles: dict[bytes, Numbers] = {}

    def match(
        self, rows: int, signatures: Sequence[Numbers | None], sets: Sequence[list[frozenset[int]]]
    ) -> tuple[Numbers, Numbers]:
        """Row and rule of each match. `signatures`: for each of `fields`, one a row or None; `sets`: what they mean."""
        if len(self._profiles) > MAX_PROFILES:
            self._profiles.clear()
        narrowed = np.zeros((len(self.fields), rows), np.int32)
        key = np.zeros(rows, np.int64)
        room = 1
        for at, view in enumerate(self._views):
            given = signatures[at]
            if given is None:
                continue
            narrowed[at] = view.narrow(given, sets[at])
            if not narrowed[at].any():
                continue
            room *= len(view.sets)
            if room >= 1 << 62:
                key, room = np.unique(key, return_inverse=True)[1], rows * len(view.sets)
            key = key * len(view.sets) + narrowed[at]
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        profiles = np.ascontiguousarray(narrowed[:, first].T)
        matched = [self._decide(profile) for profile in profiles]
        return _expand(matched, inverse)

    def _decide(self, profile: Numbers) -> Numbers:
        name = profile.tobytes()
        found = self._profiles.get(name)
        if found is None:
            found = self._profiles[name] = self._evaluate(profile.tolist())
        return found

    def _evaluate(self, profile: list[int]) -> Numbers:
        held = {field: view.sets[at] for field, view, at in zip(self.fields, self._views, profile, strict=True)}
        candidates = set(self._always)
        for view, at in zip(self._views, profile, strict=True):
            if at:
                candidates.update(view.candidates(at, self._filed))
        matched = sorted(self._ledger.decide(candidates, self._nodes, held))
        return np.array(matched, np.int32) if matched else _EMPTY


class _View:
    """One field as one program sees it: its signatures narrowed to the atoms asked for."""

    def __init__(self, asked: frozenset[int]) -> None:
        self._asked = asked
        self.sets: list[frozenset[int]] = [frozenset()]
        self._numbers: dict[frozenset[int], int] = {frozenset(): 0}
        self._narrowed = np.zeros(0, np.int32)
        self._candidates: dict[int, list[int]] = {}

    def narrow(self, signatures: Numbers, sets: list[frozenset[int]]) -> Numbers:
        if len(self._narrowed) < len(sets):
            fresh = [self._number(atoms & self._asked) for atoms in sets[len(self._narrowed) :]]
            self._narrowed = np.concatenate((self._narrowed, np.array(fresh, np.int32)))
        return self._narrowed[signatures]

    def _number(self, atoms: frozenset[int]) -> int:
        found = self._numbers.setdefault(atoms, len(self.sets))
        if found == len(self.sets):
            self.sets.append(atoms)
        return found

    def candidates(self, at: int, filed: Mapping[int, list[int]]) -> list[int]:
        found = self._candidates.get(at)
        if found is None:
            found = self._candidates[at] = [rule for atom in self.sets[at] for rule in filed.get(atom, ())]
        return found


def asked(node: Node) -> dict[int, set[int]]:
    """Field number -> atoms that the node looks at."""
    found: dict[int, set[int]] = {}
    waiting = [node]
    while waiting:
        match waiting.pop():
            case AnyOf() | AllOf() as leaf:
                found.setdefault(leaf.field, set()).update(leaf.atoms)
            case And() | Or() as branch:
                waiting.extend(branch.children)
            case Not(child=child) | Named(child=child):
                waiting.append(child)
    return found


def _expand(matched: Sequence[Numbers], inverse: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Profiles' rules for every row of the profile."""
    counts = np.array([len(rules) for rules in matched], np.int64)
    if not counts.any():
        return _EMPTY, _EMPTY
    rows = np.flatnonzero(counts[inverse])
    of_row = inverse[rows]
    return (
        np.repeat(rows, counts[of_row]).astype(np.int32),
        np.concatenate([matched[profile] for profile in of_row]),
    )
