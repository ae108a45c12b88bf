"""coverage: which attacks the rules would show, by what works and not by what they are tagged with.

In:   the rules; what became of their cases; which of them are blind; how often each fired
Out:  `Coverage`: each rule's state, and of them that of techniques, tactics and systems

A rule *works* when its cases pass, a firing and a quiet one at least, and events came in which it could fire. It is
*untested* when cases are missing or fail, on *trial* while its status is experimental, and *blind* when no source gives
what it needs. A technique is in the best of its rules' states. Of a system a rule is blind when that system does not
give what it needs, whatever others do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from detectors.sigma import attack
from detectors.sigma.cases import Verdict
from detectors.sigma.lifecycle import RETIRED, SHADOW
from detectors.sigma.rule import Metadata
from detectors.sigma.ruleset import Ruleset

WORKS, TRIAL, UNTESTED, BLIND = STATES = ("works", "trial", "untested", "blind")
"""The best first."""
NO_TACTIC = "no tactic"


@dataclass(frozen=True)
class Covered:
    """One rule that raises alerts."""

    id: str
    title: str
    path: str
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    state: str
    blind: str = ""
    """Why, when it is."""
    fired: int | None = None
    """Alerts; None when nobody could say."""


@dataclass(frozen=True)
class Group:
    """Of rules that have something in common."""

    name: str
    states: Mapping[str, int]
    """How many rules are in each state."""
    fired: int | None
    """How many rules raised an alert."""
    rules: tuple[Covered, ...]

    @property
    def state(self) -> str:
        return next(state for state in STATES if self.states[state])


@dataclass(frozen=True)
class Coverage:
    rules: tuple[Covered, ...]
    techniques: tuple[Group, ...]
    """By id."""
    tactics: tuple[Group, ...]
    """As the matrix has them; rules without any tactic last."""
    systems: tuple[Group, ...]
    """As they were given; a system that no rule watches has none."""


def coverage(
    ruleset: Ruleset,
    verdicts: Sequence[Verdict],
    blind: Mapping[str, str],
    fired: Mapping[str, int] | None,
    systems: Mapping[str, Mapping[str, str]],
) -> Coverage:
    """`blind`: reasons by id of rule; `fired`: alerts by id, None when unknown; `systems`: what `of_system` says of
    each."""
    tested = _tested(verdicts)
    rules = tuple(
        Covered(
            rule.id,
            rule.title,
            rule.path,
            attack.techniques(rule.tags),
            attack.tactics(rule.tags),
            _state(rule, tested, blind),
            blind.get(rule.id, ""),
            None if fired is None else fired.get(rule.id, 0),
        )
        for rule in (*ruleset.rules, *ruleset.correlations)
        if rule.generate and rule.status not in RETIRED
    )
    techniques = {name for rule in rules for name in rule.techniques}
    tactics = {name for rule in rules for name in rule.tactics}
    by_tactic = [
        _group(name, (rule for rule in rules if name in rule.tactics)) for name in sorted(tactics, key=attack.order)
    ]
    none = _group(NO_TACTIC, (rule for rule in rules if not rule.tactics))
    return Coverage(
        rules,
        tuple(_group(name, (rule for rule in rules if name in rule.techniques)) for name in sorted(techniques)),
        tuple([*by_tactic, none] if none.rules else by_tactic),
        tuple(_group(name, _there(rules, blind_there)) for name, blind_there in systems.items()),
    )


def watching(ruleset: Ruleset, ids: Collection[str]) -> set[str]:
    """Rules of these ids, and the correlations that count any of them, of others' too."""
    found = set(ids)
    waiting = list(ruleset.correlations)
    while more := [one for one in waiting if not found.isdisjoint(one.rules)]:
        found.update(one.id for one in more)
        waiting = [one for one in waiting if one.id not in found]
    return found


def of_system(ruleset: Ruleset, looking: Collection[str], dead: Mapping[str, str]) -> dict[str, str]:
    """The rules that look at a system's events, and the correlations that count any of them: why each is blind there;
    "" = it is not. `looking`: ids of rules; `dead`: reasons, by what this system alone has sent."""
    seeing = watching(ruleset, [rule for rule in looking if rule not in dead])
    return {
        rule: "" if rule in seeing else dead.get(rule, "nothing that it counts is seen here")
        for rule in watching(ruleset, looking)
    }


def _there(rules: Iterable[Covered], blind: Mapping[str, str]) -> Iterator[Covered]:
    """A system's rules, in the states that they have there."""
    for rule in rules:
        if rule.id in blind:
            why = rule.blind or blind[rule.id]
            yield replace(rule, state=BLIND, blind=why) if why else rule


def _tested(verdicts: Sequence[Verdict]) -> set[str]:
    """Rules that fire in a firing case of theirs, keep quiet in a quiet one, and fail in none."""
    fires: set[str] = set()
    quiet: set[str] = set()
    failed: set[str] = set()
    for verdict in verdicts:
        if not verdict.passed:
            failed.update(verdict.rules)
        elif verdict.case.fires:
            fires.update(verdict.fired)
        else:
            quiet.update(verdict.rules)
    return (fires & quiet) - failed


def _state(rule: Metadata, tested: Collection[str], blind: Collection[str]) -> str:
    if rule.id in blind:
        return BLIND
    if rule.id not in tested:
        return UNTESTED
    return TRIAL if rule.status == SHADOW else WORKS


def _group(name: str, rules: Iterable[Covered]) -> Group:
    members = tuple(sorted(rules, key=lambda rule: (rule.path, rule.id)))
    states = {state: sum(rule.state == state for rule in members) for state in STATES}
    known = [rule.fired for rule in members if rule.fired is not None]
    fired = sum(count > 0 for count in known) if len(known) == len(members) else None
    return Group(name, states, fired, members)
