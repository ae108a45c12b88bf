"""expression: conditions over atoms that all rules share.

In:   the lists that `translate` writes
Out:  `Node`s over atom numbers; per field, the atoms to test

An *atom* is one test of one field (`Image` ends with `\\cmd.exe`); the same atom in forty rules is tested once. What a
row says of a field is the set of its atoms that hold there; a node asks those sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Field(NamedTuple):
    """What atoms look at: the columns that can hold a field, two fields (`fieldref`), or the whole event (none)."""

    columns: tuple[str, ...]
    other: tuple[str, ...] = ()
    scope: str = ""
    """Keywords: the log source. Its events are searched for its own keywords only, not for every router's."""

    @property
    def is_keywords(self) -> bool:
        return not self.columns


Resolve = Callable[[str], tuple[str, ...]]
"""The columns that can hold a field of a rule, by its name in the rule."""

Held = Mapping[int, frozenset[int]]
"""Of one row: field number -> the atoms of that field that hold."""


@dataclass(frozen=True)
class Atom:
    field: Field
    test: str
    value: str | float


class Node(Protocol):
    def holds(self, held: Held) -> bool: ...

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        """Atoms of which at least one holds wherever this holds, the cheapest such set; None if there is none."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these atoms of one field."""

    field: int
    atoms: frozenset[int]

    def holds(self, held: Held) -> bool:
        return not self.atoms.isdisjoint(held[self.field])

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        return self.atoms


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these atoms of one field."""

    field: int
    atoms: frozenset[int]

    def holds(self, held: Held) -> bool:
        return self.atoms <= held[self.field]

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        return frozenset((min(self.atoms, key=lambda atom: (cost(atom), atom)),))


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Node, ...]

    def holds(self, held: Held) -> bool:
        return all(child.holds(held) for child in self.children)

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        sets = [atoms for child in self.children if (atoms := child.necessary(cost)) is not None]
        return min(sets, key=lambda atoms: sum(map(cost, atoms)), default=None)


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]

    def holds(self, held: Held) -> bool:
        return any(child.holds(held) for child in self.children)

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        union: set[int] = set()
        for child in self.children:
            atoms = child.necessary(cost)
            if atoms is None:
                return None
            union |= atoms
        return frozenset(union)


@dataclass(frozen=True, slots=True)
class Not:
    child: Node

    def holds(self, held: Held) -> bool:
        return not self.child.holds(held)

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        return None


@dataclass(frozen=True, slots=True)
class Named:
    """A selection or a filter by its name: for those who explain a rule; matching does without."""

    name: str
    child: Node

    def holds(self, held: Held) -> bool:
        return self.child.holds(held)

    def necessary(self, cost: Callable[[int], float]) -> frozenset[int] | None:
        return self.child.necessary(cost)


class Atoms:
    """All atoms and fields of a rule set, numbered in order of first use."""

    def __init__(self) -> None:
        self.all: list[Atom] = []
        self.fields: list[Field] = []
        self.by_field: list[list[int]] = []
        self._numbers: dict[tuple[int, str, str | float], int] = {}
        self._fields: dict[Field, int] = {}
        self._named: dict[tuple[str, str | None, str], int] = {}

    def _field(self, field: Field) -> int:
        at = self._fields.get(field)
        if at is None:
            at = self._fields[field] = len(self.fields)
            self.fields.append(field)
            self.by_field.append([])
        return at

    def _number(self, at: int, test: str, value: str | float) -> int:
        key = (at, test, value)
        atom = self._numbers.get(key)
        if atom is None:
            atom = self._numbers[key] = len(self.all)
            self.all.append(Atom(self.fields[at], test, value))
            self.by_field[at].append(atom)
        return atom

    def node(self, written: list[Any], resolve: Resolve, scope: str, *, named: bool = False) -> Node:
        """The node of a list that `translate` wrote; `scope` names the log source: names mean its fields.

        With `named` it keeps the names of selections, which stand in the way of joining atoms.
        """
        match written:
            case ["atom", name, test, value]:
                other = value if test.startswith("field_") else ""
                field = self._named.get((scope, name, other))
                if field is None:
                    columns = (
                        Field((), (), scope) if name is None else Field(resolve(name), resolve(other) if other else ())
                    )
                    field = self._named[scope, name, other] = self._field(columns)
                return AnyOf(field, frozenset((self._number(field, test, value),)))
            case ["named", name, child]:
                inner = self.node(child, resolve, scope, named=named)
                return Named(name, inner) if named else inner
            case ["not", child]:
                return Not(self.node(child, resolve, scope, named=named))
            case ["and", *children]:
                return _join(AllOf, And, (self.node(child, resolve, scope, named=named) for child in children))
            case ["or", *children]:
                return _join(AnyOf, Or, (self.node(child, resolve, scope, named=named) for child in children))
        raise ValueError(f"not an expression: {written!r:.200}")


def _join(leaf: type[AnyOf] | type[AllOf], branch: type[And] | type[Or], children: Iterable[Node]) -> Node:
    """Atoms of one field that stand side by side become one set."""
    sets: dict[int, set[int]] = {}
    rest: list[Node] = []
    for child in children:
        if isinstance(child, leaf) or (isinstance(child, (AnyOf, AllOf)) and len(child.atoms) == 1):
            sets.setdefault(child.field, set()).update(child.atoms)
        elif isinstance(child, branch):
            rest.extend(child.children)
        else:
            rest.append(child)
    joined = [leaf(field, frozenset(atoms)) for field, atoms in sets.items()] + rest
    return joined[0] if len(joined) == 1 else branch(tuple(joined))
