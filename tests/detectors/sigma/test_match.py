"""The matcher agrees with the plain evaluator, whatever the rules and events."""

from __future__ import annotations

import gzip
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sigma.rule import SigmaDetections

from detectors.sigma import document, match, taxonomy
from detectors.sigma.load import load
from detectors.sigma.ndjson import flat_batch, read
from detectors.sigma.objects import Objects
from detectors.sigma.ruleset import Ruleset
from tests.detectors.sigma import plain

FIELDS = ("F", "G", "H")
# Small, so that rules and events meet: operators, escapes, case pairs that fold oddly, numbers, bytes that are special.
PIECES = ["a", "B", "ab", "*", "?", "\\", "\\*", "\\\\", "đ", "Đ", "ß", "ss", "\u212a", "k", "\0", "\n", " ", "-", "/"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
NUMBERS = st.sampled_from([0, 1, -1, 10, 2.5, 10**18])
VALUES = st.one_of(TEXTS, TEXTS, NUMBERS, st.booleans(), st.none(), st.just("1"), st.just("2.50"), st.just("192.0.2.7"))
EVENT = st.dictionaries(
    st.sampled_from(FIELDS), st.one_of(VALUES, VALUES, st.lists(VALUES, max_size=3)), max_size=len(FIELDS)
)
STRING_TESTS = st.sampled_from(
    [
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|cased",
        "|contains|cased",
        "|contains|all",
        "|windash|contains",
        "|neq",
    ]
)
REGEX = st.lists(
    st.sampled_from(["a", "[ab]", ".", "b*", "(a|đ)", "\\\\", "x?", "k", "^", "$", "\\*"]), min_size=1, max_size=5
).map("".join)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


def a_test_of(field: str) -> st.SearchStrategy[tuple[str, Any]]:
    return st.one_of(
        st.tuples(STRING_TESTS.map(lambda test: field + test), some(TEXTS)),
        st.tuples(st.just(field), some(VALUES)),
        st.tuples(st.sampled_from(["|re", "|re|i", "|re|m", "|re|s"]).map(lambda test: field + test), some(REGEX)),
        st.tuples(st.sampled_from(["|gt", "|lt", "|gte", "|lte"]).map(lambda test: field + test), NUMBERS),
        st.tuples(st.just(f"{field}|exists"), st.booleans()),
        st.tuples(
            st.sampled_from(["|fieldref", "|fieldref|contains", "|fieldref|startswith"]).map(lambda test: field + test),
            st.sampled_from(FIELDS),
        ),
        st.tuples(st.just(f"{field}|cidr"), st.sampled_from(["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32"])),
    )


SELECTION = st.one_of(
    st.lists(st.sampled_from(FIELDS).flatmap(a_test_of), min_size=1, max_size=3).map(dict),
    st.lists(st.sampled_from(FIELDS).flatmap(a_test_of).map(lambda test: dict([test])), min_size=1, max_size=3),
    st.lists(TEXTS, min_size=1, max_size=2),
)
CONDITION = st.sampled_from(
    ["a", "a and b", "a or b", "not a", "a and not b", "not (a or b)", "1 of them", "all of them", "a or (b and not a)"]
)
DETECTION = st.builds(lambda a, b, condition: {"a": a, "b": b, "condition": condition}, SELECTION, SELECTION, CONDITION)


@pytest.mark.slow
@example(
    # As many pairs to compare as there are distinct values, in another order.
    detections=[{"a": {"F": None, "G|fieldref": "H"}, "b": [""], "condition": "a"}],
    events=[{"G": "2.50"}, {"F": None, "G": "", "H": ""}, {"F": None, "G": "2.50", "H": "1"}],
)
@settings(max_examples=150, deadline=None)
@given(st.lists(DETECTION, min_size=1, max_size=4), st.lists(EVENT, min_size=1, max_size=6))
def test_generated_rules_on_generated_events(detections: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    entries, trees = [], []
    for number, detection in enumerate(detections):
        rule = {"title": "t", "id": f"r{number}", "logsource": {"product": "p"}, "detection": detection}
        loaded = load("r.yml", yaml.safe_dump(rule, allow_unicode=True).encode())
        if not loaded.entries:
            continue
        entries += loaded.entries
        trees.append([condition.parsed for condition in SigmaDetections.from_dict(detection).parsed_condition])
    ruleset = Ruleset(entries, taxonomy.Taxonomy([]))
    lines = [orjson.dumps(event) for event in events]
    batch, _ = flat_batch(lines)
    expected = [
        (row, number)
        for row, event in enumerate(events)
        for number, alternatives in enumerate(trees)
        if any(plain.holds(tree, event) for tree in alternatives)
    ]
    assert found(ruleset, batch) == expected
    # A second time from what was remembered, row by row, and from the same rows in another batch.
    assert found(ruleset, batch) == expected
    objects, _ = read(b"\n".join(lines))
    assert found(ruleset, objects) == expected
    for row in range(batch.num_rows):
        assert found(ruleset, batch.slice(row, 1)) == [(0, rule) for at, rule in expected if at == row]


def found(ruleset: Ruleset, batch: pa.RecordBatch | Objects) -> list[tuple[int, int]]:
    matches = ruleset.match(batch)
    return list(zip(matches["row"].to_pylist(), matches["rule"].to_pylist(), strict=True))


@cache
def trees(path: str) -> list[Any]:
    """The conditions of a file with one rule."""
    data = document.read(path, Path(path).read_bytes())[0][0].data
    conditions = SigmaDetections.from_dict(data["detection"]).parsed_condition
    return [condition.parsed for condition in conditions]


def agree(ruleset: Ruleset, lines: list[bytes]) -> None:
    events = [orjson.loads(line) for line in lines]
    expected = []
    for number, rule in enumerate(ruleset.rules):
        source = {name: value for name, value in vars(rule.logsource).items() if value}
        routed = [(row, event) for row, event in enumerate(events) if plain.routed(source, event)]
        if routed:
            conditions = trees(rule.path)
            expected += [(row, number) for row, event in routed if any(plain.holds(tree, event) for tree in conditions)]
    assert found(ruleset, flat_batch(lines)[0]) == sorted(expected)


def windows_events(shared: Path) -> list[bytes]:
    return gzip.decompress((shared / "bench/windows-events.ndjson.gz").read_bytes()).splitlines()


@pytest.mark.slow
def test_public_rules_on_sampled_windows_events(shared: Path, public: Ruleset) -> None:
    assert len(public.rules) > 3700
    agree(public, random.Random(20261124).sample(windows_events(shared), 80))


@pytest.mark.e2e
@pytest.mark.timeout(1800)
def test_public_rules_on_windows_events_of_every_kind(shared: Path, public: Ruleset) -> None:
    """A third of them, or all with HAMRONG_ALL_EVENTS set: the plain evaluator takes minutes for all."""
    lines = windows_events(shared)[:: 1 if os.environ.get("HAMRONG_ALL_EVENTS") else 3]
    for start in range(0, len(lines), 5000):
        agree(public, lines[start : start + 5000])


def test_memory_is_bounded_and_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MEMORY_BYTES", 10_000)
    rule = b"title: t\nid: r\nlogsource: {product: p}\ndetection: {s: {F|contains: needle}, condition: s}"
    ruleset = Ruleset(load("r.yml", rule).entries, taxonomy.Taxonomy([]))
    for number in range(50):
        texts = [f"{'needle' if row == number else 'x'}{number}-{row}" for row in range(100)]
        assert found(ruleset, pa.RecordBatch.from_pydict({"F": texts})) == [(number, 0)]
    assert sum(scanner.bytes for scanner in ruleset._matcher._scanners) < 100 * 300


def test_vendor_map_and_ecs_columns() -> None:
    rule = b"""
title: t
id: r
logsource: {product: windows, service: security}
detection:
  s: {EventID: 4624, LogonType: 3, TargetUserName: ADMIN}
  condition: s
"""
    ruleset = Ruleset(load("r.yml", rule).entries, taxonomy.load())
    vendor = [
        {"winlog.channel": "Security", "winlog.event_data.LogonType": kind, "winlog.event_data.TargetUserName": "admin"}
        for kind in ("3", "2")
    ]
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(["4624", "4624", "4624"]),
            pa.array([list(row.items()) for row in vendor] + [None], pa.map_(pa.string(), pa.string())),
        ],
        names=["event.code", "vendor"],
    )
    assert found(ruleset, batch) == [(0, 0)]


