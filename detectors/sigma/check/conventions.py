"""conventions: what we ask of our own rules, beyond Sigma.

In:   a Ruleset, and which files are our own
Out:  Doubts "convention" and "missing-cases"

Our own are the files of a folder that holds cases anywhere, and a file beside which cases lie: public rules have none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from detectors.sigma import case_file
from detectors.sigma.check.doubt import Doubt
from detectors.sigma.check.fields import is_field
from detectors.sigma.check.place import line_of
from detectors.sigma.rule import Metadata
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem
from ingest.event import FIELDS

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_KNOWN = ("count", "entity", "window")


def own(files: Sequence[str], paths: Sequence[Path]) -> set[str]:
    """Those of the files that are our own."""
    found: set[str] = set()
    for path in paths:
        if path.is_dir():
            if any(path.rglob(f"*{case_file.SUFFIX}")):
                found.update(file for file in files if Path(file).is_relative_to(path))
        elif any(path.parent.glob(f"*{case_file.SUFFIX}")):
            found.add(str(path))
    return found


def doubts(ruleset: Ruleset, own: Collection[str]) -> Iterator[Doubt]:
    """Of rules that raise alerts: one that only feeds a correlation needs no words for analysts."""
    alerting = [rule for rule in (*ruleset.rules, *ruleset.correlations) if rule.path in own and rule.generate]
    for rule in alerting:
        yield from _words(rule)
        for key, names in (
            ("entity", [rule.entity] if rule.entity else []),
            ("reason", _TEMPLATE.findall(rule.reason)),
            ("reason_vi", _TEMPLATE.findall(rule.reason_vi)),
        ):
            for name in names:
                if not is_field(name) and (key == "entity" or name not in _KNOWN):
                    near = get_close_matches(name, FIELDS, 1, 0.7)
                    hint = f"did you mean '{near[0]}'?" if near else "write a field of ECS, or a vendor's"
                    what = f"hamrong.{key} names '{name}', which is no field"
                    yield Doubt(Problem(rule.path, line_of(rule.path, rule.line, key), what, hint), "convention")
    yield from _without_cases({rule.path for rule in alerting})


def _words(rule: Metadata) -> Iterator[Doubt]:
    for missing, value, hint in (
        ("hamrong.entity", rule.entity, "write the field that the alert is about, as source.ip"),
        ("hamrong.reason", rule.reason, "write the sentence that an analyst reads, with fields in braces"),
        ("hamrong.reason_vi", rule.reason_vi, "write the sentence in Vietnamese"),
        ("tags", rule.tags, "write a tactic and a technique of ATT&CK"),
        ("falsepositives", rule.falsepositives, "write who does the same without harm"),
    ):
        if not value:
            yield Doubt(Problem(rule.path, rule.line, f"has no {missing}", hint), "convention")


def _without_cases(paths: Collection[str]) -> Iterator[Doubt]:
    for path in sorted(paths):
        written = case_file.read(path, [])
        for fires, kind in ((True, "firing"), (False, "quiet")):
            if not any(case.fires is fires for case in written):
                hint = "see docs/guide/add-a-rule.md, or let hamrong rules generate-cases propose some"
                yield Doubt(Problem(path, 1, f"has no {kind} case", hint), "missing-cases")
