"""explain_correlation: what a correlation counted in some events, and whether that was enough.

In:   a correlation, and events of any order
Out:  a tree as `explain` makes it: each counted rule with how many events it matched, each group with what its fullest
      window held
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma.correlate import Firing
from detectors.sigma.explain import Part, Say, explain
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset

MAX_GROUPS = 20
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def explain_correlation(ruleset: Ruleset, correlation: Correlation, events: pa.RecordBatch) -> Part:
    """The tree for these events together, as if there were no others."""
    matches = ruleset.match(events)
    matched = ruleset.matched_ids(matches)
    feeding = counted(correlation)
    inputs = ruleset.correlation_inputs(matched, events.take(matches["row"]))
    mine = [row for row in inputs.to_pylist() if row["correlation"] == correlation.id]
    firings: dict[str, list[Firing]] = {}
    for found, group, firing in correlate(ruleset.correlations, inputs):
        if found.id == correlation.id:
            firings.setdefault(group, []).append(firing)
    rows: dict[str, set[int]] = {rule: set() for rule in feeding}
    for rule, row in zip(matched.to_pylist(), matches["row"].to_pylist(), strict=True):
        rows.setdefault(rule, set()).add(row)
    rules = [_rule(ruleset, rule, rows[rule], events) for rule in feeding]
    return Part(asked(ruleset, correlation), bool(firings), children=(*rules, *_groups(correlation, mine, firings)))


def counted(correlation: Correlation) -> list[str]:
    """The ids of all rules that feed it, of those below it too."""
    children = {child.id: child for child in correlation.children}
    below = [counted(children[name]) if name in children else [name] for name in correlation.rules]
    return list(dict.fromkeys(rule for rules in below for rule in rules))


def _rule(ruleset: Ruleset, rule: str, rows: set[int], events: pa.RecordBatch) -> Part:
    """With what kept it from the last event that it did not match."""
    title = next(one.title for one in ruleset.rules if one.id == rule)
    text = f"matched {len(rows)} of {events.num_rows} events"
    others = [row for row in range(events.num_rows) if row not in rows]
    if not others:
        return Part(text, bool(rows), name=title)
    tree = explain(ruleset, rule, events.slice(others[-1], 1))
    return Part(f"{text}, not the one numbered {others[-1] + 1}", bool(rows), name=title, children=(tree,))


def _groups(
    correlation: Correlation, inputs: Sequence[dict[str, Any]], firings: dict[str, list[Firing]]
) -> Iterator[Part]:
    """Those that fire first, then by what they counted."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in inputs:
        rows.setdefault(row["group"], []).append(row)
    ordered = sorted(rows, key=lambda group: (group not in firings, -len(rows[group]), group))
    for group in ordered[:MAX_GROUPS]:
        found = firings.get(group, [])
        window = _fullest(rows[group], timedelta(seconds=correlation.timespan_seconds))
        rules = Counter(str(row["rule"]).rsplit("/", 1)[-1] for row in window)
        distinct = len({row["value"] for row in window})
        parts = [f"{len(window)} within {_length(correlation.timespan_seconds)}"]
        parts += [f"{distinct} values"] if correlation.field and not correlation.children else []
        parts += [", ".join(f"{count} of {rule}" for rule, count in sorted(rules.items()))] if len(rules) > 1 else []
        parts += [f"{_clock(window[0]['at'])} to {_clock(window[-1]['at'])}"]
        parts += [_fired(found) if found else "does not fire"]
        yield Part("; ".join(parts), bool(found), name=_group(correlation, group))
    # A correlation of correlations tells its firings by its own group, its inputs by what all levels share.
    for group, found in sorted(firings.items()):
        if group not in rows:
            yield Part(_fired(found), True, name=_group(correlation, group))
    if len(ordered) > MAX_GROUPS:
        rest = ordered[MAX_GROUPS:]
        yield Part(f"and {len(rest)} groups more", any(group in firings for group in rest))


def _fired(firings: Sequence[Firing]) -> str:
    return f"fires at {_clock(firings[0].at)}, count {firings[0].count:g}"


def _fullest(rows: Sequence[dict[str, Any]], span: timedelta) -> list[dict[str, Any]]:
    """The window that holds the most, the first of such."""
    ordered = sorted(rows, key=lambda row: (row["at"], row["event_id"]))
    best, start = (0, 0), 0
    for end, row in enumerate(ordered, 1):
        while row["at"] - ordered[start]["at"] >= span:
            start += 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return ordered[best[0] : best[1]]


def _group(correlation: Correlation, group: str) -> str:
    values = orjson.loads(group) if group else []
    if len(values) != len(correlation.group_by):
        return f"group {', '.join(map(str, values))}" if values else "all together"
    return ", ".join(f"{name} {value}" for name, value in zip(correlation.group_by, values, strict=True)) or "all"


def asked(ruleset: Ruleset, correlation: Correlation, say: Say = str) -> str:
    """What it counts, over which time, and what the count must be."""
    words = [say(correlation.type)]
    words += [say("of"), ", ".join(correlation.field)] if correlation.field else []
    words += [say("by"), ", ".join(correlation.group_by)] if correlation.group_by else []
    words += [say("within"), _length(correlation.timespan_seconds, say)]
    both, either = f" {say('and')} ", f" {say('or')} "
    wanted = both.join(f"{say(condition.op)} {condition.number:g}" for condition in correlation.conditions)
    titles = {one.id: one.title for one in (*ruleset.rules, *ruleset.correlations)}
    ways = (
        both.join(
            [
                *(titles.get(one, one) for one in way.present),
                *(f"{say('not')} {titles.get(one, one)}" for one in way.absent),
            ]
        )
        for way in correlation.alternatives
    )
    return f"{' '.join(words)}: {wanted or either.join(ways)}"


def _length(seconds: int, say: Say = str) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size}{say(unit)}"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
