"""alive: which rules could match at all, by what events held.

In:   the rules; for each kind of event that came, the columns that held anything
Out:  for each rule that could match none of them, why

A rule lives when events of its log source came in which the fields were there that its condition cannot do without.
What the fields held is not asked: a rule that nobody attacks is not dead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from detectors.sigma.expression import AllOf, And, AnyOf, Field, Node, Not, Or
from detectors.sigma.program import asked
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Membership
from ingest.event import FIELDS

Kinds = Mapping[Membership, Collection[str]]
"""What events were of, and the columns that held a value in any of them; names of the map `vendor` among them."""


def together(kinds: Iterable[Kinds]) -> Kinds:
    every: dict[Membership, set[str]] = {}
    for one in kinds:
        for membership, columns in one.items():
            every.setdefault(membership, set()).update(columns)
    return every


def looking(ruleset: Ruleset, kinds: Kinds) -> set[str]:
    """The ids of rules that are tried on such events. Events of unknown source are nobody's."""
    known = [membership for membership in kinds if any(membership)]
    return {rule.id for rule in ruleset.rules if any(membership.fits(rule.logsource) for membership in known)}


def dead(ruleset: Ruleset, kinds: Kinds) -> dict[str, str]:
    """Rules and correlations that could not match, by id, with the reason."""
    found: dict[str, str] = {}
    for rule, node in zip(ruleset.rules, ruleset.nodes, strict=True):
        if why := _why(ruleset, rule, node, kinds):
            found[rule.id] = why
    titles = {rule.id: rule.title for rule in (*ruleset.rules, *ruleset.correlations)}
    for correlation in ruleset.correlations:
        if lacking := _lacking(correlation, found):
            names = "; ".join(titles.get(rule, rule) for rule in lacking)
            found[correlation.id] = f"rules that it counts are dead: {names}"
    return found


def _why(ruleset: Ruleset, rule: Rule, node: Node, kinds: Kinds) -> str:
    source = rule.logsource
    # An event of unknown source is tried on every rule, but is no sign that the rule's own source speaks.
    own = [
        columns
        for kind, columns in kinds.items()
        if kind.fits(source) and (any(kind) or not any(vars(source).values()))
    ]
    if not own:
        told = ruleset.taxonomy.routes(source)
        return f"no event of {source} came" if told else f"no table says which events are of {source}"
    if any(_can(ruleset, node, columns) for columns in own):
        return ""
    fields = [ruleset.atoms.fields[number] for number in sorted(asked(node))]
    absent = [field for field in fields if not any(_is_there(field, columns) for columns in own)]
    names = sorted({names[0] for field in absent for names in (field.columns, field.other) if names})
    if not names:
        return f"its fields are never together in one kind of event of {source}"
    unmapped = [name for name in names if not _is_mapped(ruleset, rule, name)]
    if unmapped:
        return f"nothing maps {', '.join(unmapped)} for {source}"
    return f"never there in events of {source}: {', '.join(names)}"


def _is_mapped(ruleset: Ruleset, rule: Rule, name: str) -> bool:
    return "." in name or name in FIELDS or ruleset.taxonomy.knows(name, rule.logsource)


def _is_there(field: Field, columns: Collection[str]) -> bool:
    """Whether atoms of the field have something to look at. Keywords always have: the line."""
    return all(not names or any(name in columns for name in names) for names in (field.columns, field.other))


def _can(ruleset: Ruleset, node: Node, columns: Collection[str]) -> bool:
    """Whether the condition could hold in events that have no other columns."""
    return _may(node, lambda number: _is_there(ruleset.atoms.fields[number], columns), ruleset)[0]


def _may(node: Node, is_there: Callable[[int], bool], ruleset: Ruleset) -> tuple[bool, bool]:
    """Whether it may hold, and whether it may fail."""
    match node:
        case AnyOf() | AllOf():
            if is_there(node.field):
                return True, True
            # Of what is not there only the tests for its absence hold.
            nulls = [ruleset.atoms.all[atom].test == "null" for atom in node.atoms]
            holds = any(nulls) if isinstance(node, AnyOf) else all(nulls)
            return holds, not holds
        case And():
            parts = [_may(child, is_there, ruleset) for child in node.children]
            return all(may for may, _ in parts), any(may_not for _, may_not in parts)
        case Or():
            parts = [_may(child, is_there, ruleset) for child in node.children]
            return any(may for may, _ in parts), all(may_not for _, may_not in parts)
        case Not():
            may, may_not = _may(node.child, is_there, ruleset)
            return may_not, may
    raise TypeError(type(node))


def _lacking(correlation: Correlation, dead: Collection[str]) -> list[str]:
    """The dead rules without which it cannot fire; none when it can."""
    below = {child.id for child in correlation.children if _lacking(child, dead)}
    gone = [rule for rule in correlation.rules if rule in dead or rule in below]
    if correlation.alternatives:
        ways = [[rule for rule in one.present if rule in gone] for one in correlation.alternatives]
        return gone if all(ways) else []
    if correlation.type.startswith("temporal"):
        return gone
    return gone if len(gone) == len(correlation.rules) else []
