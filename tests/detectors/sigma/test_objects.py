"""Events as JSON objects and as an Arrow batch are the same to every rule, whatever stands beside them."""

from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from typing import Any

import orjson
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma import reading, taxonomy
from detectors.sigma.load import load
from detectors.sigma.ndjson import flat_batch, read
from detectors.sigma.objects import MAX_FIELDS, MAX_NAME, Objects
from detectors.sigma.rule import LogSource
from detectors.sigma.ruleset import Ruleset

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        ["", "x", "kiwi", "Kiwi é", "1", "true", 0, 1, -1, 2**63, 2**70, 1.0, -0.0, 1e-5, 2.5, 1e16, 1e300]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "a.b", "a.c", "b", "event.original", "Event", "product", "category"])
EVENTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=6)
TESTS: dict[str, Any] = {
    "null": {"a": None},
    "empty": {"a": ""},
    "there": {"a|exists": True},
    "any": {"a": "*"},
    "nested": {"a.b|contains": ["kiwi", "1", "."]},
    "number": {"a": 1},
    "written": {"a|contains": [".0", "e", "-", "nan", "inf"]},
    "several": {"a.b|contains|all": ["1", "x"]},
    "refers": {"a|fieldref": "b"},
    "word": ["kiwi"],
    "digits": ["1.0", "e-05"],
}


def rules(sources: dict[str, str], tests: dict[str, Any]) -> Ruleset:
    """A rule for each test."""
    tables = taxonomy.Taxonomy(
        [
            taxonomy.Section(
                LogSource(product="p"),
                where=((("a", frozenset({"kiwi"})),),),
                fields={"a": ("a.b", "b")},
            )
        ]
    )
    texts = [
        yaml.safe_dump({"title": n, "id": n, "logsource": sources, "detection": {"s": test, "condition": "s"}})
        for n, test in tests.items()
    ]
    return Ruleset([entry for text in texts for entry in load("r.yml", text.encode()).entries], tables)


RULESETS = [rules({"product": "p"}, TESTS), rules({"category": "x"}, TESTS)]


def found(ruleset: Ruleset, lines: list[bytes], *, objects: bool) -> list[tuple[int, str]]:
    return matched(ruleset, read(b"\n".join(lines))[0] if objects else flat_batch(lines)[0])


def matched(ruleset: Ruleset, batch: pa.RecordBatch | Objects) -> list[tuple[int, str]]:
    matches = ruleset.match(batch)
    return list(zip(matches["row"].to_pylist(), ruleset.matched_ids(matches).to_pylist(), strict=True))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(EVENTS, st.sampled_from([0, 50]))
def test_objects_and_batches_match_alike(events: list[dict[str, Any]], few: int) -> None:
    lines = [json.dumps(event).encode() for event in events]
    for ruleset in RULESETS:
        expected = found(ruleset, lines, objects=False)
        usual, reading.MAX_ONE_BY_ONE = reading.MAX_ONE_BY_ONE, few
        try:
            assert found(ruleset, lines, objects=True) == expected
        finally:
            reading.MAX_ONE_BY_ONE = usual
        # Nor does it matter what other events are in the block.
        alone = [(row, name) for row, line in enumerate(lines) for _, name in found(ruleset, [line], objects=True)]
        assert alone == expected


def test_a_list_of_one_event_leaves_the_log_source_of_the_others() -> None:
    ruleset = rules({"product": "p"}, {"there": {"c|exists": True}})
    lines = [b'{"a": "kiwi", "c": 1}', b'{"a": ["x", "kiwi"], "c": 1}', b'{"a": ["x"], "product": "q", "c": 1}']
    lines += [b'{"product": ["q"], "c": 1}', b'{"product": ["p"], "c": 1}']
    assert found(ruleset, lines, objects=True) == [(0, "there"), (1, "there"), (4, "there")]
    assert found(ruleset, lines, objects=False) == [(0, "there"), (1, "there"), (4, "there")]


