"""tie: correlations tied to the rules that they name.

In:   correlation entries as `load` writes them, and the ids of all rules by id and name
Out:  `Correlation`s whose children are whole; problems for names that lead nowhere, or round in a circle
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectors.sigma.rule import Alternative, Condition, Correlation, Metadata, Rule
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
    tied: dict[str, Correlation | None] = {}

    def make(name: str, above: tuple[str, ...]) -> Correlation | None:
        if name in tied:
            return tied[name]
        entry = waiting[name]
        ids = tuple(known.get(written, "") for written in entry["rules"])
        faults = _faults(entry, ids, known, above)
        children = []
        for written, child in zip(entry["rules"], ids, strict=True):
            if not faults and child in waiting:
                children.append(make(child, (*above, name)))
                if children[-1] is None:
                    faults.append(("rules", f"correlation counts '{written}', which has a fault", "mend that one"))
        problems.extend(Problem(entry["metadata"]["path"], entry["lines"][key], *fault) for key, *fault in faults)
        if name in above:
            return None
        whole = tuple(child for child in children if child is not None)
        made = _correlation(entry, ids, whole, known, rules, taxonomy, name not in silent) if not faults else None
        tied[name] = made
        return made

    for name in sorted(waiting):
        make(name, ())
    return tuple(made for _, made in sorted(tied.items()) if made is not None)


def _faults(
    entry: Entry, ids: Sequence[str], known: Mapping[str, str], above: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    """Key of the line, what and hint of each."""
    missing = [written for written in entry["rules"] if written not in known]
    found = [
        ("rules", f"correlation names the rule '{written}', which is not there", _near(written, known))
        for written in missing
    ]
    if not missing and len(set(ids)) < len(ids):
        found.append(("rules", "correlation names a rule twice, by id and by name", "name it once"))
    if entry["metadata"]["id"] in above:
        found.append(("rules", "correlation counts itself, by way of others", "break the circle"))
    for alias, mapping in entry["aliases"].items():
        for written in mapping:
            if written not in known:
                what = f"alias '{alias}' names the rule '{written}', which is not there"
                found.append(("aliases", what, _near(written, known)))
    return found


def _near(name: str, known: Iterable[str]) -> str:
    """There are thousands of rules: only a name that is like it helps."""
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else "write the id or the name of a rule that is loaded with it"


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
    return Correlation(
        **attributes(entry["metadata"]),
        type=entry["type"],
        rules=ids,
        group_by=tuple(_shown(name, ids[0], aliases, children, rules, taxonomy) for name in entry["group_by"]),
        group_by_written=tuple(entry["group_by"]),
        timespan_seconds=entry["timespan_seconds"],
        conditions=tuple(Condition(*condition) for condition in entry["conditions"]),
        alternatives=tuple(
            Alternative(tuple(known[name] for name in present), tuple(known[name] for name in absent))
            for present, absent in entry["alternatives"]
        ),
        field=tuple(entry["field"]),
        percentile=entry["percentile"],
        aliases=tuple((alias, tuple(sorted(mapping.items()))) for alias, mapping in sorted(aliases.items())),
        generate=generate,
        children=children,
    )


def _shown(
    name: str,
    first: str,
    aliases: Mapping[str, Mapping[str, str]],
    children: Sequence[Correlation],
    rules: Mapping[str, Rule],
    taxonomy: Taxonomy,
) -> str:
    """The ECS name of a field, for people and for grouping alerts: as the first rule's log source maps it."""
    name = aliases.get(name, {}).get(first, name)
    for child in children:
        if child.id == first:
            below = {alias: dict(mapping) for alias, mapping in child.aliases}
            return _shown(name, child.rules[0], below, child.children, rules, taxonomy)
    source = rules[first].logsource
    columns = taxonomy.columns(name, source)
    return columns[1] if taxonomy.knows(name, source) else name
