"""reasons: why an alert was raised: its rule as written, and which parts of its events held.

In:   the rule set, an alert's document
Out:  the rule's text, its condition as a tree for each sample, and the events' fields with those marked that held
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from detectors.sigma.explain import Part, explain
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset

RAW = ("event.original", "message")
MAX_RULES = 5
"""Rules of a correlation that are explained."""


@dataclass(frozen=True)
class Row:
    name: str
    value: str
    held: bool
    """A part of the rule that held saw this value."""


@dataclass(frozen=True)
class Why:
    yaml: str = ""
    """The rule's document; "" when the rule set has no such rule any more."""
    trees: tuple[tuple[str, Part], ...] = ()
    """(title, condition) of the rule, or of each rule that a correlation counts and that matched a sample."""
    held: frozenset[str] = field(default_factory=frozenset)


def of(ruleset: Ruleset, source: Mapping[str, Any]) -> Why:
    identity = source["rule"]["id"]
    found = {one.id: one for one in (*ruleset.rules, *ruleset.correlations)}
    if identity not in found:
        return Why()
    rule = found[identity]
    counted = list(_counted(rule)) if isinstance(rule, Correlation) else [identity]
    trees: dict[str, tuple[str, Part]] = {}
    for sample in source["soc"]["alert"].get("evidence") or ():
        batch = flat_batch([orjson.dumps(dict(flat(sample)))])[0]
        for name in counted:
            if name in trees or name not in found or isinstance(found[name], Correlation):
                continue
            part = explain(ruleset, name, batch)
            if part.holds and len(trees) < MAX_RULES:
                trees[name] = found[name].title, part
    held = frozenset(value for _, part in trees.values() for value in _held(part))
    return Why(_document(rule.path, rule.line), tuple(trees.values()), held)


def event(sample: Mapping[str, Any], why: Why) -> list[Row]:
    """The fields of an event, the raw line last."""
    rows = [Row(name, value, value in why.held) for name, value in flat(sample)]
    return sorted(rows, key=lambda row: (row.name in RAW, not row.held, row.name))


def flat(sample: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and values as text; a vendor's fields by their own names, a list's values joined."""
    for name, value in sample.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat(value, "" if dotted == "vendor" else f"{dotted}.")
        elif isinstance(value, list):
            yield dotted, ", ".join(map(str, value))
        elif value is not None:
            yield dotted, str(value).lower() if isinstance(value, bool) else str(value)


def _counted(correlation: Correlation) -> Iterator[str]:
    """Ids of the rules that it counts, also through correlations below."""
    below = {child.id: child for child in correlation.children}
    for name in correlation.rules:
        if name in below:
            yield from _counted(below[name])
        else:
            yield name


def _held(part: Part) -> Iterator[str]:
    """Values that made a part hold; what a `not` is about held nothing."""
    if part.text == "not":
        return
    if part.holds and not part.children:
        yield from part.values
    for child in part.children:
        yield from _held(child)


def _document(path: str, line: int) -> str:
    """The YAML document of a file that begins at `line`."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    kept: list[str] = []
    for text in lines[max(line - 1, 0) :]:
        if text.rstrip() == "---" and kept:
            break
        if text.rstrip() != "---":
            kept.append(text)
    return "\n".join(kept)
