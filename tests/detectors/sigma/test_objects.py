"""Events as JSON objects and as an Arrow batch are the same to every rule, and cost by their length."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma import reading, taxonomy
from detectors.sigma.load import load
from detectors.sigma.ndjson import flat_batch, read
from detectors.sigma.ruleset import Ruleset

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(["", "x", "kiwi", "Kiwi é", "1", "true", 0, 1, -1, 2**63, 2**70, 1.0, -0.0, 1e-5, 2.5, 1e16, 1e300]),
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
                taxonomy.LogSource(product="p"),
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
    batch: Any = read(b"\n".join(lines))[0] if objects else flat_batch(lines)[0]
    matches = ruleset.match(batch)
    return list(zip(matches["row"].to_pylist(), ruleset.matched_ids(matches).to_pylist(), strict=True))


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

