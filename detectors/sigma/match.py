"""match: a batch of events through the rules of their log sources.

In:   a flat Arrow batch, or the objects of a block of JSON lines
Out:  row and rule of each match, by row and then rule
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from detectors.sigma.budget import LEAST_EVENTS, Budget, Cost, Kept, Ledger, Spent, fault
from detectors.sigma.columns import STATED, Columns
from detectors.sigma.expression import Atom, Atoms, Field, Node
from detectors.sigma.keywords import Keywords
from detectors.sigma.line_search import LineSearch
from detectors.sigma.objects import Objects
from detectors.sigma.program import Compiled, Numbers, Program
from detectors.sigma.reading import Reading
from detectors.sigma.rule import LogSource
from detectors.sigma.scanner import PairScanner, Scanner
from detectors.sigma.taxonomy import Membership, Taxonomy

SCHEMA = pa.schema([("row", pa.int32()), ("rule", pa.int32())])

MEMORY_BYTES = 256 << 20
"""What all scanners together may remember before they start anew: flat memory under ever-new values."""
MAX_SIGNATURES = 1 << 20
MAX_PROGRAMS = 500
"""Real events are of some fifty kinds; one may state any product and category it likes."""


class Matcher:
    """Not for two threads at once."""

    def __init__(
        self,
        rules: Sequence[tuple[Node, LogSource]],
        atoms: Atoms,
        taxonomy: Taxonomy,
        cache: Path | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.ledger = Ledger()
        self.suspended: dict[int, str] = {}
        """Rules that are tried no more, with the reason."""
        self._budget = budget
        self._judged = 0
        self._taxonomy = taxonomy
        self._atoms = atoms
        self._by_source: dict[LogSource, list[Compiled]] = {}
        cost = functools.cache(lambda atom: rarity(atoms.all[atom]))
        self._rules = [Compiled.of(number, node, cost) for number, (node, _) in enumerate(rules)]
        for rule, (_, source) in zip(self._rules, rules, strict=True):
            self._by_source.setdefault(source, []).append(rule)
        named = [{value for source in self._by_source if (value := vars(source)[name])} for name in STATED]
        self._named = Membership(*map(frozenset, named))
        self._programs: dict[tuple[LogSource, ...], Program] = {}
        self._by_membership: dict[Membership, Program] = {}
        self._scanners: list[Scanner | PairScanner] = []
        self._json_search, self._raw_search = LineSearch(json=True), LineSearch(json=False)
        for field, numbers in zip(atoms.fields, atoms.by_field, strict=True):
            of_field = [(number, atoms.all[number]) for number in numbers]
            self._scanners.append(_scanner(field, of_field, cache, self.ledger.of_atoms))

    def compile(self) -> None:
        """Compiles, or reads from the cache, what would else be compiled at first use; on every core."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            scanners = [scanner for scanner in self._scanners if isinstance(scanner, Scanner)]
            list(pool.map(Scanner.compile, scanners))

    def match(self, batch: pa.RecordBatch | Objects) -> pa.RecordBatch:
        self._bound_memory()
        if isinstance(batch, Objects):
            reading = Reading(batch, self._atoms, self._scanners, self._json_search)
        else:
            reading = Reading(Columns(batch), self._atoms, self._scanners, self._raw_search)
        codes, memberships = self._taxonomy.memberships(reading.columns)
        groups = self._groups(codes, memberships)
        for program, rows in groups:
            reading.want(program.fields, rows)
        reading.read()
        found_rows, found_rules = [], []
        for program, rows in groups:
            signatures = [reading.signatures(field, rows) for field in program.fields]
            sets = [self._scanners[field].sets for field in program.fields]
            at, rules = program.match(len(rows), signatures, sets)
            found_rows.append(rows[at])
            found_rules.append(rules)
        rows = np.concatenate(found_rows) if found_rows else np.zeros(0, np.int32)
        rules = np.concatenate(found_rules) if found_rules else np.zeros(0, np.int32)
        order = np.lexsort((rules, rows))
        order = order[self._account(reading.columns.rows, rules[order])]
        return pa.RecordBatch.from_arrays([_array(rows[order]), _array(rules[order])], schema=SCHEMA)

    def costs(self) -> list[Cost]:
        """What each rule has cost so far, the dearest first."""
        return self.ledger.costs(self._owners(self.ledger.of_atoms.keys()))

    def spent(self) -> dict[int, Spent]:
        """The same as sums."""
        return self.ledger.spent(self._owners(self.ledger.of_atoms.keys()))

    def suspend(self, rule: int, why: str) -> None:
        """Tries a rule no more."""
        self.suspended[rule] = why
        for source, compiled in self._by_source.items():
            self._by_source[source] = [one for one in compiled if one.number != rule]
        self._programs.clear()
        self._by_membership.clear()
        owners = self._owners(self.ledger.of_atoms.keys())
        unowned = [atom for atom, rules in owners.items() if self.suspended.keys() >= set(rules)]
        for scanner in self._scanners:
            if isinstance(scanner, Scanner):
                scanner.drop(unowned)

    def _account(self, events: int, rules: Numbers) -> Kept:
        """Which of the matches are within the budget; a rule that is over it is suspended."""
        kept = self.ledger.add(events, rules, self._budget)
        if self._budget and self.ledger.events >= self._judged + LEAST_EVENTS:
            self._judged = self.ledger.events
            for cost in self.costs():
                why = fault(cost, self._budget)
                if why and cost.rule not in self.suspended:
                    self.suspend(cost.rule, why)
        return kept

    def _owners(self, wanted: Collection[int]) -> dict[int, list[int]]:
        """The rules, by the atoms that they ask for."""
        owners: dict[int, list[int]] = {}
        if wanted:
            for rule in self._rules:
                for atoms in rule.asked.values():
                    for atom in atoms.intersection(wanted):
                        owners.setdefault(atom, []).append(rule.number)
        return owners

    def _groups(self, codes: Numbers, memberships: Sequence[Membership]) -> list[tuple[Program, Numbers]]:
        """Programs with their rows. Any number of memberships may come to one program."""
        numbers: dict[Program, int] = {}
        narrowed = (membership.narrowed(self._named) for membership in memberships)
        programs = [numbers.setdefault(self._program(membership), len(numbers)) for membership in narrowed]
        of_row = np.array(programs, np.int32)[codes]
        return [(program, np.flatnonzero(of_row == number).astype(np.int32)) for program, number in numbers.items()]

    def _program(self, membership: Membership) -> Program:
        found = self._by_membership.get(membership)
        if found is None:
            if len(self._by_membership) > MAX_PROGRAMS or len(self._programs) > MAX_PROGRAMS:
                # Together: one that only `_by_membership` still knew would not be told to forget.
                self._by_membership.clear()
                self._programs.clear()
            sources = tuple(source for source in self._by_source if membership.fits(source))
            if sources not in self._programs:
                rules = [rule for source in sources for rule in self._by_source[source]]
                self._programs[sources] = Program(rules, self.ledger)
            found = self._by_membership[membership] = self._programs[sources]
        return found

    def _bound_memory(self) -> None:
        scanners = [scanner for scanner in self._scanners if isinstance(scanner, Scanner)]
        too_much = sum(scanner.bytes for scanner in scanners) > MEMORY_BYTES
        if too_much or sum(len(scanner.sets) for scanner in scanners) > MAX_SIGNATURES:
            for scanner in scanners:
                scanner.forget()
            for program in self._programs.values():
                program.forget()


def _array(numbers: Numbers) -> pa.Array:
    """As `pa.array`, which imports pandas at its first call; a scan of a small file would be twice as long for it."""
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])


def rarity(atom: Atom) -> float:
    """How often an atom may hold, guessed from its form: what is long and whole is rare."""
    length = len(str(atom.value))
    match atom.test.removeprefix("cased_"):
        case "equals":
            return 0.3 / (1 + length)
        case "contains" | "startswith" | "endswith":
            return max(0.9**length * 0.5, 0.002)
        case "wildcard" | "regex" | "regex_re2" | "cidr":
            return 0.05
        case "number":
            return 0.1
        case "null":
            return 1.0
    return 0.3


def _scanner(
    field: Field, atoms: Sequence[tuple[int, Atom]], cache: Path | None, spent: Counter[int]
) -> Scanner | PairScanner:
    if field.is_keywords:
        return Keywords(atoms, cache, spent)
    return PairScanner(atoms) if field.other else Scanner(atoms, cache, spent)