def test_sigma_names_and_ecs_names_in_one_batch() -> None:
    rule = b"title: t\nid: r\nlogsource: {category: webserver}\ndetection: {s: {c-ip|cidr: 192.0.2.0/24}, condition: s}"
    ruleset = Ruleset(load("r.yml", rule).entries, taxonomy.load())
    events = [{"c-ip": "192.0.2.1"}, {"source.ip": "192.0.2.2"}, {"client.ip": "192.0.2.3"}, {"source.ip": "x"}]
    both = {"c-ip": "x", "source.ip": "192.0.2.4"}
    lines = [orjson.dumps({"category": "webserver", **event}) for event in [*events, both]]
    assert found(ruleset, flat_batch(lines)[0]) == [(0, 0), (1, 0), (2, 0)]
    lines.append(orjson.dumps({"category": "webserver", "source.ip": ["x", "192.0.2.5"]}))
    assert found(ruleset, flat_batch(lines)[0]) == [(0, 0), (1, 0), (2, 0), (5, 0)]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"product": "windows", "category": "registry_set"}, ["any", "event", "set"]),
        ({"product": "windows", "category": "registry_event"}, ["any", "event"]),
        ({"product": "windows", "service": "security"}, ["any"]),
        ({"product": "linux", "category": "registry_set"}, []),
        ({"category": "registry_set"}, ["any", "event", "set"]),
        ({}, ["any", "event", "other", "set"]),
    ],
)
def test_rules_are_tried_on_their_log_source_only(stated: dict[str, str], expected: list[str]) -> None:
    sources = {
        "any": "{product: windows}",
        "event": "{product: windows, category: registry_event}",
        "set": "{product: windows, category: registry_set}",
        "other": "{product: macos, service: x}",
    }
    entries = []
    for name, source in sources.items():
        text = f"title: t\nid: {name}\nlogsource: {source}\ndetection: {{s: {{F: a}}, condition: s}}"
        entries += load("r.yml", text.encode()).entries
    ruleset = Ruleset(entries, taxonomy.load())
    batch, _ = flat_batch([orjson.dumps({**stated, "F": "a"})])
    assert [ruleset.rules[rule].id for _, rule in found(ruleset, batch)] == expected


