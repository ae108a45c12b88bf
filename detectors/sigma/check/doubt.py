"""doubt: what a check says of a rule that loads, or of one that does not.

In:   nothing
Out:  `Doubt`, and every kind of it with what it means
"""

from __future__ import annotations

from dataclasses import dataclass

from hamrong.errors import Problem

KINDS = {
    "fault": "The file is not what Sigma asks for; what is faulty is not loaded.",
    "refused": "Right Sigma that cannot be used here.",
    "expired-filter": "An exception whose last day is over; it applies no more.",
    "idle-filter": "An exception that narrows no rule, or not the one that it names.",
    "empty-list": "A list without values: what expands it matches nothing.",
    "unknown-field": "No table maps the field for the rule's log source.",
    "unknown-logsource": "No table says which events are of the log source.",
    "never-matches": "The condition contradicts itself.",
    "matches-everything": "The condition holds for events that have nothing of what the rule names.",
    "duplicate-rule": "Another rule has the same log source and condition.",
    "searched-alone": "A test that the shared search cannot take; it is tried value by value.",
    "sigma": "One of pySigma's validators objects.",
    "attack-tag": "A tag that is no tactic, technique, group or software of ATT&CK by its form.",
    "convention": "Something that we ask of our own rules is missing or odd.",
    "missing-cases": "A rule of ours without a case that fires, or without one that does not.",
}


@dataclass(frozen=True, order=True)
class Doubt:
    problem: Problem
    kind: str
    """One of KINDS."""

    @property
    def is_fault(self) -> bool:
        return self.kind in ("fault", "refused")

    def __str__(self) -> str:
        return str(self.problem) if self.is_fault else f"{self.problem} [{self.kind}]"
