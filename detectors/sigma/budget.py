"""budget: what each rule costs by itself, and when that is too much.

In:   batch by batch, the matches and the time spent on single rules
Out:  a `Ledger`; the rules that are over a `Budget`, and why

What all rules share (reading events, searching a field's values for every rule's text at once) is nobody's cost. A
rule's own is to have its condition decided on what might match, its expressions that no shared search takes, and what
becomes of its matches.

A rule that takes too long is tried no more. One that matches too much is not: whoever floods the log would switch it
off. Of its matches in a batch an even share is kept, and the rest is counted.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import thread_time_ns
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.sigma.expression import Held, Node

Numbers = npt.NDArray[np.int32]
Kept = npt.NDArray[np.bool_]

LEAST_EVENTS = 100_000
"""A rule is judged by no fewer."""


LEAST_MATCHES = 1_000
"""As many of one batch are always kept."""


@dataclass(frozen=True)
class Budget:
    """What one rule may cost, of a thousand events of any kind."""

    microseconds: float = 10_000.0
    matches: float = 200.0
    counted: frozenset[int] = frozenset()
    """Rules whose every match counts, since a correlation needs them."""


class Spent(NamedTuple):
    """What one rule has taken; sums, which only rise."""

    nanoseconds: int = 0
    """Of processor time: on a busy machine no rule answers for the time in which others ran."""
    decided: int = 0
    matches: int = 0
    left_out: int = 0


class Cost(NamedTuple):
    """Of a thousand events."""

    rule: int
    microseconds: float
    candidates: float
    """How often its condition was decided: once for all events that say the same to it."""
    matches: float
    left_out: float = 0.0
    """Matches over the budget."""


class Ledger:
    def __init__(self) -> None:
        self.events = 0
        self._nanoseconds: Counter[int] = Counter()
        self._candidates: Counter[int] = Counter()
        self._matches: Counter[int] = Counter()
        self.left_out: Counter[int] = Counter()
        self.of_atoms: Counter[int] = Counter()
        """Nanoseconds of the atoms that are tested one by one."""

    def take(self) -> Ledger:
        """What stands in it, for a ledger elsewhere; it begins anew."""
        taken = copy.deepcopy(self)
        self.events = 0
        for counter in self._counters():
            counter.clear()
        return taken

    def join(self, other: Ledger) -> None:
        """Adds what another ledger had taken."""
        self.events += other.events
        for counter, its in zip(self._counters(), other._counters(), strict=True):
            counter.update(its)

    def _counters(self) -> tuple[Counter[int], ...]:
        return self._nanoseconds, self._candidates, self._matches, self.left_out, self.of_atoms

    def decide(self, rules: Iterable[int], nodes: Mapping[int, Node], held: Held) -> list[int]:
        """Those of the rules whose nodes hold, each decided on its own account."""
        matched = []
        before = thread_time_ns()
        for rule in rules:
            if nodes[rule].holds(held):
                matched.append(rule)
            # The clock costs as much as a small condition: one look at it a rule, not two.
            now = thread_time_ns()
            self._nanoseconds[rule] += now - before
            self._candidates[rule] += 1
            before = now
        return matched

    def add(self, events: int, rules: Numbers, budget: Budget | None) -> Kept:
        """A batch of events, and the rule of each match in it. Which matches stay within the budget."""
        self.events += events
        numbers, counts = np.unique(rules, return_counts=True)
        self._matches.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        kept = np.ones(len(rules), bool)
        if budget:
            allowed = max(LEAST_MATCHES, int(events * budget.matches / 1_000))
            for number in numbers[counts > allowed].tolist():
                if number not in budget.counted:
                    at = np.flatnonzero(rules == number)
                    kept[at] = False
                    kept[at[np.linspace(0, len(at) - 1, allowed).astype(np.int64)]] = True
                    self.left_out[number] += len(at) - allowed
        return kept

    def spent(self, owners: Mapping[int, list[int]]) -> dict[int, Spent]:
        """Of every rule that took anything. `owners`: the rules of each atom tested one by one."""
        nanoseconds = self._nanoseconds.copy()
        for atom, taken in self.of_atoms.items():
            for rule in owners.get(atom, ()):
                nanoseconds[rule] += taken // len(owners[atom])
        return {
            rule: Spent(nanoseconds[rule], self._candidates[rule], self._matches[rule], self.left_out[rule])
            for rule in nanoseconds.keys() | self._matches.keys()
        }

    def costs(self, owners: Mapping[int, list[int]]) -> list[Cost]:
        """Every rule that cost anything, the dearest first."""
        share = 1_000 / max(self.events, 1)
        costs = [
            Cost(rule, one.nanoseconds / 1_000 * share, one.decided * share, one.matches * share, one.left_out * share)
            for rule, one in self.spent(owners).items()
        ]
        return sorted(costs, key=lambda cost: (-cost.microseconds, -cost.matches, cost.rule))


def fault(cost: Cost, budget: Budget) -> str | None:
    """Why a rule is to be tried no more; None when it is within its budget."""
    if cost.microseconds > budget.microseconds:
        return f"took {cost.microseconds:,.0f} microseconds of 1,000 events; {budget.microseconds:,.0f} are allowed"
    return None