def test_batches_of_any_shape() -> None:
    detection = "{s: {F|contains: a, G: null}, keys: [z], condition: s or keys}"
    rule = f"title: t\nid: r\nlogsource: {{product: p}}\ndetection: {detection}".encode()
    ruleset = Ruleset(load("r.yml", rule).entries, taxonomy.load())
    texts = ["xay", None, "z", "b"]
    shapes: list[pa.Array] = [
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.array(texts, pa.string_view()),
        pa.array([None if text is None else text.encode() for text in texts], pa.binary()),
        pa.array(texts).dictionary_encode(),
        pa.array([None if text is None else [text, None] for text in texts]),
        pa.array([None if text is None else [text] for text in texts], pa.large_list(pa.large_string())),
        pa.array(["-", *texts, "-"]).slice(1, 4),
    ]
    for array in shapes:
        batch = pa.RecordBatch.from_arrays([array, pa.nulls(4, pa.string())], names=["F", "G"])
        assert found(ruleset, batch) == [(0, 0), (2, 0)], array.type
        assert found(ruleset, batch.slice(2)) == [(0, 0)], array.type
        assert found(ruleset, batch.slice(4)) == []
    assert found(ruleset, pa.RecordBatch.from_pydict({"x": pa.array([], pa.string())})) == []
    assert found(ruleset, pa.RecordBatch.from_struct_array(pa.array([{}] * 2, pa.struct([])))) == []
