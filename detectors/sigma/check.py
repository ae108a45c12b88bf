"""check: what is doubtful about rules that load.

In:   a Ruleset
Out:  warnings: fields that nothing maps, log sources that no table knows
"""

from __future__ import annotations

import difflib

from detectors.sigma.program import asked
from detectors.sigma.rule import LogSource
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem
from ingest.event import FIELDS


def warnings(ruleset: Ruleset) -> list[Problem]:
    """By path and line."""
    found: list[Problem] = []
    for rule, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        fields = [ruleset.atoms.fields[number] for number in asked(node)]
        names = {columns[0] for field in fields for columns in (field.columns, field.other) if columns}
        unknown = sorted(name for name in names if not _known(ruleset, name, rule.logsource))
        if unknown:
            what = f"fields that nothing maps for {rule.logsource}: {', '.join(unknown)}"
            found.append(Problem(rule.path, rule.line, what, _hint(ruleset, unknown, rule.logsource)))
        if not ruleset.taxonomy.routes(rule.logsource):
            what = f"no table says which events are of {rule.logsource}"
            hint = "it is tried only on events that say so themselves; add a 'where' to detectors/sigma/fields"
            found.append(Problem(rule.path, rule.line, what, hint))
    return sorted(found)


def _hint(ruleset: Ruleset, unknown: list[str], source: LogSource) -> str:
    mapped = ruleset.taxonomy.names(source)
    near = [close for name in unknown for close in difflib.get_close_matches(name, mapped, 1, 0.8)]
    meant = " and ".join(f"'{name}'" for name in near)
    return f"did you mean {meant}?" if near else "use a dotted ECS name, or add them to detectors/sigma/fields"


def _known(ruleset: Ruleset, name: str, source: LogSource) -> bool:
    """Dotted names are columns by their own right: ECS, or a vendor's."""
    return "." in name or name in FIELDS or ruleset.taxonomy.knows(name, source)
