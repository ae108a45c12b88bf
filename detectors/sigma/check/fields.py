"""fields: fields and log sources that no table knows.

In:   a Ruleset
Out:  Doubts "unknown-field", "unknown-logsource"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache

from detectors.sigma.check.doubt import Doubt
from detectors.sigma.check.place import line_of
from detectors.sigma.program import asked
from detectors.sigma.rule import LogSource
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem
from ingest.event import FIELDS

_ROOTS = {name.partition(".")[0] for name in FIELDS}
_NEAR = 0.8


def doubts(ruleset: Ruleset) -> Iterator[Doubt]:
    taxonomy = ruleset.taxonomy
    # Thousands of rules are of some hundred log sources.
    routes, names = cache(taxonomy.routes), cache(taxonomy.names)

    @cache
    def knows(name: str, source: LogSource) -> bool:
        if is_field(name) or taxonomy.knows(name, source):
            return True
        # A dotted name of ECS that our events lack may come with events of others, unless it looks misspelt.
        return "." in name and not difflib.get_close_matches(name, FIELDS, 1, _NEAR)

    for rule, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        fields = [ruleset.atoms.fields[number] for number in asked(node)]
        used = {columns[0] for field in fields for columns in (field.columns, field.other) if columns}
        unknown = sorted(name for name in used if not knows(name, rule.logsource))
        if unknown:
            what = f"fields that nothing maps for {rule.logsource}: {', '.join(unknown)}"
            line = line_of(rule.path, rule.line, unknown[0])
            yield Doubt(Problem(rule.path, line, what, _hint(unknown, names(rule.logsource))), "unknown-field")
        if not routes(rule.logsource):
            yield Doubt(_unrouted(rule.path, rule.line, rule.logsource), "unknown-logsource")


def is_field(name: str) -> bool:
    """Of ECS as our events have it; a vendor's name below a root of its own is taken at its word."""
    root, dot, _ = name.partition(".")
    return name in FIELDS or (bool(dot) and root not in _ROOTS)


def _unrouted(path: str, line: int, source: LogSource) -> Problem:
    hint = "it is tried only on events that say so themselves; add a 'where' to detectors/sigma/fields"
    return Problem(path, line_of(path, line, "logsource"), f"no table says which events are of {source}", hint)


def _hint(unknown: list[str], mapped: set[str]) -> str:
    near = [close for name in unknown for close in difflib.get_close_matches(name, {*mapped, *FIELDS}, 1, _NEAR)]
    meant = " and ".join(f"'{name}'" for name in near)
    return f"did you mean {meant}?" if near else "use a dotted ECS name, or add them to detectors/sigma/fields"
