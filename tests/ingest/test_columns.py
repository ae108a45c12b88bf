import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import Sheet, list_of
from ingest.event import to_documents

ROWS = 5
cells = st.none() | st.sampled_from(["a", "b", "1", "x1", "-", "99999999999999999999"])
puts = st.lists(
    st.tuples(
        st.sampled_from(["user.name", "source.port", "vendor.a", "vendor.b"]),
        st.lists(st.integers(0, ROWS - 1), unique=True, min_size=1).flatmap(
            lambda rows: st.tuples(st.just(rows), st.lists(cells, min_size=len(rows), max_size=len(rows)))
        ),
    ),
    max_size=8,
)


@given(puts)
def test_the_last_value_stands_and_a_null_hides_nothing(
    given_puts: list[tuple[str, tuple[list[int], list[str | None]]]],
) -> None:
    sheet, plain = Sheet(ROWS), [{} for _ in range(ROWS)]  # type: ignore[var-annotated]
    sheet.put({"event.kind": pa.array(["event"] * ROWS)})
    for field, (rows, values) in given_puts:
        sheet.put({field: pa.array(values, pa.string())}, np.array(rows))
        for row, value in zip(rows, values, strict=True):
            if field == "source.port":
                value = int(value) if value and value.isdigit() and len(value) <= 18 else None
            if value is not None:
                plain[row][field] = value
    assert to_documents(sheet.batch()) == [{"event.kind": "event", **row} for row in plain]


def test_a_map_of_vendor_fields_is_joined_with_single_ones() -> None:
    sheet = Sheet(3)
    sheet.put({"vendor": pa.array([[("b", "1")], None], pa.map_(pa.string(), pa.string()))}, np.array([2, 0]))
    sheet.put({"a": pa.array(["2"])}, np.array([2]))
    assert sheet.batch().column("vendor").to_pylist() == [None, None, [("a", "2"), ("b", "1")]]


def test_a_sender_who_makes_up_a_key_for_every_line_costs_no_column_for_each() -> None:
    rows = 20_000
    sheet = Sheet(rows)
    sheet.put({"vendor": pa.array([[(f"key{row}", "v")] for row in range(rows)], pa.map_(pa.string(), pa.string()))})
    assert sheet.batch().column("vendor")[rows - 1].as_py() == [(f"key{rows - 1}", "v")]


columns = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(cells, min_size=ROWS, max_size=ROWS), min_size=n, max_size=n)
)


@given(columns)
def test_list_of_keeps_each_value_once(values: list[list[str | None]]) -> None:
    found = list_of([pa.array(column, pa.string()) for column in values]).to_pylist()
    for row in range(ROWS):
        distinct = list(dict.fromkeys(column[row] for column in values if column[row] is not None))
        assert (found[row] or []) == distinct
