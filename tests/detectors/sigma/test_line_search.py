"""No line that holds a keyword is passed over, however its JSON is written."""

from __future__ import annotations

import json
import sys
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.rule import SigmaDetections

from detectors.sigma import reading, taxonomy
from detectors.sigma.keywords import FOLDED
from detectors.sigma.load import load
from detectors.sigma.ndjson import flat_batch, read
from detectors.sigma.ruleset import Ruleset
from tests.detectors.sigma import plain

KEYWORDS = [
    "sekurlsa::",
    "C:\\\\Temp\\\\x",
    'say "kiwi"',
    "a/b/cdef",
    "mật khẩu",
    "kelvin",
    "strasse",
    "12.5",
    "lo*ng",
    "đ",
    "true",
]
PIECES = [
    *(
        "sekurlsa::",
        "SEKURLSA::",
        "C:\\Temp\\X",
        'say "kiwi"',
        "A/B/cdef",
        "MẬT KHẨU",
        "\u212aelvin",
        "straße",
        "ſtrasse",
    ),
    *("12.5", "lo", "ng", "Đ", " ", "\\", '"', "\\u212a", "\n", "é"),
]
VALUES = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join), st.sampled_from([12.5, 125, True, None, ["12.5", "x"]])
)
EVENTS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "event.original"]), VALUES, max_size=3), min_size=1, max_size=8
)
TREES = [
    SigmaDetections.from_dict({"words": [keyword], "condition": "words"}).parsed_condition[0].parsed
    for keyword in KEYWORDS
]
RULESET = Ruleset(
    [
        entry
        for number, keyword in enumerate(KEYWORDS)
        for entry in load(
            "r.yml",
            yaml.safe_dump(
                {
                    "title": "t",
                    "id": f"r{number:02d}",
                    "logsource": {"product": "p"},
                    "detection": {"words": [keyword], "condition": "words"},
                },
                allow_unicode=True,
            ).encode(),
        ).entries
    ],
    taxonomy.Taxonomy([]),
)


def test_every_character_that_folds_to_ascii_is_known() -> None:
    every = map(chr, range(128, sys.maxunicode + 1))
    assert "".join(one for one in every if any(part.isascii() for part in one.casefold())) == FOLDED


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False), st.sampled_from([0, 50]))
def test_lines_and_columns_give_the_same_matches(events: list[dict[str, object]], random: Random, few: int) -> None:
    lines = [written(event, random) for event in events]
    expected = RULESET.match(flat_batch(lines)[0])
    pairs = zip(expected["row"].to_pylist(), expected["rule"].to_pylist(), strict=True)
    assert list(pairs) == [
        (row, number)
        for row, event in enumerate(events)
        for number, tree in enumerate(TREES)
        if plain.holds(tree, event)
    ]
    usual, reading.MAX_ONE_BY_ONE = reading.MAX_ONE_BY_ONE, few
    try:
        assert RULESET.match(read(b"\n".join(lines))[0]) == expected
    finally:
        reading.MAX_ONE_BY_ONE = usual


def written(event: dict[str, object], random: Random) -> bytes:
    """The event as JSON; a third of what may be escaped is, needed or not."""
    line = ""
    for character in json.dumps(event, ensure_ascii=False):
        after_backslash = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        if (
            in_text(line)
            and not after_backslash
            and (character.isalpha() or character in "./:")
            and random.random() < 0.3
        ):
            line += "\\/" if character == "/" else "".join(f"\\u{unit:04x}" for unit in units(character))
        else:
            line += character
    assert json.loads(line) == event
    return line.encode()


def in_text(line: str) -> bool:
    return line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1


def units(character: str) -> list[int]:
    encoded = character.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]
