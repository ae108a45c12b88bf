"""Conditions that cannot hold, and conditions that hold for anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.check import logic
from detectors.sigma.expression import AllOf, And, AnyOf, Atoms, Node, Not, Or
from detectors.sigma.ruleset import Ruleset

RULE = """title: t
id: one
logsource: {{product: p, category: c}}
detection:
{selections}
  condition: {condition}
"""


def doubts(load: Callable[..., Ruleset], condition: str, **selections: str) -> dict[str, str]:
    text = "\n".join(f"  {name}: {value}" for name, value in selections.items())
    ruleset = load(RULE.format(selections=text, condition=condition))
    return {doubt.kind: str(doubt.problem) for doubt in logic.doubts(ruleset)}


@pytest.mark.parametrize(
    ("condition", "selections", "why"),
    [
        ("a and not a", {"a": "{F: x}"}, "F equals 'x', and not"),
        ("a and not b", {"a": "{F|contains: [x, y]}", "b": "{F|contains: [x, y, z]}"}, "every value of F"),
        ("a and not 1 of b*", {"a": "{F: x}", "b1": "{G: 1}", "b2": "{F: x}"}, "F equals 'x', and not"),
        ("a", {"a": "{F|all: [x, y]}"}, "F equals 'x' and F equals 'y'"),
        ("a", {"a": "{F|all: [1, 2]}"}, "F number '1' and F number '2'"),
        ("a and b", {"a": "{F: x}", "b": "{F|startswith: y}"}, "F equals 'x' and F startswith 'y'"),
        ("a and b", {"a": "{F: xyz}", "b": "{F|contains|all: [y, q]}"}, "F equals 'xyz' and F contains 'q'"),
        ("a and b", {"a": "{F: null}", "b": "{F|endswith: y}"}, "F is missing and F endswith 'y'"),
        ("(a or b) and not c", {"a": "{F: x}", "b": "{F: y}", "c": "{F: [x, y]}"}, "is excluded"),
        ("(a or b) and c", {"a": "{F: x, G: 1}", "b": "{F: y, G: 2}", "c": "{F: z}"}, "F equals"),
        ("not (a or not a)", {"a": "{F: x}"}, "F equals 'x', and not"),
        ("a and not b", {"a": "['k w']", "b": "['k w']"}, "the event contains 'k w', and not"),
    ],
)
def test_what_can_never_match(
    condition: str, selections: dict[str, str], why: str, load: Callable[..., Ruleset]
) -> None:
    found = doubts(load, condition, **selections)
    assert list(found) == ["never-matches"]
    assert f"can never match: {why}" in found["never-matches"] or why in found["never-matches"]
    assert ":" + str(5 + len(selections)) + ":" in found["never-matches"]


@pytest.mark.parametrize(
    ("condition", "selections"),
    [
        ("a and not b", {"a": "{F|contains: [x, y]}", "b": "{F|contains: [x]}"}),
        ("a", {"a": "{event.category|all: [x, y]}"}),
        ("a", {"a": "{F|contains|all: [x, y]}"}),
        ("a and b", {"a": "{F: xyz}", "b": "{F|contains|all: [y, z]}"}),
        ("a or not a", {"a": "{F: x}"}),
        ("a and not (a and b)", {"a": "{F: x}", "b": "{G: x}"}),
        ("(a or b) and not a", {"a": "{F: x}", "b": "{F: y}"}),
        ("a", {"a": "['x', 'y']"}),
    ],
)
def test_what_may_match(condition: str, selections: dict[str, str], load: Callable[..., Ruleset]) -> None:
    assert "never-matches" not in doubts(load, condition, **selections)


@pytest.mark.parametrize(
    ("condition", "selections", "expected"),
    [
        ("not a", {"a": "{F: x}"}, True),
        ("a", {"a": "{F: '*'}"}, True),
        ("a", {"a": "{F: null}"}, True),
        ("a and not b", {"a": "{F|exists: true}", "b": "{G: x}"}, True),
        ("a or not b", {"a": "{F: x}", "b": "{G: x}"}, True),
        ("a", {"a": "{F: '?*'}"}, False),
        ("a and not b", {"a": "{F: x}", "b": "{G: x}"}, False),
    ],
)
def test_what_matches_everything(
    condition: str, selections: dict[str, str], expected: bool, load: Callable[..., Ruleset]
) -> None:
    assert ("matches-everything" in doubts(load, condition, **selections)) == expected


def test_a_rule_that_only_feeds_a_correlation_may_match_everything(load: Callable[..., Ruleset]) -> None:
    rule = RULE.format(selections="  a: {F: x}", condition="not a")
    correlation = "title: c\nid: two\ncorrelation: {type: event_count, rules: [one], timespan: 1m, condition: {gte: 2}}"
    assert not list(logic.doubts(load(rule, correlation)))


ATOMS = Atoms()
LEAVES = [ATOMS.node(["atom", field, test, value], lambda name: (name,), "") for field, test, value in (
    ("F", "equals", "ab"), ("F", "equals", "cd"), ("F", "contains", "a"), ("F", "startswith", "c"), ("F", "null", ""),
    ("G", "equals", "x"), ("G", "null", ""),
)]  # fmt: skip


def nodes() -> st.SearchStrategy[Node]:
    leaves: st.SearchStrategy[Node] = st.sampled_from(LEAVES)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=1, max_size=3).map(lambda children: And(tuple(children))),
            st.lists(inner, max_size=3).map(lambda children: Or(tuple(children))),
        ),
        max_leaves=8,
    )


def holds(node: Node, f: str | None, g: str | None) -> bool:
    """By the definition of each test, on an event with these two values."""
    match node:
        case AnyOf(atoms=atoms) | AllOf(atoms=atoms):
            results = []
            for number in atoms:
                atom = ATOMS.all[number]
                value, text = {"F": f, "G": g}[atom.field.columns[0]], str(atom.value)
                results.append(
                    value is None
                    if atom.test == "null"
                    else value is not None
                    and {"equals": value == text, "contains": text in value, "startswith": value.startswith(text)}[
                        atom.test
                    ]
                )
            return any(results) if isinstance(node, AnyOf) else all(results)
        case And(children=children):
            return all(holds(child, f, g) for child in children)
        case Or(children=children):
            return any(holds(child, f, g) for child in children)
        case Not(child=child):
            return not holds(child, f, g)
    raise TypeError(node)


@given(nodes())
def test_what_is_called_contradictory_holds_for_no_event(node: Node) -> None:
    if logic.contradiction(node, ATOMS):
        assert not any(holds(node, f, g) for f in (None, "ab", "cd", "a", "c", "ca", "z") for g in (None, "x", "y"))
