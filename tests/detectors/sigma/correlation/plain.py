"""A plain evaluator of correlations: every window tried, nothing kept up, nothing shared with what it checks.

In:   a correlation and all occurrences of a finite stream
Out:  (group, time of the last event) -> first event's time and the largest count
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from detectors.sigma.rule import Correlation

COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "eq": lambda left, right: left == right,
    "neq": lambda left, right: left != right,
}


@dataclass(frozen=True)
class Seen:
    """An event that a correlation counts; one that several rules match is one, unless rules are counted."""

    at: int
    event: str
    rule: str
    value: str | None
    since: int


def waits(one: Correlation) -> bool:
    if one.alternatives:
        return any(alternative.absent for alternative in one.alternatives)
    return one.type in ("value_avg", "value_percentile", "value_median") or any(
        condition.op in ("lt", "lte", "eq", "neq") for condition in one.conditions
    )


def amount(one: Correlation, window: Sequence[Seen]) -> Fraction:
    numbers = sorted(Fraction(int(seen.value or 0), 1_000_000) for seen in window)
    match one.type:
        case "event_count":
            return Fraction(len(window))
        case "value_count":
            return Fraction(len({seen.value for seen in window}))
        case "temporal":
            return Fraction(len({seen.rule for seen in window}))
        case "value_sum":
            return sum((number for number in numbers if number > 0), Fraction(0))
        case "value_avg":
            return sum(numbers, Fraction(0)) / len(numbers)
        case "value_median":
            middle = len(numbers) // 2
            return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2
        case _:
            return numbers[max(ceil(Fraction(one.percentile) * len(numbers) / 100), 1) - 1]


def is_chain(order: Sequence[str], window: Sequence[Seen], last: Seen | None) -> bool:
    """Whether these rules occur in this order, no event right after itself; `last`: the chain ends with it."""
    candidates = [[seen for seen in window if seen.rule == rule] for rule in order]
    if last is not None:
        candidates[-1] = [seen for seen in candidates[-1] if seen == last]
    ends = candidates[0]
    for following in candidates[1:]:
        ends = [seen for seen in following if any(end.at <= seen.at and end.event != seen.event for end in ends)]
    return bool(ends)


def count(one: Correlation, window: Sequence[Seen], last: Seen | None) -> int | None:
    """What is told of a window; None where the condition does not hold."""
    there = {seen.rule for seen in window}
    ordered = one.type == "temporal_ordered"
    if one.alternatives:
        held = [
            len(way.present)
            for way in one.alternatives
            if not there & set(way.absent)
            and (is_chain(way.present, window, last) if ordered else there >= set(way.present))
        ]
        return max(held, default=None)
    if ordered:
        lengths = [
            len(order)
            for length in range(1, len(one.rules) + 1)
            for order in itertools.combinations(one.rules, length)
            if is_chain(order, window, last)
        ]
        told = Fraction(max(lengths, default=0))
    else:
        told = amount(one, window)
    if all(COMPARE[condition.op](told, Fraction(str(condition.number))) for condition in one.conditions):
        return floor(told + Fraction(1, 2))
    return None


def windows(one: Correlation, seen: Iterable[Seen]) -> Iterable[tuple[Seen, int, int]]:
    """Last event, first event's time and count of each window that is told."""
    span = one.timespan_seconds * 1_000_000
    place = {rule: number for number, rule in enumerate(one.rules)} if one.type == "temporal_ordered" else {}

    def order(item: Seen) -> tuple[int, int, str, str, str]:
        return item.at, place.get(item.rule, 0), item.event, item.rule, item.value or ""

    earliest: dict[tuple[int, str, str, str | None], Seen] = {}
    for item in seen:
        rule = item.rule if one.type.startswith("temporal") else ""
        key = (item.at, item.event, rule, item.value)
        since = min(item.since, earliest[key].since if key in earliest else item.since)
        earliest[key] = Seen(item.at, item.event, rule, item.value, since)
    points = sorted(earliest.values(), key=order)
    if one.field:
        points = [point for point in points if point.value is not None]
    for last in points:
        if waits(one):
            continue
        window = [point for point in points if point.at > last.at - span and order(point) <= order(last)]
        told = count(one, window, last)
        if told is not None:
            yield last, min(point.since for point in window), told
    if not waits(one):
        return
    times = sorted({point.at for point in points})
    for first, end in itertools.combinations_with_replacement(times, 2):
        inside = [at for at in times if first <= at <= end]
        if end - first >= span or any(at not in inside and max(end, at) - min(first, at) < span for at in times):
            continue
        window = [point for point in points if first <= point.at <= end]
        told = count(one, window, None)
        if told is not None:
            yield window[-1], min(point.since for point in window), told


Row = tuple[int, str, str, str | None]


def evaluate(one: Correlation, group: str, rows: Iterable[Row]) -> dict[tuple[str, int], tuple[int, int]]:
    """Of one state: rows as `Occurrence` has them."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for its, points in groups(one, group, list(rows), 0).items():
        for last, since, told in windows(one, points):
            before = found.get((its, last.at), (since, told))
            found[its, last.at] = min(before[0], since), max(before[1], told)
    return found


def groups(one: Correlation, group: str, rows: list[Row], depth: int) -> dict[str, set[Seen]]:
    found: dict[str, set[Seen]] = {}

    def put(its: str | None, seen: Seen) -> None:
        if its is not None:
            found.setdefault(its, set()).add(seen)

    children = {child.id: child for child in one.children}
    for at, event, path, value in rows:
        names = path.split("/")
        if len(names) > depth + 1:
            continue
        if not children and not depth:
            put(group, Seen(at, event, path, value if one.field else None, at))
        else:
            its, own = json.loads(value or "")[depth]
            put(its, Seen(at, event, names[depth], own if one.field else None, at))
    for child in children.values():
        below = [row for row in rows if row[2].split("/")[depth] == child.id]
        for its, points in groups(child, group, below, depth + 1).items():
            ends: dict[tuple[int, str], int] = {}
            for last, since, _ in windows(child, points):
                ends[last.at, last.event] = min(since, ends.get((last.at, last.event), since))
            for (at, event), since in ends.items():
                for row in below:
                    levels = json.loads(row[3] or "")
                    if row[1] == event and levels[depth + 1][0] == its:
                        put(levels[depth][0], Seen(at, event, child.id, levels[depth][1] if one.field else None, since))
    return found
