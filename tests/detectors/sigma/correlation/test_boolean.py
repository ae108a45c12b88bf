"""Conditions over rule names, and the numbers that conditions are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.correlation.boolean import ConditionError, alternatives, names
from detectors.sigma.correlation.measures import millionths


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("a", [("a", "")]),
        ("a AND b and Not c", [("ab", "c")]),
        ("a and (b or not c)", [("ab", ""), ("a", "c")]),
        ("a and not (b or c)", [("a", "bc")]),
        ("a and not (b and c)", [("a", "b"), ("a", "c")]),
        ("a or a and b", [("a", "")]),
        ("not not a", [("a", "")]),
        ("a or b and c", [("a", ""), ("bc", "")]),
    ],
)
def test_conditions_of_words(text: str, ways: list[tuple[str, str]]) -> None:
    assert sorted(alternatives(text), key=repr) == sorted(
        ((frozenset(present), frozenset(absent)) for present, absent in ways), key=repr
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "nothing where a rule name should be"),
        ("a and", "nothing where a rule name"),
        ("a b", "has 'b' where it should end"),
        ("(a or b", "lacks a ')'"),
        ("a)", "has ')' where it should end"),
        ("a and or b", "has 'or' where a rule name"),
        ("not a", "nothing but the lack of a"),
        ("a or not b", "nothing but the lack of b"),
        ("a and not a", "can never hold"),
        ("(" * 500 + "a" + ")" * 500, "nests too deeply"),
        ("not " * 500 + "a", "nests too deeply"),
        (" and ".join(f"(a{n} or b{n})" for n in range(30)), "too many alternatives"),
        (" or ".join(f"a{n}" for n in range(300)), "too many alternatives"),
    ],
)
def test_conditions_that_say_nothing(text: str, what: str) -> None:
    with pytest.raises(ConditionError) as told:
        alternatives(text)
    assert what in told.value.what


@given(
    st.recursive(
        st.sampled_from("abc"),
        lambda inner: st.one_of(
            inner.map("not {}".format),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
        ),
        max_leaves=8,
    )
)
def test_alternatives_mean_what_the_words_mean(text: str) -> None:
    try:
        ways = alternatives(text)
    except ConditionError:
        ways = None
    for there in ({name for at, name in enumerate("abc") if number >> at & 1} for number in range(8)):
        meant = eval(text, {name: name in there for name in "abc"})
        if ways is not None:
            assert meant == any(present <= there and not absent & there for present, absent in ways)
    assert set(names(text)) == {word for word in text.replace("(", " ").replace(")", " ").split() if word in "abc"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", 4_000_000),
        (" -0.25 ", -250_000),
        ("+1.0000019", 1_000_001),
        ("1e3", None),
        ("", None),
        ("٤", None),
        ("x4", None),
    ],
)
def test_numbers_are_those_written_in_decimal(text: str, expected: int | None) -> None:
    assert millionths(text) == (None if expected is None else str(expected))
