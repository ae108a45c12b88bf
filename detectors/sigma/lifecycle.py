"""lifecycle: what a rule's `status` says about where its alerts go.

In:   entries as `load` writes them; the status of a rule
Out:  the entries that the streams run; whether alerts stay in the shadow
Docs: Sigma specification 2.1, "Status"; docs/guide/detection.md

`stable` and `test` rules raise alerts. An `experimental` one does so where no analyst waits, until it is promoted.
`deprecated` and `unsupported` ones are not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from detectors.sigma.rule import Metadata

Entry = dict[str, Any]

SHADOW = "experimental"
RETIRED = frozenset(("deprecated", "unsupported"))


def on_trial(rule: Metadata) -> bool:
    """Whether its alerts stay in the shadow."""
    return rule.status == SHADOW


def running(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without retired rules and correlations; those that a running correlation counts are kept for it."""
    correlations = [entry for entry in entries if entry["kind"] == "correlation"]
    by_name = {name: entry for entry in correlations for name in _names(entry)}
    counted: set[str] = set()
    waiting = [entry for entry in correlations if not _retired(entry)]
    while waiting:
        for name in waiting.pop()["rules"]:
            if name not in counted:
                counted.add(name)
                waiting += [by_name[name]] if name in by_name else []
    return [entry for entry in entries if not _retired(entry) or not counted.isdisjoint(_names(entry))]


def _retired(entry: Entry) -> bool:
    return entry["kind"] != "filter" and entry["metadata"]["status"] in RETIRED


def _names(entry: Entry) -> Iterable[str]:
    metadata = entry["metadata"]
    return [name for name in (metadata["id"], metadata["name"]) if name]
