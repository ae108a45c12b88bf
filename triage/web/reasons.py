"""reasons: why an alert was raised: its rule as written, and which parts of its events held.

In:   the rule set, an alert's document
Out:  the rule's text, its condition as a tree, and the events' fields with those marked that held
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma.explain import Part, Say, explain
from detectors.sigma.explain_correlation import asked, counted
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset

RAW = ("event.original", "message")
MAX_RULES = 5
"""Rules of a correlation that are explained."""
SHORTEST = 3
"""Characters of a text that is marked in the raw line, where shorter ones stand by chance."""

Held = Mapping[str, frozenset[str]]
"""Values of one event that a part of the rule held for, and the rule's texts in each."""


@dataclass(frozen=True)
class Row:
    """One field of an event."""

    name: str
    pieces: tuple[tuple[str, bool], ...]
    """The value; those pieces are true that made a part of the rule hold."""
    has_one: bool
    """It is no list."""

    @property
    def value(self) -> str:
        return "".join(text for text, _ in self.pieces)

    @property
    def held(self) -> bool:
        return any(held for _, held in self.pieces)


@dataclass(frozen=True)
class Sample:
    """One event: its raw line first, then what held, then all else."""

    at: str
    rows: tuple[Row, ...]

    @property
    def gist(self) -> str:
        """In a line."""
        return next((row.value for name in reversed(RAW) for row in self.rows if row.name == name), "")

    @property
    def first(self) -> list[Row]:
        """What a reader wants to see at once."""
        return [row for row in self.rows if row.held or row.name in RAW]

    @property
    def rest(self) -> list[Row]:
        return [row for row in self.rows if not (row.held or row.name in RAW)]


@dataclass(frozen=True)
class Why:
    yaml: str = ""
    """The rule's document; "" when the rule set has no such rule any more."""
    title: str = ""
    falsepositives: tuple[str, ...] = ()
    tree: Part | None = None
    """The condition as it is for the first event that it holds for; of a correlation with each rule that it counts."""
    events: tuple[Sample, ...] = ()


def of(ruleset: Ruleset, source: Mapping[str, Any], say: Say = str) -> Why:
    """Events of an alert whose rule is gone are shown without marks."""
    samples: Sequence[Mapping[str, Any]] = source["soc"]["alert"].get("evidence") or ()
    known = {one.id: one for one in (*ruleset.rules, *ruleset.correlations)}
    rule = known.get(source["rule"]["id"])
    if rule is None or not samples:
        events = tuple(event(sample, {}) for sample in samples)
        return Why(events=events) if rule is None else Why(_document(rule.path, rule.line), rule.title)
    batch = flat_batch([orjson.dumps(dict(_leaves(sample))) for sample in samples])[0]
    matched = _matched(ruleset, batch)
    if isinstance(rule, Correlation):
        feeding = [name for name in counted(rule) if name in matched][:MAX_RULES]
        children = tuple(_counted(ruleset, name, known[name].title, matched[name], batch, say) for name in feeding)
        tree = Part(asked(ruleset, rule, say), True, children=children)
    else:
        feeding = [rule.id]
        tree = explain(ruleset, rule.id, batch.slice(min(matched.get(rule.id, {0})), 1), say)
    held = [
        _held(explain(ruleset, name, batch.slice(row, 1)) for name in feeding if row in matched.get(name, ()))
        for row in range(len(samples))
    ]
    events = tuple(event(sample, found) for sample, found in zip(samples, held, strict=True))
    return Why(_document(rule.path, rule.line), rule.title, rule.falsepositives, tree, events)


def _matched(ruleset: Ruleset, events: pa.RecordBatch) -> dict[str, set[int]]:
    """Rule id -> the rows that it matches."""
    matches = ruleset.match(events)
    found: dict[str, set[int]] = {}
    for name, row in zip(ruleset.matched_ids(matches).to_pylist(), matches["row"].to_pylist(), strict=True):
        found.setdefault(name, set()).add(row)
    return found


def _counted(ruleset: Ruleset, name: str, title: str, rows: set[int], events: pa.RecordBatch, say: Say) -> Part:
    text = say("matched {} of {} sample events").format(len(rows), events.num_rows)
    return Part(text, True, name=title, children=(explain(ruleset, name, events.slice(min(rows), 1), say),))


def _held(trees: Iterator[Part]) -> Held:
    found: dict[str, set[str]] = {}
    for part in trees:
        for leaf in _leaves_that_hold(part):
            for value in leaf.values:
                found.setdefault(value, set()).update(leaf.found)
    return {value: frozenset(texts) for value, texts in found.items()}


def _leaves_that_hold(part: Part) -> Iterator[Part]:
    """What a `not` is about held nothing."""
    if part.negates:
        return
    if part.holds and not part.children:
        yield part
    for child in part.children:
        yield from _leaves_that_hold(child)


def event(sample: Mapping[str, Any], held: Held) -> Sample:
    # What an expression matched is not known by itself; its whole value is looked for.
    texts = frozenset(text for value, found in held.items() for text in found or (value,) if len(text) >= SHORTEST)
    rows = []
    for name, value in _leaves(sample):
        shown = _text(value)
        values = [_text(one) for one in value] if isinstance(value, list) else [shown]
        if any(one in held for one in values):
            pieces = _pieces(shown, frozenset().union(*(held.get(one, ()) for one in values))) or ((shown, True),)
        else:
            pieces = (name in RAW and _pieces(shown, texts)) or ((shown, False),)
        rows.append(Row(name, pieces, not isinstance(value, list)))
    rows.sort(key=lambda row: (row.name not in RAW, not row.held, row.name))
    return Sample(_text(sample.get("@timestamp", "")), tuple(rows))


def _pieces(value: str, texts: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    """`value` where `texts` stand in it, in any case; empty when none does."""
    wanted = "|".join(re.escape(text) for text in sorted(texts, key=lambda text: (-len(text), text)) if text)
    parts = re.split(f"({wanted})", value, flags=re.IGNORECASE) if wanted else [value]
    return tuple((text, at % 2 == 1) for at, text in enumerate(parts) if text) if len(parts) > 1 else ()


def _leaves(sample: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; a vendor's fields by their own names."""
    for name, value in sample.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, "" if dotted == "vendor" else f"{dotted}.")
        elif value is not None:
            yield dotted, value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


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
