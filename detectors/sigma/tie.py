"""tie: correlations tied to the rules that they name.

In:   correlation entries as `load` writes them, and the ids of all rules by id and name
Out:  `Correlation`s whose children are whole; problems for names that lead nowhere, or round in a circle
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from detectors.sigma.rule import Condition, Correlation, LogSource, Metadata, Rule
from detectors.sigma.taxonomy import Taxonomy
from hamrong.errors import Problem

Entry = dict[str, Any]


_NAMES = frozenset(field.name for field in dataclasses.fields(Metadata))


def attributes(written: Entry) -> dict[str, Any]:
    """The arguments of `Metadata` in what `metadata` wrote."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in written.items() if name in _NAMES
    }


def tie(
    entries: Sequence[Entry],
    known: Mapping[str, str],
    rules: Mapping[str, Rule],
    silent: set[str | None],
    taxonomy: Taxonomy,
    problems: list[Problem],
) -> tuple[Correlation, ...]:
    """The correlations in order of id; faulty ones are left out with a problem."""
    waiting = {entry["metadata"]["id"]: entry for entry in entries}
    tied: dict[str, Correlation] = {}

    def make(name: str, above: tuple[str, ...]) -> Correlation | None:
        if name in tied:
            return tied[name]
        entry = waiting[name]
        fault = _fault(entry, known, above)
        if fault:
            problems.append(Problem(entry["metadata"]["path"], entry["metadata"]["line"], *fault))
            return None
        ids = tuple(known[written] for written in entry["rules"])
        children = [make(child, (*above, name)) for child in dict.fromkeys(ids) if child in waiting]
        if None in children:
            return None
        whole = tuple(child for child in children if child is not None)
        fault = _ungrouped(entry, whole)
        if fault:
            problems.append(Problem(entry["metadata"]["path"], entry["metadata"]["line"], *fault))
            return None
        tied[name] = _correlation(entry, ids, whole, known, rules, taxonomy, name not in silent)
        return tied[name]

    for name in sorted(waiting):
        make(name, ())
    return tuple(tied[name] for name in sorted(tied))


def _fault(entry: Entry, known: Mapping[str, str], above: tuple[str, ...]) -> tuple[str, str] | None:
    from detectors.sigma.metadata import closest

    for written in entry["rules"]:
        if written not in known:
            return f"correlation names the rule '{written}', which is not there", closest(written, known)
    if entry["metadata"]["id"] in above:
        return "correlation counts itself, by way of others", "break the circle"
    return None


def _ungrouped(entry: Entry, children: Sequence[Correlation]) -> tuple[str, str] | None:
    for child in children:
        missing = [name for name in entry["group_by"] if name not in child.group_by_written]
        if missing:
            what = f"correlation groups by {', '.join(missing)}, by which '{child.title}' below it does not"
            return what, "add it to the group-by of the correlation below"
    return None


def _correlation(
    entry: Entry,
    ids: tuple[str, ...],
    children: tuple[Correlation, ...],
    known: Mapping[str, str],
    rules: Mapping[str, Rule],
    taxonomy: Taxonomy,
    generate: bool,
) -> Correlation:
    aliases = {
        alias: {known.get(written, written): field for written, field in mapping.items()}
        for alias, mapping in entry["aliases"].items()
    }
    if children and ids[0] not in rules:
        shown = {child.id: dict(zip(child.group_by_written, child.group_by, strict=True)) for child in children}[ids[0]]
    else:
        source = rules[ids[0]].logsource
        first = {alias: mapping.get(ids[0], alias) for alias, mapping in aliases.items()}
        shown = {name: _shown(first.get(name, name), source, taxonomy) for name in entry["group_by"]}
    return Correlation(
        **attributes(entry["metadata"]),
        type=entry["type"],
        rules=ids,
        group_by=tuple(shown[name] for name in entry["group_by"]),
        group_by_written=tuple(entry["group_by"]),
        timespan_seconds=entry["timespan_seconds"],
        condition=Condition(*entry["condition"]),
        field=entry["field"],
        aliases=tuple((alias, tuple(sorted(mapping.items()))) for alias, mapping in sorted(aliases.items())),
        generate=generate,
        children=children,
    )


def _shown(name: str, source: LogSource, taxonomy: Taxonomy) -> str:
    """The ECS name of a field, for people and for grouping alerts."""
    columns = taxonomy.columns(name, source)
    return columns[1] if taxonomy.knows(name, source) else name
