"""logic: conditions that cannot hold, and conditions that hold for events with nothing of what the rule names.

In:   a Ruleset
Out:  Doubts "never-matches", "matches-everything"

No proof either way: a condition is split into what it wants and what it bars, as far as "and" reaches, and each
alternative is tried with that; what is found is contradictory, what is not found may be so all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from detectors.sigma.check.doubt import Doubt
from detectors.sigma.check.place import line_of
from detectors.sigma.expression import AllOf, And, AnyOf, Atom, Atoms, Node, Not, Or
from detectors.sigma.program import asked
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem
from ingest.event import FIELDS

_EXACT = ("equals", "number")


def doubts(ruleset: Ruleset) -> Iterator[Doubt]:
    for rule, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        why = contradiction(node, ruleset.atoms)
        if why:
            problem = Problem(
                rule.path, line_of(rule.path, rule.line, "condition"), f"can never match: {why}", "mend it"
            )
            yield Doubt(problem, "never-matches")
        elif rule.generate and holds_without_anything(node, ruleset.atoms):
            what = "matches every event of its log source but those that it excludes"
            hint = "name something that must be there"
            problem = Problem(rule.path, line_of(rule.path, rule.line, "condition"), what, hint)
            yield Doubt(problem, "matches-everything")


def holds_without_anything(node: Node, atoms: Atoms) -> bool:
    """Whether it holds where each field is there and passes no test, or where none is there."""
    fields = asked(node)
    present = dict.fromkeys(fields, frozenset[int]())
    absent = {
        at: frozenset(number for number in numbers if atoms.all[number].test == "null")
        for at, numbers in fields.items()
    }
    return node.holds(present) or node.holds(absent)


@dataclass
class _Wants:
    """What must and what must not hold for a condition to hold, and the alternatives that are left."""

    required: set[int] = field(default_factory=set)
    barred: set[int] = field(default_factory=set)
    open: list[AnyOf | Or] = field(default_factory=list)

    def add(self, node: Node, holds: bool = True) -> None:
        match node, holds:
            case Not(child=child), _:
                self.add(child, not holds)
            case (AllOf(atoms=atoms), True):
                self.required |= atoms
            case (AnyOf(atoms=atoms), True) if len(atoms) == 1:
                self.required |= atoms
            case (AnyOf() | Or() as alternatives, True):
                self.open.append(alternatives)
            case (And(children=children), True) | (Or(children=children), False):
                for child in children:
                    self.add(child, holds)
            case (AnyOf(atoms=atoms), False):
                self.barred |= atoms
            case (AllOf(atoms=atoms), False) if len(atoms) == 1:
                self.barred |= atoms


def contradiction(node: Node, atoms: Atoms) -> str | None:
    """Why the condition cannot hold, or None."""
    return _contradiction(node, atoms, frozenset(), frozenset())


def _contradiction(node: Node, atoms: Atoms, required: frozenset[int], barred: frozenset[int]) -> str | None:
    wants = _Wants(set(required), set(barred))
    wants.add(node)
    why = _clash(wants, atoms)
    if why:
        return why
    for alternatives in wants.open:
        if isinstance(alternatives, AnyOf):
            if not alternatives.atoms - wants.barred:
                return f"every value of {_name(atoms, min(alternatives.atoms))} that it asks for is excluded"
            continue
        if not alternatives.children:
            return "a list without values"
        below = frozenset(wants.required), frozenset(wants.barred)
        reasons = [_contradiction(child, atoms, *below) for child in alternatives.children]
        if all(reasons):
            return reasons[0]
    return None


def _clash(wants: _Wants, atoms: Atoms) -> str | None:
    both = wants.required & wants.barred
    if both:
        return f"{_text(atoms, min(both))}, and not"
    fields: dict[object, list[int]] = {}
    for number in sorted(wants.required):
        fields.setdefault(atoms.all[number].field, []).append(number)
    for numbers in fields.values():
        clash = _of_field([(number, atoms.all[number]) for number in numbers])
        if clash:
            return f"{_text(atoms, clash[0])} and {_text(atoms, clash[1])}"
    return None


def _of_field(required: list[tuple[int, Atom]]) -> tuple[int, int] | None:
    """Two of these atoms of one field that cannot both hold."""
    absent = [number for number, atom in required if atom.test == "null"]
    others = [number for number, atom in required if atom.test != "null"]
    if absent and others:
        return absent[0], others[0]
    exact = [(number, atom) for number, atom in required if atom.test in _EXACT]
    if not exact or _may_hold_several(exact[0][1]):
        return None
    first, known = exact[0]
    for number, atom in required:
        if number != first and not _allows(known, atom):
            return first, number
    return None


def _may_hold_several(atom: Atom) -> bool:
    """A list holds `a` and `b` if one of its values is `a` and another `b`."""
    types = [FIELDS[name] for name in atom.field.columns if name in FIELDS]
    return atom.field.is_keywords or any(pa.types.is_list(type_) for type_ in types)


def _allows(exact: Atom, other: Atom) -> bool:
    """Whether a value that is exactly the one may pass the other; True where it is not looked into."""
    if exact.test == "number" or other.test == "number":
        return exact.test != other.test or exact.value == other.value
    value, text = str(exact.value), str(other.value)
    match other.test:
        case "equals":
            return value == text
        case "contains":
            return text in value
        case "startswith":
            return value.startswith(text)
        case "endswith":
            return value.endswith(text)
    return True


def _name(atoms: Atoms, number: int) -> str:
    field = atoms.all[number].field
    return "the event" if field.is_keywords else field.columns[0]


def _text(atoms: Atoms, number: int) -> str:
    atom = atoms.all[number]
    if atom.test == "null":
        return f"{_name(atoms, number)} is missing"
    return f"{_name(atoms, number)} {atom.test.replace('_', ' ')} '{atom.value!s:.60}'"
