"""propose: a smallest event that a rule fires on, and events that it narrowly does not fire on.

In:   a `Ruleset` and the number of one of its rules
Out:  `Proposed`; the matcher has tried every event in it, and what it does not bear out is left out with a reason

A near miss is the firing event with one test missed, all else the same; or with one exception of the rule met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from detectors.sigma.columns import ORIGINAL
from detectors.sigma.explain import describe
from detectors.sigma.expression import And, Atoms, Named, Node, Not, Or
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.program import asked
from detectors.sigma.rule import Rule
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness.assemble import assemble
from detectors.sigma.witness.demands import Demand, Demands, Goal, Search
from detectors.sigma.witness.values import EMPTY, Values

MAX_WAYS = 20
"""Ways to meet the demands that are tried until one makes an event."""

Event = dict[str, Any]
"""By dotted names, as `scan --events ndjson` reads it."""


@dataclass(frozen=True)
class Proposal:
    name: str
    fires: bool
    event: Event


@dataclass
class Proposed:
    events: list[Proposal] = field(default_factory=list)
    """The firing one first."""
    left_out: list[str] = field(default_factory=list)
    """What could not be made, one sentence each."""


def propose(ruleset: Ruleset, number: int) -> Proposed:
    rule = ruleset.rules[number]
    writer = _Writer(ruleset.atoms, ruleset.named(number), rule)
    proposed = Proposed()
    firing = writer.firing()
    if firing is None:
        proposed.left_out.append("no firing event: no values were found that meet the condition")
        return proposed
    found = [Proposal("fires", True, firing)]
    for name, event in writer.near():
        if event is None:
            proposed.left_out.append(f"no event for '{name}': no values were found")
        else:
            found.append(Proposal(name, False, event))
    fired = fires(ruleset, number, [one.event for one in found])
    for one, did in zip(found, fired, strict=True):
        if one.fires is did:
            proposed.events.append(one)
        else:
            proposed.left_out.append(f"no event for '{one.name}': the matcher {'fires' if did else 'does not fire'}")
    return proposed


def fires(ruleset: Ruleset, number: int, events: Sequence[Event]) -> list[bool]:
    """What the matcher says of each."""
    batch, _ = flat_batch([orjson.dumps(event) for event in events])
    matches = ruleset.match(batch)
    rows = {
        row for row, rule in zip(matches["row"].to_pylist(), matches["rule"].to_pylist(), strict=True) if rule == number
    }
    return [row in rows for row in range(len(events))]


class _Writer:
    def __init__(self, atoms: Atoms, root: Node, rule: Rule) -> None:
        self._atoms = atoms
        self._root = root
        self._stated = {name: value for name, value in vars(rule.logsource).items() if value}
        self._values = {
            number: Values(atoms.fields[number], {atom: atoms.all[atom] for atom in sorted(its)})
            for number, its in sorted(asked(root).items())
            if not atoms.fields[number].other
        }
        self._search = Search(atoms, self._values)
        self._base: Demands = {}

    def firing(self) -> Event | None:
        for demands in islice(self._search.solve([(self._root, True)], {}), MAX_WAYS):
            event = self._event(demands)
            if event is not None:
                self._base = demands
                return event
        return None

    def near(self) -> Iterator[tuple[str, Event | None]]:
        """After `firing`. An event that was told is not told again."""
        told: list[Event] = []
        for name, goals, starts in (*self._missed(), *self._excepted()):
            ways = (self._search.solve(goals, start) for start in starts if start is not None)
            events = (self._event(demands) for way in ways for demands in islice(way, MAX_WAYS))
            event = next((event for event in events if event is not None), None)
            if event is None or event not in told:
                yield name, event
            if event is not None:
                told.append(event)

    def _missed(self) -> Iterator[tuple[str, list[Goal], list[Demands | None]]]:
        """For each test that the firing event meets."""
        wanted = {number: Demand(one.wanted, EMPTY, one.value) for number, one in self._base.items()}
        for number, demand in self._base.items():
            for atom in sorted(demand.wanted):
                starts: list[Demands | None] = []
                for others in (self._base, wanted):
                    rest = Demand(demand.wanted - {atom}, others[number].unwanted)
                    changed = {**others, number: rest}
                    starts.append(self._search.demand(changed, number, EMPTY, frozenset((atom,)), atom))
                yield f"not: {self._text(number, atom)}", [(self._root, False)], starts

    def _excepted(self) -> Iterator[tuple[str, list[Goal], list[Demands | None]]]:
        """For each exception of the rule (`not filter`)."""
        wanted = {number: Demand(one.wanted, EMPTY, one.value) for number, one in self._base.items() if one.wanted}
        for exception, goals in _exceptions(self._root, []):
            yield self._exception_text(exception), [*goals, (exception, True)], [wanted, {}]

    def _event(self, demands: Demands) -> Event | None:
        values = assemble(self._atoms, self._values, demands)
        if values is None:
            return None
        return {**self._stated, **{columns[0] if columns else ORIGINAL: value for columns, value in values.items()}}

    def _text(self, number: int, atom: int) -> str:
        columns = self._atoms.fields[number].columns
        return f"{columns[0] if columns else 'the line'} {describe(self._atoms.all[atom])}"

    def _exception_text(self, node: Node) -> str:
        if isinstance(node, Named):
            return f"excepted: {node.name}"
        number, atoms = next(iter(asked(node).items()))
        return f"excepted: {self._text(number, min(atoms))}"


def _exceptions(node: Node, others: list[Goal]) -> Iterator[tuple[Node, list[Goal]]]:
    """What the condition wants to be false, and all that must hold beside, so that it alone prevents a match."""
    match node:
        case Named(child=child):
            yield from _exceptions(child, others)
        case And(children=children) | Or(children=children):
            want = isinstance(node, And)
            for child in children:
                beside = [(sibling, want) for sibling in children if sibling is not child]
                yield from _exceptions(child, [*others, *beside])
        case Not(child=Or(children=children)) | Not(child=Named(child=Or(children=children))):
            for child in children:
                yield child, others
        case Not(child=child):
            yield child, others
