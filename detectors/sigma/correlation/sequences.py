"""sequences: rules that occur one after the other.

In:   points in order of time; those of one time in the order of the rules
Out:  the longest chain of different rules in their order, the latest of them

A point costs its place in a list; only where somebody asks is a chain looked for, from its end back to its start. Of
all chains of a length that begin with a rule, the one that begins last has the most points before it and fits into the
most windows, so that one is kept; and a second that begins with another event, because an event never follows itself.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from detectors.sigma.correlation.point import AnyPoint


class Link(NamedTuple):
    """A chain that begins here."""

    number: int
    """Of the point, in the order in which all came."""
    point: AnyPoint
    then: Link | None


class Chains:
    def __init__(self, rules: Sequence[str]) -> None:
        self._place = {rule: place for place, rule in enumerate(rules)}
        self._numbers: list[list[int]] = [[] for _ in rules]
        self._points: list[list[AnyPoint]] = [[] for _ in rules]
        """By the place of the rule, as the numbers are."""
        self._added = 0
        self._last: tuple[int, Link] | None = None
        """The point that was added last, with its place."""

    def add(self, point: AnyPoint) -> None:
        place = self._place.get(point.rule)
        self._last = None
        if place is not None:
            self._last = place, Link(self._added, point, None)
            self._numbers[place].append(self._added)
            self._points[place].append(point)
            self._added += 1

    def longest(self, after: int, *, ending: bool) -> tuple[int, tuple[str, ...]]:
        """Length and events of the longest chain that began later than `after`; `ending`: with the last point."""
        links: list[list[Link]] = [[] for _ in self._points]
        if not ending:
            links = [_two(self._before(place, None, after)) for place in range(len(links))]
        elif self._last and self._last[1].point.at > after:
            links[self._last[0]] = [self._last[1]]
        length, best = 0, None
        while any(links):
            length += 1
            best = max(link for its in links for link in its)
            links = [self._longer(place, links, after) for place in range(len(links))]
        return length, tuple(_events(best))

    def _longer(self, place: int, links: Sequence[Sequence[Link]], after: int) -> list[Link]:
        """Chains that begin with this rule and go on with one of those."""
        following = (link for its in links[place + 1 :] for link in its)
        found = [one for link in following for one in _two(self._before(place, link, after))]
        return _two(sorted(found, key=lambda link: -link.number))

    def _before(self, place: int, link: Link | None, after: int) -> Iterator[Link]:
        """Latest first."""
        points, numbers = self._points[place], self._numbers[place]
        for at in range(bisect.bisect_left(numbers, link.number) if link else len(points), 0, -1):
            point = points[at - 1]
            if point.at <= after:
                return
            if link is None or point.event_id != link.point.event_id:
                yield Link(numbers[at - 1], point, link)


def _two(links: Iterator[Link] | Sequence[Link]) -> list[Link]:
    """The first, and the next with another event."""
    found: list[Link] = []
    for link in links:
        if not found or link.point.event_id != found[0].point.event_id:
            found.append(link)
        if len(found) == 2:
            break
    return found


def _events(link: Link | None) -> Iterator[str]:
    while link:
        yield link.point.event_id
        link = link.then
