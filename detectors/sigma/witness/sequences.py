"""sequences: events in time on which a correlation fires, and some that it narrowly does not fire on.

In:   a `Ruleset` and one of its correlations
Out:  cases as JSON has them (`sequence`), each proved by the matcher and `correlate`; and what could not be made

Made of the smallest event on which each counted rule fires, with the fields by which the correlation groups.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from detectors.sigma import sequence
from detectors.sigma.cases import fired
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness.propose import Event
from detectors.sigma.witness.propose import propose as of_rule

MAX_REPEAT = 2_000


class _Way(NamedTuple):
    """In which events are told apart."""

    address: str
    before: bool
    """The number stands before the value that a rule demands, not after it."""


# One network may be among those that the rules except.
_WAYS = (_Way("203.0.113.{n}", False), _Way("198.51.100.{n}", True), _Way("2001:db8::{n}", False))
_ADDRESS = re.compile(r"(?:^|[._-])ip$|(?<=[a-z])Ip$|[aA]ddr(?:ess)?$")

Step = dict[str, Any]
Written = dict[str, Any]


def propose(ruleset: Ruleset, correlation: Correlation) -> tuple[list[Written], list[str]]:
    if correlation.children or not correlation.generate:
        return [], ["no sequence: of correlations that count others, or are counted, it must be written by hand"]
    firing: dict[str, Event] = {}
    for number, rule in enumerate(ruleset.rules):
        if rule.id in correlation.rules:
            event = next((one.event for one in of_rule(ruleset, number).events if one.fires), None)
            if event is None:
                return [], [f"no sequence: no event was found on which '{rule.title}' fires"]
            firing[rule.id] = event
    best: tuple[list[Written], list[str]] = ([], [f"no sequence: {correlation.type} with this condition"])
    for way in _WAYS:
        found, missed = _proved(ruleset, correlation, _sequences(correlation, firing, way))
        if len(found) > len(best[0]) or (missed and not best[0]):
            best = found, missed
        if found and not missed:
            break
    return best


def _proved(
    ruleset: Ruleset, correlation: Correlation, sequences: Iterator[tuple[str, bool, list[Step]]]
) -> tuple[list[Written], list[str]]:
    proved, left_out = [], []
    for name, fires, steps in sequences:
        told = sequence.unfold(steps, None)
        did = isinstance(told, sequence.Sequence) and correlation.id in fired(ruleset, flat_batch(told.events)[0])
        if did is fires:
            proved.append({"name": name, "fires": fires, "lines": steps})
        else:
            left_out.append(f"no sequence for '{name}': the correlation {'fires' if did else 'does not fire'}")
    return proved, left_out


def _sequences(correlation: Correlation, firing: dict[str, Event], way: _Way) -> Iterator[tuple[str, bool, list[Step]]]:
    events = {}
    for rule, event in firing.items():
        groups = {field: _numbered(field, {}, way).replace("{n}", "7") for field in _groups(correlation, rule)}
        events[rule] = {**groups, **event}
    each = [events[rule] for rule in correlation.rules]
    first = firing[correlation.rules[0]]
    apart = {field: _numbered(field, first, way) for field in _groups(correlation, correlation.rules[0])}
    match correlation.type:
        case "event_count":
            yield from _counts(correlation, each[0], {}, apart)
        case "value_count":
            fields = [_field(correlation, correlation.rules[0], name) for name in correlation.field]
            changing = {field: _numbered(field, first, way) for field in fields}
            yield from _counts(correlation, each[0], changing, apart)
        case "temporal" | "temporal_ordered":
            yield from _together(correlation, each, events)
        case _:
            yield from _values(correlation, each[0])


def _counts(
    correlation: Correlation, event: Event, changing: Event, apart: Event
) -> Iterator[tuple[str, bool, list[Step]]]:
    needed = _needed(correlation)
    if needed is None or not 1 <= needed <= MAX_REPEAT:
        return
    span = correlation.timespan_seconds
    every = _seconds(span / (2 * needed))
    event = {**event, **changing}
    yield f"{needed} within {span} seconds", True, [{"event": event, "repeat": needed, "every": every}]
    if needed > 1:
        yield "one fewer", False, [{"event": event, "repeat": needed - 1, "every": every}]
        slow = _seconds(math.ceil(span / (needed - 1)) + 1)
        yield "as many, over a longer time", False, [{"event": event, "repeat": needed, "every": slow}]
        for field, value in apart.items():
            other = {**event, field: value}
            yield f"as many, each of another {field}", False, [{"event": other, "repeat": needed, "every": every}]
        for field in changing:
            same = {**event, field: changing[field].replace("{n}", "1")}
            yield f"as many, all of one {field}", False, [{"event": same, "repeat": needed, "every": every}]


def _together(
    correlation: Correlation, each: list[Event], events: dict[str, Event]
) -> Iterator[tuple[str, bool, list[Step]]]:
    way = correlation.alternatives[0] if correlation.alternatives else None
    present = [events[rule] for rule in way.present] if way else each
    step = correlation.timespan_seconds / (2 * len(each))
    yield "each in its turn", True, _steps(present, step)
    yield "without the last", False, _steps(present[:-1], step) if len(present) > 1 else []
    if correlation.type == "temporal_ordered" and len(present) > 1:
        yield "in the reverse order", False, _steps(present[::-1], step)
    if len(present) > 1:
        yield "over a longer time", False, _steps(present, correlation.timespan_seconds + 1)
    for rule in way.absent if way else ():
        yield f"with {rule}, too", False, _steps([*present, events[rule]], step)


def _values(correlation: Correlation, event: Event) -> Iterator[tuple[str, bool, list[Step]]]:
    """Of sums and averages one value is enough."""
    field = _field(correlation, correlation.rules[0], correlation.field[0])
    numbers = sorted(
        {number + step for one in correlation.conditions for step in (-1, 0, 1) for number in [one.number]}
    )
    for number in numbers:
        if number >= 0:
            holds = all(_holds(one.op, number, one.number) for one in correlation.conditions)
            value = int(number) if number == int(number) else number
            yield f"{field} {value}", holds, [{"event": {**event, field: value}, "at": "+0s"}]


def _steps(events: list[Event], step: float) -> list[Step]:
    return [{"event": event, "at": f"+{_seconds(number * step)}"} for number, event in enumerate(events)]


def _needed(correlation: Correlation) -> int | None:
    """The smallest count for which the condition holds."""
    counts = range(1, MAX_REPEAT + 1)
    return next(
        (count for count in counts if all(_holds(one.op, count, one.number) for one in correlation.conditions)), None
    )


def _holds(op: str, count: float, wanted: float) -> bool:
    match op:
        case "gt":
            return count > wanted
        case "gte":
            return count >= wanted
        case "lt":
            return count < wanted
        case "lte":
            return count <= wanted
        case "neq":
            return count != wanted
    return count == wanted


def _groups(correlation: Correlation, rule: str) -> list[str]:
    return [_field(correlation, rule, name) for name in correlation.group_by_written]


def _field(correlation: Correlation, rule: str, name: str) -> str:
    """As the rule calls it."""
    return next((dict(mapping).get(rule, name) for alias, mapping in correlation.aliases if alias == name), name)


def _numbered(field: str, demanded: Event, way: _Way) -> str:
    """A value in which `{n}` tells one event from the next; with what the rule demands of the field in it."""
    if field in demanded:
        return f"{{n}}{demanded[field]}" if way.before else f"{demanded[field]}{{n}}"
    return way.address if _ADDRESS.search(field) else "value-{n}"


def _seconds(length: float) -> str:
    return f"{int(length)}s" if length == int(length) else f"{length:.6f}s"
