import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.labels import all_of, mapped, one_of, when

CONDITION = st.none() | st.booleans()


@given(st.lists(st.tuples(CONDITION, CONDITION, CONDITION), max_size=8))
def test_a_row_has_the_labels_of_its_true_conditions(rows: list[tuple[bool | None, ...]]) -> None:
    names = ("network", "web", "malware")
    conditions = {name: pa.array([row[at] for row in rows], pa.bool_()) for at, name in enumerate(names)}
    wanted = [[name for name, holds in zip(names, row, strict=True) if holds] or None for row in rows]
    assert all_of(conditions).to_pylist() == wanted


def test_null_is_no_condition_and_no_value() -> None:
    assert when(pa.array([True, False, None]), "x").to_pylist() == ["x", None, None]
    assert when(pa.array([True, False]), pa.array(["a", "b"])).to_pylist() == ["a", None]
    assert one_of(pa.array(["a", "c", None]), "a", "b").to_pylist() == [True, False, False]
    assert mapped(pa.array(["0", "1", None]), {"0": "in"}).to_pylist() == ["in", None, None]
