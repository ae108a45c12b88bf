"""demands: which atoms must hold, and which must not, so that a condition is true or false.

In:   nodes of `expression`, each with what it is to be
Out:  `Demands`: for each field a value that fits, the first found first

A search with a way back: conditions without a choice are settled at once, then one alternative after the other is
tried; a field for which no value fits ends a branch early.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from detectors.sigma.expression import AllOf, And, AnyOf, Atoms, Named, Node, Not, Or
from detectors.sigma.witness.values import EMPTY, Atomset, Fitted, Values

MAX_STEPS = 5_000
"""Alternatives tried for one event: the longest public rule needs some hundreds."""

Goal = tuple[Node, bool]


class Demand(NamedTuple):
    """On one field."""

    wanted: Atomset = EMPTY
    unwanted: Atomset = EMPTY
    value: Fitted | None = None
    """None for two fields that are compared: `propose` sees to them when all others have their values."""


Demands = Mapping[int, Demand]
"""By the number of the field."""


class Search:
    def __init__(self, atoms: Atoms, values: Mapping[int, Values]) -> None:
        self._atoms = atoms
        self._values = values
        self._steps = 0

    def solve(self, goals: Sequence[Goal], demands: Demands) -> Iterator[Demands]:
        """Ways to meet all goals and what is demanded already."""
        self._steps = 0
        yield from self._solve(goals, demands)

    def _solve(self, goals: Sequence[Goal], demands: Demands) -> Iterator[Demands]:
        self._steps += 1
        settled = self._settle(goals, demands)
        if settled is None or self._steps > MAX_STEPS:
            return
        demands, choices = settled
        if not choices:
            yield demands
            return
        choice = min(choices, key=lambda goal: len(alternatives(goal)))
        rest = [goal for goal in choices if goal is not choice]
        for alternative in alternatives(choice):
            yield from self._solve([alternative, *rest], demands)

    def _settle(self, goals: Sequence[Goal], demands: Demands) -> tuple[Demands, list[Goal]] | None:
        """What leaves no choice; None when it cannot be."""
        choices: list[Goal] = []
        waiting = list(reversed(goals))
        while waiting:
            node, want = waiting.pop()
            match node:
                case Named(child=child):
                    waiting.append((child, want))
                case Not(child=child):
                    waiting.append((child, not want))
                case And(children=children) | Or(children=children) if isinstance(node, And) is want:
                    waiting.extend((child, want) for child in reversed(children))
                case AllOf() | AnyOf() if len(node.atoms) == 1 or isinstance(node, AllOf) is want:
                    wanted, unwanted = (node.atoms, EMPTY) if want else (EMPTY, node.atoms)
                    more = self.demand(demands, node.field, wanted, unwanted)
                    if more is None:
                        return None
                    demands = more
                case _:
                    choices.append((node, want))
        return demands, choices

    def demand(
        self, demands: Demands, field: int, wanted: Atomset, unwanted: Atomset, near: int | None = None
    ) -> Demands | None:
        """With that demanded, too; None if no value fits."""
        earlier = demands.get(field, Demand())
        wanted, unwanted = earlier.wanted | wanted, earlier.unwanted | unwanted
        if wanted & unwanted:
            return None
        value = earlier.value
        if not self._atoms.fields[field].other and (
            value is None or near is not None or not wanted <= value.held or not value.held.isdisjoint(unwanted)
        ):
            value = self._values[field].fit(wanted, unwanted, near)
            if value is None:
                return None
        return {**demands, field: Demand(wanted, unwanted, value)}


def alternatives(goal: Goal) -> list[Goal]:
    """Of which one is enough. Those of one atom first: they are the shortest way."""
    node, want = goal
    match node:
        case AnyOf() | AllOf():
            return [(AnyOf(node.field, frozenset((atom,))), want) for atom in sorted(node.atoms)]
        case And(children=children) | Or(children=children):
            return [(child, want) for child in sorted(children, key=_size)]
    raise TypeError(f"leaves no choice: {node!r}")


def _size(node: Node) -> int:
    match node:
        case AnyOf():
            return 1
        case AllOf():
            return len(node.atoms)
        case Not(child=child) | Named(child=child):
            return _size(child)
        case And(children=children):
            return sum(map(_size, children))
        case Or(children=children):
            return min(map(_size, children))
    raise TypeError(f"no node: {node!r}")
