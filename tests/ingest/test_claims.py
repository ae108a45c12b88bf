import re

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.claims import Pattern, claim, unless_empty

texts = st.lists(st.none() | st.sampled_from(["", "a", "Đ", "\0"]), max_size=20)
SAME_BEGINNING = [Pattern(f"<{ending}") for ending in (r"(?P<a>[0-9]+)>", r"(?P<a>[a-z]*)>", r"(?P<a>.*)>x", r".*")]
lines = st.none() | st.lists(st.sampled_from(["<", ">", "1", "a", "x", "\n"]), max_size=6).map("".join)


@given(texts, st.integers(0, 20))
def test_what_is_empty_becomes_null_and_nothing_else_changes(values: list[str | None], start: int) -> None:
    column = pa.array(values, pa.string())
    for whole in (column, column.slice(start)):
        assert unless_empty(whole).to_pylist() == [value or None for value in whole.to_pylist()]
        unless_empty(whole).validate(full=True)


@given(st.lists(lines, min_size=1, max_size=8), st.sampled_from([1, 40]))
def test_patterns_that_begin_alike_take_what_each_is_the_first_to_match(values: list[str | None], times: int) -> None:
    column = pa.array(values * times, pa.string())
    found = {row: number for number, rows, _ in claim(column, SAME_BEGINNING) for row in rows.tolist()}
    expected = [
        next((number for number, one in enumerate(SAME_BEGINNING) if re.search(python(one), value or "")), None)
        for value in column.to_pylist()
    ]
    assert [found.get(row) for row in range(len(column))] == expected


def python(pattern: Pattern) -> str:
    return pattern.regex.removesuffix("$") + r"\Z"
