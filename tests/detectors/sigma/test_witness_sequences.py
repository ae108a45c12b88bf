"""Sequences made from a correlation: each is proved, and each kind of correlation has some."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.sigma import sequence
from detectors.sigma.cases import fired
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness.sequences import propose

RULES = """
title: A
id: a
logsource: {product: p}
detection: {s: {F: a}, condition: s}
---
title: B
id: b
logsource: {product: p}
detection: {s: {F: b}, t: {source.ip|startswith: '203.0.113.'}, condition: s and not t}
"""
COUNTED = "rules: [a], group-by: [source.ip], timespan: 5m"
BOTH = "rules: [a, b], group-by: [source.ip], timespan: 5m"


def proposed(load: Callable[..., Ruleset], correlation: str) -> tuple[dict[str, bool], list[str]]:
    """Name -> whether it fires, each tried anew."""
    ruleset = load(RULES + f"---\ntitle: C\nid: c\ncorrelation: {{{correlation}}}\n")
    found, left_out = propose(ruleset, ruleset.correlations[0])
    for case in found:
        told = sequence.unfold(case["lines"], None)
        assert isinstance(told, sequence.Sequence)
        assert ("c" in fired(ruleset, flat_batch(told.events)[0])) is case["fires"]
    return {case["name"]: case["fires"] for case in found}, left_out


@pytest.mark.parametrize(
    ("correlation", "names"),
    [
        (
            f"type: event_count, {COUNTED}, condition: {{gte: 3}}",
            ["3 within 300 seconds", "one fewer", "as many, over a longer time", "as many, each of another source.ip"],
        ),
        (
            f"type: value_count, {COUNTED}, condition: {{field: user.name, gt: 3}}",
            [
                "4 within 300 seconds",
                "one fewer",
                "as many, over a longer time",
                "as many, each of another source.ip",
                "as many, all of one user.name",
            ],
        ),
        # The value that is counted is one that the rule asks for.
        (
            "type: value_count, rules: [b], timespan: 5m, condition: {field: source.ip, gte: 2}",
            ["2 within 300 seconds", "one fewer", "as many, over a longer time", "as many, all of one source.ip"],
        ),
        (f"type: temporal, {BOTH}", ["each in its turn", "without the last", "over a longer time"]),
        (
            f"type: temporal_ordered, {BOTH}",
            ["each in its turn", "without the last", "in the reverse order", "over a longer time"],
        ),
        (f"type: temporal, {BOTH}, condition: a and not b", ["each in its turn", "without the last", "with b, too"]),
        (f"type: value_sum, {COUNTED}, condition: {{field: n, gte: 100}}", ["n 99", "n 100", "n 101"]),
        (f"type: value_avg, {COUNTED}, condition: {{field: n, lt: 5}}", ["n 4", "n 5", "n 6"]),
    ],
)
def test_every_kind_of_correlation(correlation: str, names: list[str], load: Callable[..., Ruleset]) -> None:
    found, left_out = proposed(load, correlation)
    assert list(found) == names
    assert set(found.values()) == {True, False}
    assert left_out == []


def test_what_cannot_be_is_said(load: Callable[..., Ruleset]) -> None:
    found, left_out = proposed(load, f"type: event_count, {COUNTED}, condition: {{gte: 5000}}")
    assert found == {}
    assert left_out == ["no sequence: event_count with this condition"]
