"""sequences: rules that occur one after the other.

In:   points in order of time; those of one time in the order of the rules
Out:  the longest chain of different rules in their order, and when it began

Of all chains of a length that end with a rule, the one that began last fits into most windows, so that one is kept; and
a second that ends with another event, because an event never follows itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detectors.sigma.correlation.point import AnyPoint


class Link(NamedTuple):
    """A chain that ends here."""

    start: int
    event_id: str
    event_ids: tuple[str, ...]


class Chains:
    def __init__(self, rules: Sequence[str]) -> None:
        self._place = {rule: place for place, rule in enumerate(rules)}
        self._best: list[list[list[Link]]] = [[[] for _ in rules] for _ in rules]
        """By length (less one) and by the place of the last rule: at most two links, the latest start first."""
        self._ended: list[Link] = []
        """By length (less one): the chains that end at the point added last."""

    def add(self, point: AnyPoint) -> None:
        self._ended = []
        place = self._place.get(point.rule)
        if place is None:
            return
        link: Link | None = Link(point.at, point.event_id, (point.event_id,))
        while link is not None:
            self._ended.append(link)
            before = self._before(len(self._ended) - 1, place, point.event_id)
            link = before and Link(before.start, point.event_id, (*before.event_ids, point.event_id))
        for links, its in zip(self._best, self._ended, strict=False):
            others = [one for one in links[place] if one.event_id != its.event_id]
            links[place] = sorted([its, *others], reverse=True)[:2]

    def _before(self, length: int, place: int, event_id: str) -> Link | None:
        below = self._best[length][:place]
        return max((link for links in below for link in links if link.event_id != event_id), default=None)

    def longest(self, after: int, *, ending: bool) -> tuple[int, tuple[str, ...]]:
        """Length and events of the longest chain that began later than `after`; `ending`: with the last point."""
        if ending:
            fitting = [link for link in self._ended if link.start > after]
            return len(fitting), fitting[-1].event_ids if fitting else ()
        for length in range(len(self._best), 0, -1):
            best = max((link for links in self._best[length - 1] for link in links), default=None)
            if best is not None and best.start > after:
                return length, best.event_ids
        return 0, ()
