import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.csv_fields import Fields

CELLS = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=8)


def fields(text: str | None) -> list[str | None]:
    found = Fields(pa.array([text], pa.string()))
    return [found.column(place)[0].as_py() for place in range(int(found.counts[0]))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a,b", ["a", "b"]),
        ('a,"b,c",d', ["a", "b,c", "d"]),
        ('"say ""x""",', ['say "x"', None]),
        ("", [None]),
        (None, [None]),
        (",,", [None, None, None]),
        ('"",x', [None, "x"]),
        ("đơn,vị", ["đơn", "vị"]),
    ],
)
def test_fields_of_a_text(text: str | None, wanted: list[str | None]) -> None:
    assert fields(text) == wanted


@given(st.lists(st.lists(CELLS, min_size=2, max_size=5), min_size=1, max_size=6))
def test_as_pythons_own_reader(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    found = Fields(pa.array(out.getvalue()[:-1].split("\n")))
    assert found.counts.tolist() == [len(row) for row in rows]
    assert found.closed.all()
    for place in range(5):
        assert found.column(place).to_pylist() == [(row[place] or None) if place < len(row) else None for row in rows]


def test_a_row_that_ends_in_quotes_is_told() -> None:
    assert Fields(pa.array(['a,"b', 'a,"b"', "c"])).closed.tolist() == [False, True, True]


def test_another_separator() -> None:
    assert Fields(pa.array(["a|b,c"]), b"|").column(1).to_pylist() == ["b,c"]


def test_a_part_of_a_column_is_read_as_it_stands() -> None:
    part = pa.array(['a,"b', "c,d", None, 'e,"f,g"']).slice(1, 3)
    assert Fields(part).column(1).to_pylist() == ["d", None, "f,g"]
    assert Fields(part).closed.tolist() == [True, True, True]
