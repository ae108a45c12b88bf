"""content: a rule's meaning as a short text, to tell whether it changed.

In:   a rule of a rule set
Out:  hexadecimal digits, the same as long as the rule asks the same of the same columns

Its filters, its value lists and the tables of fields are part of that; its title, its file and the other rules are not.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from detectors.sigma.expression import AllOf, And, AnyOf, Node, Not, Or
from detectors.sigma.ruleset import Ruleset


def content(ruleset: Ruleset, rule: str) -> str:
    """Of the rule of this id. Raises KeyError when there is none."""
    for known, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        if known.id == rule:
            written = [str(known.logsource), _written(ruleset, node)]
            return hashlib.sha256(orjson.dumps(written)).hexdigest()[:16]
    raise KeyError(rule)


def _written(ruleset: Ruleset, node: Node) -> list[Any]:
    """The node without the numbers that the set gave to its fields and atoms."""
    match node:
        case AnyOf() | AllOf():
            field = ruleset.atoms.fields[node.field]
            tests = sorted([ruleset.atoms.all[atom].test, str(ruleset.atoms.all[atom].value)] for atom in node.atoms)
            return [type(node).__name__, *field, tests]
        case And() | Or():
            return [type(node).__name__, *(_written(ruleset, child) for child in node.children)]
        case Not():
            return ["Not", _written(ruleset, node.child)]
    raise TypeError(type(node))
