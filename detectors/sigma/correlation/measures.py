"""measures: what a window holds, kept up while it slides.

In:   points that enter a window and leave it
Out:  whether the correlation's condition holds, and the count to tell

Numbers are whole millionths: sums of them are the same in any order, which binary fractions are not.
"""

from __future__ import annotations

import bisect
import operator
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from detectors.sigma.correlation.point import AnyPoint
from detectors.sigma.correlation.sequences import Chains
from detectors.sigma.rule import Correlation

MILLION = 1_000_000

_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


def millionths(text: str) -> str | None:
    """A number in decimal as whole millionths, further digits cut off; None for what is no such number."""
    found = re.fullmatch(r"\s*([+-]?)(\d{1,18})(?:\.(\d*))?\s*", text, re.ASCII)
    if not found:
        return None
    amount = int(found[2]) * MILLION + int((found[3] or "")[:6].ljust(6, "0"))
    return str(-amount if found[1] == "-" else amount)


class Measure(Protocol):
    def fill(self, points: Sequence[AnyPoint]) -> None: ...

    def add(self, point: AnyPoint) -> None: ...

    def remove(self, point: AnyPoint) -> None: ...

    def holds(self, after: int) -> tuple[int, tuple[str, ...]] | None:
        """The count and the events that show it (none: any of the window's), if the condition holds of the points
        later than `after`."""


def measure(correlation: Correlation, *, ending: bool) -> Measure:
    """An empty one. `ending`: a sequence must end with the point added last."""
    if correlation.type == "temporal_ordered":
        return _Ordered(correlation, ending)
    if correlation.alternatives:
        return _Together(correlation)
    return _MEASURES[correlation.type](correlation)


class _Amount:
    """A number that the bounds of the condition are about."""

    def __init__(self, correlation: Correlation) -> None:
        self._bounds = bounds(correlation)

    def fill(self, points: Sequence[AnyPoint]) -> None:
        for point in points:
            self.add(point)

    def add(self, point: AnyPoint) -> None:
        raise NotImplementedError

    def amount(self) -> tuple[int, int]:
        """Millionths, and by what to divide them."""
        raise NotImplementedError

    def holds(self, after: int) -> tuple[int, tuple[str, ...]] | None:
        amount, of = self.amount()
        if not all(compare(amount, limit * of) for compare, limit in self._bounds):
            return None
        # In whole numbers, halves up.
        return (2 * amount + of * MILLION) // (2 * of * MILLION), ()


def bounds(correlation: Correlation) -> list[tuple[Callable[[int, int], bool], int]]:
    return [(_OPERATORS[op], round(number * MILLION)) for op, number in correlation.conditions]


class _Events(_Amount):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._count = 0

    def fill(self, points: Sequence[AnyPoint]) -> None:
        self._count += len(points)

    def add(self, point: AnyPoint) -> None:
        self._count += 1

    def remove(self, point: AnyPoint) -> None:
        self._count -= 1

    def amount(self) -> tuple[int, int]:
        return self._count * MILLION, 1


class _Distinct(_Amount):
    """How many different ones there are of one field of a point."""

    field = "value"

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._get = operator.attrgetter(self.field)
        self._counter: Counter[str] = Counter()

    def fill(self, points: Sequence[AnyPoint]) -> None:
        self._counter.update(map(self._get, points))

    def add(self, point: AnyPoint) -> None:
        self._counter[self._get(point)] += 1

    def remove(self, point: AnyPoint) -> None:
        value = self._get(point)
        self._counter[value] -= 1
        if not self._counter[value]:
            del self._counter[value]

    def amount(self) -> tuple[int, int]:
        return len(self._counter) * MILLION, 1


class _Rules(_Distinct):
    field = "rule"


class _Together(_Rules):
    """Which rules occur, and which do not."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._alternatives = correlation.alternatives

    def holds(self, after: int) -> tuple[int, tuple[str, ...]] | None:
        held = [
            len(one.present)
            for one in self._alternatives
            if all(rule in self._counter for rule in one.present)
            and not any(rule in self._counter for rule in one.absent)
        ]
        return (max(held), ()) if held else None


class _Sum(_Amount):
    """Of what is not below zero, so that it only grows with what comes late and may be told at once."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._sum = 0

    def add(self, point: AnyPoint) -> None:
        self._sum += max(_number(point), 0)

    def remove(self, point: AnyPoint) -> None:
        self._sum -= max(_number(point), 0)

    def amount(self) -> tuple[int, int]:
        return self._sum, 1


class _Average(_Amount):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._sum = self._count = 0

    def add(self, point: AnyPoint) -> None:
        self._sum += _number(point)
        self._count += 1

    def remove(self, point: AnyPoint) -> None:
        self._sum -= _number(point)
        self._count -= 1

    def amount(self) -> tuple[int, int]:
        return self._sum, self._count


class _Percentile(_Amount):
    """By nearest rank: the smallest value that so many of a hundred do not exceed."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._share = round(correlation.percentile * MILLION)
        self._sorted: list[int] = []

    def fill(self, points: Sequence[AnyPoint]) -> None:
        self._sorted = sorted([*self._sorted, *map(_number, points)])

    def add(self, point: AnyPoint) -> None:
        bisect.insort(self._sorted, _number(point))

    def remove(self, point: AnyPoint) -> None:
        del self._sorted[bisect.bisect_left(self._sorted, _number(point))]

    def amount(self) -> tuple[int, int]:
        rank = -(-self._share * len(self._sorted) // (100 * MILLION))
        return self._sorted[max(rank, 1) - 1], 1


class _Median(_Percentile):
    """The middle value; of an even number, the mean of the two in the middle."""

    def amount(self) -> tuple[int, int]:
        last = len(self._sorted) - 1
        return self._sorted[last // 2] + self._sorted[(last + 1) // 2], 2


class _Ordered:
    """Rules one after the other: how many, or whole alternatives."""

    def __init__(self, correlation: Correlation, ending: bool) -> None:
        self._ending = ending
        self._bounds = bounds(correlation)
        self._there: Counter[str] = Counter()
        orders = [one.present for one in correlation.alternatives] or [correlation.rules]
        self._absent = [one.absent for one in correlation.alternatives] or [()]
        self._chains = [(len(order), Chains(order)) for order in orders]

    def fill(self, points: Sequence[AnyPoint]) -> None:
        for point in points:
            self.add(point)

    def add(self, point: AnyPoint) -> None:
        self._there[point.rule] += 1
        for _, chains in self._chains:
            chains.add(point)

    def remove(self, point: AnyPoint) -> None:
        self._there[point.rule] -= 1

    def holds(self, after: int) -> tuple[int, tuple[str, ...]] | None:
        held = []
        for absent, (whole, chains) in zip(self._absent, self._chains, strict=True):
            if any(self._there[rule] for rule in absent):
                continue
            length, event_ids = chains.longest(after, ending=self._ending)
            met = all(compare(length * MILLION, limit) for compare, limit in self._bounds)
            if met and (self._bounds or length == whole):
                held.append((length, event_ids))
        return max(held, default=None)


def _number(point: AnyPoint) -> int:
    return int(point.value or 0)


_MEASURES: dict[str, type[_Events | _Distinct | _Sum | _Average | _Percentile]] = {
    "event_count": _Events,
    "value_count": _Distinct,
    "temporal": _Rules,
    "value_sum": _Sum,
    "value_avg": _Average,
    "value_percentile": _Percentile,
    "value_median": _Median,
}
