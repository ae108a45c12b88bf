"""twins: rules that ask for the same.

In:   a Ruleset
Out:  Doubts "duplicate-rule"
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from detectors.sigma.check.doubt import Doubt
from detectors.sigma.expression import AllOf, And, AnyOf, Node, Not, Or
from detectors.sigma.rule import Rule
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem


def doubts(ruleset: Ruleset) -> Iterator[Doubt]:
    """Of rules with one condition all but the first, by path and line."""
    first: dict[Hashable, Rule] = {}
    # Those that only feed correlations stand beside them, alike as they may be.
    pairs = [pair for pair in zip(ruleset.rules, ruleset.nodes, strict=True) if pair[0].generate]
    for rule, node in sorted(pairs, key=lambda pair: (pair[0].path, pair[0].line, pair[0].id)):
        twin = first.setdefault((rule.logsource, _meaning(node)), rule)
        if twin is not rule:
            what = f"asks for the same as '{twin.title}' ({twin.path}:{twin.line})"
            yield Doubt(Problem(rule.path, rule.line, what, "keep one of them"), "duplicate-rule")


def _meaning(node: Node) -> Hashable:
    """The node without the order in which it was written."""
    match node:
        case AnyOf(atoms=atoms) if len(atoms) == 1:
            return AllOf(node.field, atoms)
        case And(children=children) | Or(children=children):
            return type(node), frozenset(map(_meaning, children))
        case Not(child=child):
            return Not, _meaning(child)
        case AnyOf() | AllOf():
            return node
    raise TypeError(f"no node: {node!r}")
