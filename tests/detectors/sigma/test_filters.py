"""Filters: which rules they narrow and until when; pySigma's own are the measure."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Taxonomy
from detectors.sigma.translate import translate

RULES = """
title: one
id: 8a3b8a5a-90a5-4f0c-9a5e-3d6a4f0c1a01
name: first
logsource: {product: p, category: c}
detection: {s: {F: a}, t: {F: b}, condition: s or t}
---
title: two
id: 8a3b8a5a-90a5-4f0c-9a5e-3d6a4f0c1a02
logsource: {product: p, service: x}
detection: {s: {F: a}, t: {F: b}, condition: [s, t]}
"""
FILTER = """
title: our scanner
logsource: {source}
filter:
  rules: {rules}
  selection: {{G: x}}
  other_one: {{G: y, H: x}}
  other_two: [{{G: z}}, {{H: z}}]
  condition: {condition}
"""
VALUES = [("F", ["a", "b", None]), ("G", ["x", "y", "z", None]), ("H", ["x", "z", None])]
EVENTS = [
    dict(zip([name for name, _ in VALUES], values, strict=True))
    for values in itertools.product(*(v for _, v in VALUES))
]


def found(ruleset: Ruleset) -> set[tuple[int, str]]:
    batch = pa.RecordBatch.from_pylist(EVENTS)
    matches = ruleset.match(batch)
    return {(row, ruleset.rules[rule].id) for row, rule in zip(*matches.to_pydict().values(), strict=True)}


def by_pysigma(filter_text: str) -> set[tuple[int, str]]:
    """What the rules match when pySigma has joined the filter to them."""
    entries = []
    for text in RULES.split("---"):
        rule = SigmaFilter.from_yaml(filter_text).apply_on_rule(SigmaRule.from_yaml(text))
        assert isinstance(rule, SigmaRule)
        source = rule.logsource
        entries.append(
            {
                "kind": "rule",
                "metadata": {"id": str(rule.id), "name": "", "title": rule.title, "path": "", "line": 1},
                "logsource": [source.product, source.category, source.service],
                "expression": translate(rule.detection),
            }
        )
    return found(Ruleset(entries, Taxonomy([])))


CONDITIONS = (
    "selection", "not 1 of other_*", "not (selection or all of other_*)", "not 1 of them", "not all of *",
    "selection and not other_one",
)  # fmt: skip
REACHES = (
    ("{product: p}", "any"),
    ("{product: p}", "[]"),
    ("{product: p, category: c}", "any"),
    ("{product: p, category: other}", "any"),
    ("{product: p, category: c, service: x}", "any"),
    ("{product: p}", "first"),
    ("{product: p}", "[8a3b8a5a-90a5-4f0c-9a5e-3d6a4f0c1a01, 8a3b8a5a-90a5-4f0c-9a5e-3d6a4f0c1a02]"),
    ("{service: x}", "[first]"),
)


@pytest.mark.parametrize(
    ("source", "rules", "condition"),
    [
        *((*reach, "not selection") for reach in REACHES),
        *(("{product: p}", "any", condition) for condition in CONDITIONS),
    ],
)
def test_filters_do_as_in_pysigma(condition: str, source: str, rules: str, load: Callable[..., Ruleset]) -> None:
    text = FILTER.format(source=source, rules=rules, condition=condition)
    assert found(load(RULES, text)) == by_pysigma(text)


CORRELATION = """
title: often
id: often
correlation: {type: event_count, rules: [first], timespan: 5m, condition: {gte: 2}}
"""


def test_what_a_correlation_counts_is_narrowed(load: Callable[..., Ruleset]) -> None:
    ruleset = load(RULES, CORRELATION, FILTER.format(source="{product: p}", rules="[first]", condition="not selection"))
    (narrowing,) = ruleset.filters
    assert [ruleset.rules[number].name for number in narrowing.narrowed] == ["first"]
    events = [{"F": "a", "G": g, "@timestamp": "2026-03-05T09:00:00Z"} for g in ("x", "q")]
    batch = pa.RecordBatch.from_pylist(events)
    matches = ruleset.match(batch)
    inputs = ruleset.correlation_inputs(ruleset.matched_ids(matches), batch.take(matches["row"]))
    assert set(inputs["row"].to_pylist()) == {matches["row"].to_pylist().index(1)}


@pytest.mark.parametrize(
    ("rules", "what", "hint"),
    [
        ("[frist]", "filter names the rule 'frist', which is not there", "did you mean 'first'?"),
        ("[zzzz]", "filter names the rule 'zzzz', which is not there", "write the id or the name of a rule"),
        ("[often]", "filter names the correlation 'often'", "name the rules that it counts"),
        ("[5]", "filter names no rules", "write 'rules: any', or ids or names"),
    ],
)
def test_names_that_lead_nowhere(rules: str, what: str, hint: str, load: Callable[..., Ruleset]) -> None:
    text = FILTER.format(source="{product: p}", rules=rules, condition="not selection")
    (problem,) = load(RULES, CORRELATION, text, strict=False).problems
    assert (problem.what, problem.path.endswith("rule2.yml")) == (what, True)
    assert hint in problem.hint


def test_the_names_that_are_there_count_all_the_same(load: Callable[..., Ruleset]) -> None:
    text = FILTER.format(source="{product: p}", rules="[gone, first]", condition="not selection")
    ruleset = load(RULES, text, strict=False)
    assert len(ruleset.problems) == 1
    assert [len(each.narrowed) for each in ruleset.filters] == [1]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("logsource: {product: p}", "", "has no logsource"),
        ("condition: not selection", "condition: [not selection]", "filter has several conditions"),
        ("  rules: any", "", "filter names no rules"),
        ("title: our scanner", "title: our scanner\nhamrong: {expires: soon}", "write the last day, as 2027-01-31"),
        ("title: our scanner", "title: our scanner\nhamrong: {expires: 20270131}", "write the last day, as 2027-01-31"),
        (
            "title: our scanner",
            "title: s\nhamrong: {expires: 2027-01-31T00:00:00Z}",
            "write the last day, as 2027-01-31",
        ),
        ("title: our scanner", "title: our scanner\nhamrong: {entity: source.ip}", "known: expires, reason"),
        ("filter:", "filter: x\nother:", "filter"),
    ],
)
def test_faults(old: str, new: str, what: str, load: Callable[..., Ruleset]) -> None:
    text = FILTER.format(source="{product: p}", rules="any", condition="not selection")
    assert old in text
    assert what in "\n".join(map(str, load(RULES, text.replace(old, new), strict=False).problems))


EXPIRING = (
    FILTER.format(source="{product: p}", rules="any", condition="not selection")
    + """
author: An
hamrong: {reason: the weekly scan, expires: 2026-11-24}
"""
)


def test_a_filter_applies_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "filter.yml").write_text(EXPIRING)
    cache = tmp_path / "cache"
    days = {day: Ruleset.load([tmp_path], cache, today=date(2026, 11, day)) for day in (23, 24, 25, 26)}
    never = Ruleset.load([tmp_path], cache)
    matched = {day: len(found(ruleset)) for day, ruleset in days.items()}
    assert matched[23] == matched[24] == len(found(never)) < matched[25] == matched[26]
    assert days[23].version == days[24].version == never.version != days[25].version == days[26].version
    (narrowing,) = days[24].filters
    assert (narrowing.author, narrowing.reason, narrowing.expires) == ("An", "the weekly scan", "2026-11-24")
    assert not days[24].expired
    (expired,) = days[25].expired
    assert expired.path == str(tmp_path / "filter.yml")
    assert expired.what == "filter 'our scanner' expired on 2026-11-24 and applies no more"
    assert not days[25].problems
