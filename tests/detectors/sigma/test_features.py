"""One row a feature of Sigma's detection language: what it must match and what it must not.

docs/reference/sigma.md points here row by row.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

from detectors.sigma import taxonomy
from detectors.sigma.load import load
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset

Event = dict[str, Any]


def matches(selection: Any, *events: Event, condition: str = "selection", **more: Any) -> list[bool]:
    """Whether each event matches, when all go through in one batch."""
    rule = {
        "title": "t",
        "id": "r",
        "logsource": {"product": "p"},
        "detection": {"selection": selection, **more, "condition": condition},
    }
    loaded = load("rule.yml", yaml.safe_dump(rule, allow_unicode=True).encode())
    assert not loaded.problems, loaded.problems
    assert not loaded.refused, loaded.refused
    ruleset = Ruleset(loaded.entries, taxonomy.Taxonomy([]))
    batch, broken = flat_batch([orjson.dumps(event) for event in events])
    assert not broken
    found = set(ruleset.match(batch)["row"].to_pylist())
    return [row in found for row in range(len(events))]


CASES: dict[str, tuple[Any, list[Event], list[Event]]] = {
    "text": ({"F": "Abc"}, [{"F": "abc"}, {"F": "ABC"}], [{"F": "abcd"}, {"F": ""}, {"G": "abc"}]),
    "list is any of": ({"F": ["a", "b"]}, [{"F": "B"}], [{"F": "c"}]),
    "map is all of": ({"F": "a", "G": "b"}, [{"F": "a", "G": "b"}], [{"F": "a"}, {"F": "a", "G": "c"}]),
    "list of maps is one of": ([{"F": "a"}, {"G": "b"}], [{"F": "a"}, {"G": "b"}], [{"F": "b"}]),
    "wildcards": ({"F": "a*c?e"}, [{"F": "aXXcde"}, {"F": "ac\nE"}], [{"F": "acde."}, {"F": "ace"}]),
    "wildcard ? is one character, not one byte": ({"F": "a?b"}, [{"F": "aệb"}], [{"F": "aab b"}, {"F": "ab"}]),
    "escaped wildcard": ({"F": r"a\*b"}, [{"F": "a*b"}], [{"F": "aXb"}, {"F": r"a\*b"}]),
    "escaped backslash before a wildcard": ({"F": r"C:\\*"}, [{"F": "C:\\x"}], [{"F": "C:*"}, {"F": "C:"}]),
    "plain backslash": ({"F": r"a\b"}, [{"F": "a\\b"}], [{"F": "ab"}]),
    "star alone is any value": ({"F": "*"}, [{"F": "x"}, {"F": ""}], [{"G": "x"}, {"F": None}]),
    "null is missing or null": ({"F": None}, [{"G": "x"}, {"F": None}], [{"F": "x"}, {"F": ""}]),
    "null in a list": ({"F": ["a", None]}, [{"F": "a"}, {}, {"F": None}], [{"F": "b"}]),
    "empty text": ({"F": ""}, [{"F": ""}], [{"F": " "}, {"G": "x"}, {"F": None}]),
    "number": ({"F": 4624}, [{"F": 4624}, {"F": "4624"}, {"F": 4624.0}], [{"F": 46240}, {"F": "4624 "}, {"F": "x"}]),
    "number as text": ({"F": "4624"}, [{"F": 4624}, {"F": "4624"}], [{"F": 46240}]),
    "truth": ({"F": True}, [{"F": True}, {"F": "true"}, {"F": "True"}], [{"F": False}, {"F": 1}]),
    "several values: one suffices": ({"F": "a"}, [{"F": ["b", "A"]}], [{"F": ["b", "c"]}, {"F": []}]),
    "nested names are dotted": ({"a.b": "x"}, [{"a": {"b": "X"}}, {"a.b": "x"}], [{"a": "x"}, {"b": "x"}]),
    "objects in lists": ({"a.b": "x"}, [{"a": [{"b": "y"}, {"b": "x"}]}], [{"a": [{"c": "x"}]}]),
    "contains": ({"F|contains": "bc"}, [{"F": "aBCd"}], [{"F": "b c"}]),
    "startswith": ({"F|startswith": "ab"}, [{"F": "ABc"}], [{"F": "xab"}]),
    "endswith": ({"F|endswith": r"\cmd.exe"}, [{"F": r"C:\CMD.exe"}], [{"F": r"C:\cmd.exe2"}, {"F": "cmd.exe\n"}]),
    "contains all": ({"F|contains|all": ["a", "b"]}, [{"F": "xbxa"}], [{"F": "a"}, {"F": ["a", "c"]}]),
    "all over several values": ({"F|contains|all": ["a", "b"]}, [{"F": ["a", "b"]}], [{"F": ["a", "a"]}]),
    "cased": ({"F|cased": "Ab"}, [{"F": "Ab"}], [{"F": "ab"}, {"F": "AB"}]),
    "cased contains": ({"F|contains|cased": "Ab"}, [{"F": "xAby"}], [{"F": "xaby"}]),
    "case pairs of Vietnamese": ({"F|contains": "ĐĂNG NHẬP"}, [{"F": "đăng nhập thất bại"}], [{"F": "dang nhap"}]),
    "case folding is full": ({"F": "STRASSE"}, [{"F": "straße"}], [{"F": "strase"}]),
    "regular expression": ({"F|re": r"a\d+b$"}, [{"F": "xa12b"}], [{"F": "xA12b"}, {"F": "ab"}]),
    "regular expression i": ({"F|re|i": "đ[ăâ]ng"}, [{"F": "ĐĂNG"}], [{"F": "dang"}]),
    "regular expression m": ({"F|re|m": "^b$"}, [{"F": "a\nb\nc"}], [{"F": "abc"}]),
    "regular expression s": ({"F|re|s": "a.b"}, [{"F": "a\nb"}], [{"F": "ab"}]),
    "dot is no newline": ({"F|re": "a.b"}, [{"F": "axb"}, {"F": "aệb"}], [{"F": "a\nb"}]),
    "regular expression that matches nothing": ({"F|re": "^$"}, [{"F": ""}], [{"F": "x"}, {}]),
    "cidr v4": ({"F|cidr": "192.0.2.0/28"}, [{"F": "192.0.2.15"}], [{"F": "192.0.2.16"}, {"F": "x"}, {"F": ""}]),
    "cidr v6": ({"F|cidr": "2001:db8::/33"}, [{"F": "2001:DB8:7fff::1"}], [{"F": "2001:db8:8000::"}]),
    "cidr v4 mapped into v6": ({"F|cidr": "192.0.2.0/24"}, [{"F": "::ffff:192.0.2.1"}], [{"F": "::192.0.2.1"}]),
    "base64": ({"F|base64|contains": "foo"}, [{"F": "xZm9vy"}], [{"F": "foo"}]),
    "base64offset": (
        {"F|base64offset|contains": "/bin/sh"},
        [{"F": "L2Jpbi9zaA=="}, {"F": "eCAvYmluL3No"}, {"F": "IC9iaW4vc2g="}],
        [{"F": "/bin/sh"}],
    ),
    "wide": ({"F|wide|base64offset|contains": "ab"}, [{"F": "YQBiAA=="}], [{"F": "YWI="}]),
    "utf16le": ({"F|utf16le|base64offset|contains": "ab"}, [{"F": "YQBiAA=="}], [{"F": "YWI="}]),
    "utf16": ({"F|utf16|base64|contains": "ab"}, [{"F": "//5hAGIA"}], [{"F": "YQBiAA=="}]),
    "utf16be": ({"F|utf16be|base64|contains": "ab"}, [{"F": "xAGEAYg=="}], [{"F": "YQBiAA=="}]),
    "windash": (
        {"F|windash|contains": " -x "},
        [{"F": "a -x b"}, {"F": "a /x b"}, {"F": "a \u2013x b"}],
        [{"F": "a x b"}],
    ),
    "exists": ({"F|exists": True}, [{"F": ""}, {"F": 0}], [{"G": 1}, {"F": None}]),
    "exists not": ({"F|exists": False}, [{"G": 1}], [{"F": "x"}]),
    "fieldref": ({"F|fieldref": "G"}, [{"F": "a", "G": "A"}], [{"F": "a", "G": "b"}, {"F": "a"}, {}]),
    "fieldref startswith": ({"F|fieldref|startswith": "G"}, [{"F": "abc", "G": "AB"}], [{"F": "ab", "G": "abc"}]),
    "fieldref endswith": ({"F|fieldref|endswith": "G"}, [{"F": "abc", "G": "BC"}], [{"F": "abc", "G": "ab"}]),
    "fieldref contains": ({"F|fieldref|contains": "G"}, [{"F": "abcd", "G": "BC"}], [{"F": "abcd", "G": "bd"}]),
    "gt": ({"F|gt": 5}, [{"F": 6}, {"F": "5.5"}, {"F": "1e3"}], [{"F": 5}, {"F": "x"}, {"F": None}]),
    "gte": ({"F|gte": 5}, [{"F": 5}, {"F": "5"}], [{"F": 4.9}]),
    "lt": ({"F|lt": 5}, [{"F": -1}, {"F": "4.9"}], [{"F": 5}, {"F": ""}]),
    "lte": ({"F|lte": 5}, [{"F": 5}], [{"F": 5.1}]),
    "neq": ({"F|neq": "a"}, [{"F": "b"}, {"G": "a"}], [{"F": "A"}]),
    "hour": ({"F|hour": 9}, [{"F": "2026-03-05T09:10:11+07:00"}, {"F": "2026-03-05 09:00:00"}], [{"F": "2026-03-05"}]),
    "minute": ({"F|minute": 10}, [{"F": "2026-03-05T09:10:11Z"}], [{"F": "2026-03-05T10:09:10Z"}, {"F": "x"}]),
    "day": ({"F|day": 5}, [{"F": "2026-03-05T09:10:11Z"}], [{"F": "2026-05-03T09:10:11Z"}]),
    "week": ({"F|week": 10}, [{"F": "2026-03-05T09:10:11Z"}], [{"F": "2026-03-09T09:10:11Z"}]),
    "month": ({"F|month": 3}, [{"F": "2026-03-05T09:10:11Z"}], [{"F": "2026-05-03T09:10:11Z"}]),
    "year": ({"F|year": 2026}, [{"F": "2026-03-05T09:10:11Z"}], [{"F": "2025-03-05T09:10:11Z"}]),
    "keyword": (["needle"], [{"F": "a NEEDLE b"}, {"G": ["x", "needle"]}], [{"F": "needl"}, {"F": "nee", "G": "dle"}]),
    "keyword in any case": (["kĐss"], [{"F": "a KđSS"}, {"F": "a \u212ađß b"}], [{"F": "kdss"}]),
    "keyword of ASCII in other letters": (["kss"], [{"F": "a \u212aß"}], [{"F": "kß"[1:]}]),
    "keyword with wildcard": (["a*z"], [{"F": "xxabzz"}], [{"F": "za"}]),
    "keywords, all of": ({"|all": ["a1", "b1"]}, [{"F": "a1", "G": "b1"}, {"F": "b1a1"}], [{"F": "a1"}]),
    "keyword as regular expression": ({"|re": "n.{2}dle"}, [{"F": "a needle"}], [{"F": "nedle"}]),
    "keyword in the raw line only": (
        ["needle"],
        [{"event.original": "a needle", "F": "x"}],
        [{"event.original": "a pin", "F": "needle"}],
    ),
    "NUL": ({"F|contains": "a\0b"}, [{"F": "xa\0by"}], [{"F": "ab"}]),
    "a value of a megabyte": ({"F|contains": "needle"}, [{"F": "x" * (1 << 20) + "needle"}], [{"F": "x" * (1 << 20)}]),
    "a literal of 5,000 characters": ({"F|contains": "ab" * 2500}, [{"F": "x" + "AB" * 2500}], [{"F": "ab" * 2499}]),
    "a pattern of 5,000 characters": (
        {"F": "a" * 2500 + "*" + "b" * 2500},
        [{"F": "A" * 2500 + "b" * 2501}],
        [{"F": "ab"}],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_feature(name: str) -> None:
    selection, fires, quiet = CASES[name]
    assert matches(selection, *fires, *quiet) == [True] * len(fires) + [False] * len(quiet)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("selection", [True, True, False, False]),
        ("selection and other", [True, False, False, False]),
        ("selection or other", [True, True, True, False]),
        ("not selection", [False, False, True, True]),
        ("selection and not other", [False, True, False, False]),
        ("not (selection and other)", [False, True, True, True]),
        ("1 of them", [True, True, True, False]),
        ("all of them", [True, False, False, False]),
        ("1 of sel*", [True, True, False, False]),
        ("any of them", [True, True, True, False]),
        ("not 1 of them", [False, False, False, True]),
        (["selection and other", "not selection and not other"], [True, False, False, True]),
    ],
)
def test_condition(condition: str, expected: list[bool]) -> None:
    events = [{"F": "a", "G": "b"}, {"F": "a"}, {"G": "b"}, {"H": "c"}]
    assert matches({"F": "a"}, *events, condition=condition, other={"G": "b"}) == expected


def test_numbers_of_events_come_as_whole_columns() -> None:
    """A column of numbers alone is typed, and one that mixes is not: the same rule must see both."""
    assert matches({"F": 7}, {"F": 7}, {"F": 8}) == [True, False]
    assert matches({"F": 7}, {"F": 7}, {"F": "7"}, {"F": [7, 8]}, {"F": True}) == [True, True, True, False]
