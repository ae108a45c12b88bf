"""Databases of patterns: the same tests have the same one, whatever their numbers in a rule set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import patterns
from detectors.sigma.load import load
from detectors.sigma.patterns import Patterns
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Taxonomy

RULE = """title: {identity}
id: {identity}
logsource: {{product: linux}}
detection:
  selection:
    {field}|contains: [{values}]
  condition: selection
"""


def found(tests: list[patterns.Test], text: str) -> list[int]:
    held: list[int] = []
    Patterns(tests).find(text, held)
    return sorted(held)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["contains", "startswith"]), st.text("ab", min_size=1, max_size=3)),
        st.integers(0, 99),
    ),
    st.text("ab", max_size=8),
)
def test_what_holds_is_told_by_its_number(tests: dict[tuple[str, str], int], text: str) -> None:
    plain = [
        number
        for (test, value), number in tests.items()
        if (text.startswith(value) if test == "startswith" else value in text)
    ]
    assert found([(number, *test) for test, number in tests.items()], text) == sorted(plain)


def test_numbers_and_order_make_no_other_database(tmp_path: Path) -> None:
    tests = [(number, "contains", value) for number, value in enumerate("abc")]
    for its in (tests, tests[::-1], [(number + 7, test, value) for number, test, value in tests]):
        Patterns(its, tmp_path).compile()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_rule_that_is_added_compiles_the_fields_that_it_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[int] = []
    build = patterns._build

    def counted(expressions: Sequence[tuple[bytes, int]], file: Path | None) -> object:
        compiled.append(len(expressions))
        return build(expressions, file)

    monkeypatch.setattr(patterns, "_build", counted)

    def compile_set(*rules: str) -> list[int]:
        compiled.clear()
        entries = [entry for rule in rules for entry in load("r.yml", rule.encode()).entries]
        Ruleset(entries, Taxonomy([]), tmp_path).compile()
        return sorted(compiled)

    rules = [
        RULE.format(identity="b", field="one", values="x, y"),
        RULE.format(identity="c", field="two", values="p, q, r"),
    ]
    assert compile_set(*rules) == [2, 3]
    assert compile_set(*rules) == []
    # Its id comes first, so every number in the set is another one.
    assert compile_set(RULE.format(identity="a", field="one", values="z"), *rules) == [3]
