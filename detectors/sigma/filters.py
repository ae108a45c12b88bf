"""filters: Sigma's exceptions, tied to the rules that they narrow.

In:   filter entries as `load` writes them, the rules, and all ids by id and name
Out:  `Filter`s with the rules that they narrow; problems for names that lead nowhere
Docs: Sigma specification 2.1, filters

As pySigma does it: a filter is joined to a rule by "and", if the rule is named (or all are) and the filter's log source
is the rule's or a wider one. A correlation is narrowed by what narrows the rules that it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from detectors.sigma.rule import LogSource, Metadata, Rule
from detectors.sigma.tie import attributes
from hamrong.errors import Problem

Entry = dict[str, Any]
MAX_SEARCHES = 20
"""Names that lead nowhere for which a near one is looked for; each search goes through all names."""


@dataclass(frozen=True, kw_only=True)
class Filter(Metadata):
    logsource: LogSource
    named: tuple[str, ...]
    """Ids of the rules that it names."""
    narrowed: tuple[int, ...]
    """Places in the rule set of those that it narrows."""
    expires: str = ""
    """The last day on which it applies, as `2027-01-31`."""
    expression: list[Any]


def narrowing(
    entries: Sequence[Entry], known: Mapping[str, str], rules: Sequence[Rule], problems: list[Problem]
) -> tuple[Filter, ...]:
    """The filters in order of path and line; a name that leads nowhere is a problem, the others count."""
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    made = []
    for entry in sorted(entries, key=lambda entry: (entry["metadata"]["path"], entry["metadata"]["line"])):
        metadata, source = entry["metadata"], LogSource(*entry["logsource"])
        faults = [fault for name in entry["rules"] if (fault := _fault(name, known, numbers, len(problems)))]
        problems += [Problem(metadata["path"], metadata["line"], *fault) for fault in faults]
        named = tuple(dict.fromkeys(known[name] for name in entry["rules"] if known.get(name) in numbers))
        among = [numbers[name] for name in named] if entry["rules"] else range(len(rules))
        narrowed = tuple(number for number in among if covers(source, rules[number].logsource))
        made.append(
            Filter(
                **attributes(metadata),
                logsource=source,
                named=named,
                narrowed=narrowed,
                expires=metadata.get("expires") or "",
                expression=entry["expression"],
            )
        )
    return tuple(made)


def covers(wide: LogSource, narrow: LogSource) -> bool:
    """Whether every event of the one is an event of the other."""
    return all(value in (None, its) for value, its in zip(vars(wide).values(), vars(narrow).values(), strict=True))


def _fault(name: str, known: Mapping[str, str], numbers: Mapping[str, int], told: int) -> tuple[str, str] | None:
    if name not in known:
        near = get_close_matches(name, known, 1) if told < MAX_SEARCHES else []
        hint = f"did you mean '{near[0]}'?" if near else "write the id or the name of a rule that is loaded with it"
        return f"filter names the rule '{name}', which is not there", hint
    if known[name] not in numbers:
        return f"filter names the correlation '{name}'", "name the rules that it counts: what they find is narrowed"
    return None
