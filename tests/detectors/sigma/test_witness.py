"""Events made from a rule's condition: the plain evaluator agrees with what is said of each."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from sigma.rule import SigmaDetections

from detectors.sigma import taxonomy
from detectors.sigma.load import POLICY, load
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness.propose import Proposed, propose
from detectors.sigma.witness.regex_samples import samples
from tests.detectors.sigma import plain
from tests.detectors.sigma.test_match import DETECTION


def proposed(detection: dict[str, Any]) -> Proposed | None:
    """What is proposed, after the plain evaluator has looked at it; None for a rule that is refused."""
    rule = {"title": "t", "id": "r", "logsource": {"product": "p"}, "detection": detection}
    loaded = load("r.yml", yaml.safe_dump(rule, allow_unicode=True).encode())
    if not loaded.entries:
        return None
    found = propose(Ruleset(loaded.entries, taxonomy.Taxonomy([])), 0)
    trees = [condition.parsed for condition in SigmaDetections.from_dict(detection, policy=POLICY).parsed_condition]
    for one in found.events:
        assert any(plain.holds(tree, one.event) for tree in trees) is one.fires, one
    return found


TESTS: dict[str, Any] = {
    "F": "abc",
    "F|contains": ["x", "y"],
    "F|contains|all": ["one", "two", "three"],
    "F|startswith": "C:\\",
    "F|endswith": "\\cmd.exe",
    "F|cased": "AbC",
    "F|contains|cased": "AbC",
    "F|re": "^[a-f]{3,5}\\d+(x|y)\\.exe$",
    "F|re|i": "union\\s+select",
    "F|cidr": "192.0.2.0/24",
    "F|windash|contains": " -enc ",
    "F|base64offset|contains": "http://",
    "F|wide|base64offset|contains": "IEX",
    "F|gt": 10,
    "F|gte": 10,
    "F|lt": 10,
    "F|lte": 10,
    "F|neq": 10,
    "F|exists": True,
    "F|fieldref": "G",
    "F|fieldref|endswith": "G",
    "F|hour": 3,
    "F|week": 12,
    "F|month": 2,
}


@pytest.mark.parametrize(
    ("test", "value"),
    [*TESTS.items(), ("F", 4624), ("F", None), ("F", ""), ("F", "*"), ("F", "a*b?c*"), ("F", "x\\*y"), ("F", True)],
)
def test_every_test_has_a_firing_event_and_a_near_miss(test: str, value: Any) -> None:
    for condition in ("a", "a and b"):
        found = proposed({"a": {test: value}, "b": {"H": "h"}, "condition": condition})
        assert found is not None
        assert [one.fires for one in found.events][:2] == [True, False], found
        assert found.left_out == []


def test_keywords_go_into_the_raw_line() -> None:
    found = proposed({"a": ["Failed password", "invalid user"], "b": ["root"], "condition": "a and b"})
    assert found is not None
    assert "root" in found.events[0].event["event.original"]
    assert [one.fires for one in found.events] == [True, False, False]


def test_one_atom_is_flipped_and_the_rest_kept() -> None:
    found = proposed({"a": {"F|endswith": "\\x.exe", "G|contains|all": ["one", "two"]}, "condition": "a"})
    assert found is not None
    assert [(one.name, one.event) for one in found.events] == [
        ("fires", {"product": "p", "F": "\\x.exe", "G": "one two"}),
        ("not: F endswith '\\x.exe'", {"product": "p", "F": "x.exe", "G": "one two"}),
        ("not: G contains 'one'", {"product": "p", "F": "\\x.exe", "G": "two on"}),
        ("not: G contains 'two'", {"product": "p", "F": "\\x.exe", "G": "one tw"}),
    ]


def test_every_exception_is_a_near_miss_by_its_name() -> None:
    detection = {
        "selection": {"F|endswith": ".exe"},
        "filter_main_system": {"F|startswith": "C:\\Windows\\"},
        "filter_main_admin": {"G": "admin", "H": 1},
        "filter_optional": {"G": None},
        "condition": "selection and not 1 of filter_main_* and not filter_optional",
    }
    found = proposed(detection)
    assert found is not None
    assert found.left_out == []
    assert [one.name for one in found.events if one.name.startswith("excepted")] == [
        "excepted: filter_main_admin",
        "excepted: filter_main_system",
        "excepted: filter_optional",
    ]
    excepted = next(one for one in found.events if one.name.endswith("_admin"))
    assert excepted.event.items() >= {"F": ".exe", "G": "admin", "H": 1}.items()


def test_other_exceptions_stay_away_from_the_firing_event() -> None:
    """The value that the selection wants must dodge what the filters name."""
    found = proposed(
        {
            "a": {"F|contains": "tool"},
            "f": {"F": ["tool", "tool x", "x tool"]},
            "g": {"F|endswith": "tool"},
            "condition": "a and not f and not g",
        }
    )
    assert found is not None
    assert found.events[0].fires


def test_a_network_with_a_hole() -> None:
    found = proposed(
        {"a": {"F|cidr": "192.0.2.0/24"}, "ours": {"F|cidr": "192.0.2.0/25"}, "condition": "a and not ours"}
    )
    assert found is not None
    assert [one.fires for one in found.events] == [True, False, False]


@pytest.mark.parametrize("detection", [{"a": {"F": "x"}, "b": {"F": "y"}}, {"a": {"F|gt": 5}, "b": {"F|lt": 5}}])
def test_what_cannot_be_is_said(detection: dict[str, Any]) -> None:
    found = proposed({**detection, "condition": "a and b"})
    assert found is not None
    assert found.events == []
    assert found.left_out == ["no firing event: no values were found that meet the condition"]


def test_fields_that_must_be_alike_and_must_not_have_no_event() -> None:
    found = proposed({"a": {"F|fieldref": "G"}, "b": {"F|fieldref": "G", "H": None}, "condition": "a and not b"})
    assert found is not None
    assert found.events[0].fires
    found = proposed({"a": {"F|fieldref": "G"}, "condition": "a and not a"})
    assert found is not None
    assert found.left_out == ["no firing event: no values were found that meet the condition"]


def test_a_test_that_others_imply_cannot_be_missed_alone() -> None:
    found = proposed({"a": {"F|contains|all": ["foo", "foobar"]}, "condition": "a"})
    assert found is not None
    assert found.left_out == ["no event for 'not: F contains 'foo'': no values were found"]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(DETECTION)
def test_generated_rules_are_told_the_truth_about(detection: dict[str, Any]) -> None:
    proposed(detection)


@pytest.mark.parametrize(
    "regex",
    [
        "abc",
        "a{3,}b?",
        "[^a-z]x",
        "(?i)ab|cd",
        "a.c",
        r"\d\s\w",
        r"(a|b)(c|d)+",
        "^x$",
        r"[\w.-]{5}",
        r"a\x41",
        "(?s).+",
    ],
)
def test_samples_match_their_expression(regex: str) -> None:
    found = list(samples(regex))
    assert found
    assert all(re.search(regex, one.text) for one in found)
    assert found == list(samples(regex))


@pytest.mark.parametrize("regex", ["(", r"\z\pL["])
def test_an_expression_that_cannot_be_read_has_no_samples(regex: str) -> None:
    assert list(samples(regex)) == []


def test_a_sample_is_never_too_long() -> None:
    assert [len(one.text) <= 4_000 for one in samples("(a{1000}){1000}")] == []


@pytest.mark.slow
def test_public_rules_have_proved_events(public: Ruleset) -> None:
    """Of every fortieth rule; at least 95 % have a firing event and a near miss."""
    numbers = range(0, len(public.rules), 40)
    found = [propose(public, number) for number in numbers]
    both = [{one.fires for one in each.events} == {True, False} for each in found]
    assert sum(both) / len(both) >= 0.95
