"""assemble: the values of all fields together, those that are compared with each other too.

In:   demands, field by field
Out:  columns -> value; None where two fields cannot both be what is demanded

Fields that must be equal, or one part of the other, get one value: it begins, ends and contains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from detectors.sigma.expression import Atoms
from detectors.sigma.scanner import PairScanner
from detectors.sigma.witness.demands import Demand, Demands
from detectors.sigma.witness.values import FILLERS, Values
from detectors.sigma.witness.whole_values import COMPARE

MAX_TRIES = 50

Columns = tuple[str, ...]


def assemble(atoms: Atoms, values: Mapping[int, Values], demands: Demands) -> dict[Columns, str | int] | None:
    event = _Event(atoms, values, demands)
    pairs = [(number, demand) for number, demand in demands.items() if atoms.fields[number].other]
    # What must be apart gives way to what must be alike.
    for number, demand in sorted(pairs, key=lambda pair: not pair[1].wanted):
        if not (event.alike(number) if demand.wanted else event.apart(number, demand)):
            return None
    return {columns: event.typed(columns, text) for columns, text in event.texts.items() if text is not None}


class _Event:
    def __init__(self, atoms: Atoms, values: Mapping[int, Values], demands: Demands) -> None:
        self._atoms, self._values, self._demands = atoms, values, demands
        self.texts: dict[Columns, str | None] = {}
        self._numbers: dict[Columns, int] = {}
        for number, demand in demands.items():
            field = atoms.fields[number]
            if not field.other:
                self._numbers[field.columns] = number
                self.texts[field.columns] = demand.value.text if demand.value else None

    def alike(self, pair: int) -> bool:
        """Gives both fields of the pair one value that each of them may have."""
        one, other = self._atoms.fields[pair].columns, self._atoms.fields[pair].other
        tried = (text for columns in (one, other) for text in islice(self._possible(columns), MAX_TRIES))
        shared = next((text for text in tried if self._fits(one, text) and self._fits(other, text)), None)
        if shared is not None:
            self.texts[one] = self.texts[other] = shared
        return shared is not None

    def apart(self, pair: int, demand: Demand) -> bool:
        """Gives one field another value, where both have values that compare."""
        one, other = self._atoms.fields[pair].columns, self._atoms.fields[pair].other
        mine, its = self.texts.get(one), self.texts.get(other)
        scanner = PairScanner([(atom, self._atoms.all[atom]) for atom in sorted(demand.unwanted)])
        if mine is None or its is None or not scanner.sets[scanner.signature([mine], [its])]:
            return True
        for columns in (other, one):
            for text in islice(self._possible(columns), MAX_TRIES):
                tried = ([mine], [text]) if columns is other else ([text], [its])
                if not scanner.sets[scanner.signature(*tried)]:
                    self.texts[columns] = text
                    return True
        return False

    def typed(self, columns: Columns, text: str) -> str | int:
        """A number where the rule compares with one."""
        number = self._numbers.get(columns)
        if number is None or not text.isascii() or not text.isdigit() or len(text) > 15:
            return text
        demand = self._demands[number]
        tests = {self._atoms.all[atom].test for atom in demand.wanted | demand.unwanted}
        return int(text) if tests & {"number", *COMPARE} and str(int(text)) == text else text

    def _possible(self, columns: Columns) -> Iterator[str]:
        number = self._numbers.get(columns)
        if number is None:
            yield from FILLERS
            return
        demand = self._demands[number]
        fitting = self._values[number].all(demand.wanted, demand.unwanted)
        yield from (fitted.text for fitted in fitting if fitted.text is not None)

    def _fits(self, columns: Columns, text: str) -> bool:
        number = self._numbers.get(columns)
        if number is None:
            return True
        demand, held = self._demands[number], self._values[number].held(text)
        return demand.wanted <= held and held.isdisjoint(demand.unwanted)
