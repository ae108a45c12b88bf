"""exceptions: filters and lists that do nothing, or that nobody answers for.

In:   a Ruleset
Out:  Doubts "expired-filter", "idle-filter", "empty-list", and "convention" for our own
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from detectors.sigma.check.doubt import Doubt
from detectors.sigma.check.place import line_of
from detectors.sigma.filters import Filter
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem


def doubts(ruleset: Ruleset, own: Collection[str]) -> Iterator[Doubt]:
    yield from (Doubt(problem, "expired-filter") for problem in ruleset.expired)
    yield from (Doubt(problem, "empty-list") for problem in ruleset.empty)
    by_id = {rule.id: rule for rule in ruleset.rules}
    for each in ruleset.filters:
        narrowed = {ruleset.rules[number].id for number in each.narrowed}
        line = line_of(each.path, each.line, "logsource")
        for name in each.named:
            if name not in narrowed:
                what = f"filter is for {each.logsource}, the rule '{by_id[name].title}' is for {by_id[name].logsource}"
                yield Doubt(Problem(each.path, line, what, "write the rule's log source"), "idle-filter")
        if not each.narrowed and not each.named:
            what = f"filter narrows no rule: none is for {each.logsource}"
            yield Doubt(Problem(each.path, line, what, "write a log source that rules have"), "idle-filter")
        if each.path in own:
            yield from _unanswered(each)


def _unanswered(each: Filter) -> Iterator[Doubt]:
    """An exception that nobody signed, explains or will look at again stays for ever."""
    for missing, value, hint in (
        ("author", each.author, "write who answers for it"),
        ("hamrong.reason", each.reason, "write why what it excludes is harmless"),
        ("hamrong.expires", each.expires, "write the day until which that is sure, as 2027-01-31"),
    ):
        if not value:
            yield Doubt(Problem(each.path, each.line, f"filter has no {missing}", hint), "convention")