def test_keywords_are_of_the_row_that_has_them_whatever_the_order_of_log_sources() -> None:
    text = "title: t\nid: {0}\nlogsource: {1}\ndetection: {{s: [kiwi], condition: s}}"
    files = [text.format("any", "{product: p}"), text.format("some", "{product: p, category: z}")]
    ruleset = Ruleset(
        [entry for file in files for entry in load("r.yml", file.encode()).entries], taxonomy.Taxonomy([])
    )
    for places in itertools.permutations(range(3)):
        events = [{"category": "z", "b": "x"}, {"product": "p", "b": "kiwi"}, {"product": "p", "category": "z"}]
        batch = pa.RecordBatch.from_pylist([dict.fromkeys(("product", "category", "b")) | events[at] for at in places])
        assert matched(ruleset, batch) == [(places.index(1), "any")]


@pytest.mark.parametrize("empty", [[], [None]])
def test_a_list_without_values_is_null(empty: list[None]) -> None:
    ruleset = rules({"product": "p"}, {"second": {"a": "x"}, "null": {"c": None}, "word": ["kiwi"]})
    events: list[dict[str, Any]] = [{"a": empty, "b": "x", "c": empty}, {"event.original": empty, "d": "kiwi", "c": 1}]
    for beside in ({}, {"deep": {"e": 1}}):
        lines = [orjson.dumps({**event, **beside}) for event in events]
        expected = [(0, "null"), (0, "second"), (1, "word")]
        assert found(ruleset, lines, objects=True) == expected
        assert found(ruleset, lines, objects=False) == expected
    columns: dict[str, list[Any]] = {"a": [empty, ["y"]], "b": ["x", "x"], "c": [empty, ["z", None]]}
    batch = pa.RecordBatch.from_pydict({**columns, "event.original": [empty, ["kiwi", None]], "d": ["kiwi", ""]})
    assert matched(ruleset, batch) == [(0, "null"), (0, "second"), (0, "word"), (1, "word")]


def test_broken_lines_are_rows_that_say_nothing() -> None:
    lines = [
        b'{"a": "kiwi"}\r',
        b"",
        b"\r",
        b'{"a": "kiwi"',
        b"[1]",
        b'"kiwi"',
        b'{"b": "kiwi \xff"}',
        b'{"b": "\\ud800kiwi"}',
    ]
    lines += [
        b"1" * 5_000,
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"\xef\xbb\xbf{}",
        b'{"a": 1e999, "b": NaN, "c": ' + b"1" * 4_000 + b"}",
    ]
    objects, broken = read(b"\n".join(lines))
    assert broken == [1, 2, 3, 4, 5, 8, 9, 10, 11]
    ruleset = rules(
        {"product": "p"},
        {"word": ["kiwi"], "huge": {"c|endswith": "1" * 50}, "more": {"a|gt": 5}, "none": {"b": "nan"}},
    )
    assert matched(ruleset, objects) == [(0, "word"), (6, "word"), (7, "word"), (12, "huge"), (12, "none")]
    assert flat_batch(lines)[1] == broken
    assert found(ruleset, lines, objects=False) == matched(ruleset, objects)


def test_names_of_any_length_cost_by_the_length_of_the_line() -> None:
    deep = b'{"' + b'":{"'.join([b"n" * 2_000] * 900) + b'":1' + b"}" * 900
    wide = b'{"' + b"n" * 50_000 + b'":{' + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}}"
    for line in (deep, wide):
        tracemalloc.start()
        read(line)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50 * len(line)
    names = [b"n" * (MAX_NAME - 2), b"n" * (MAX_NAME - 1)]
    objects = read(b'{"b": {"c": 1}, "%s": {"a": 1}, "%s": {"a": 1}}' % (*names,))[0]
    assert objects.batch().schema.names == ["b.c", f"{names[0].decode()}.a"]


def test_a_name_that_stands_often_costs_by_the_length_of_the_line() -> None:
    once, often = ([[list(range(50_000))], *([[1]] * count)] for count in (1, MAX_FIELDS - 1))
    costs = []
    for value in (once, often):
        line = orjson.dumps({"a": value})
        start = time.process_time()
        objects = read(line)[0]
        costs.append(time.process_time() - start)
        assert len(objects.values(0)) == 50_000 + len(value) - 1
    assert costs[1] < 3 * costs[0] + 0.02
