"""engines: tests that the shared search of a field cannot take, and what runs them instead.

In:   a Ruleset
Out:  Doubts "searched-alone"
Docs: docs/decisions/0004-matcher.md; what no engine runs in linear time is refused by `load`
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.sigma.check.doubt import Doubt
from detectors.sigma.expression import Atom
from detectors.sigma.patterns import MAX_LITERAL, refusal
from detectors.sigma.program import asked
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem


def doubts(ruleset: Ruleset) -> Iterator[Doubt]:
    alone = {number: why for number, atom in enumerate(ruleset.atoms.all) if (why := _alone(atom))}
    if not alone:
        return
    for rule, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        for number in sorted(number for atoms in asked(node).values() for number in atoms & alone.keys()):
            what, hint = alone[number]
            yield Doubt(Problem(rule.path, rule.line, what, hint), "searched-alone")


def _alone(atom: Atom) -> tuple[str, str] | None:
    value = str(atom.value)
    if atom.test == "regex_re2":
        return f"regular expression runs alone, in RE2: {value:.80}", f"Hyperscan says: {refusal(value)}"
    if len(value) > MAX_LITERAL and atom.test.removeprefix("cased_") in (
        "contains",
        "startswith",
        "endswith",
        "equals",
    ):
        what = f"value of {len(value)} characters is compared alone, in Python: {value:.40}…"
        return what, f"{MAX_LITERAL} characters go into the shared search"
    return None
