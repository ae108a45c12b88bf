import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.key_value import Pairs, split


def pairs(*texts: str | None, **how: object) -> list[list[tuple[str, str]]]:
    found = split(pa.array(texts, pa.string()), **how)  # type: ignore[arg-type]
    rows: list[list[tuple[str, str]]] = [[] for _ in texts]
    for row, key, value in zip(found.rows.tolist(), found.keys.to_pylist(), found.values.to_pylist(), strict=True):
        rows[row].append((key, value))
    return rows


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=1 b=2", [("a", "1"), ("b", "2")]),
        ('a="x y" b=z', [("a", "x y"), ("b", "z")]),
        ("a=x y b=z", [("a", "x y"), ("b", "z")]),  # a value without quotes reaches to the next key
        ('a="b=c d=e" f=g', [("a", "b=c d=e"), ("f", "g")]),
        (r'a="say \"b=c\" now" d=e', [("a", 'say "b=c" now'), ("d", "e")]),
        (r'a="x\" b=c" d=e', [("a", 'x" b=c'), ("d", "e")]),  # what a sender puts into a value is no pair
        (r'path="C:\\dir\\" b=c', [("path", r"C:\\dir\\"), ("b", "c")]),
        ('a="" b= c=d', [("a", ""), ("b", ""), ("c", "d")]),
        ('url="/a?b=" n="1"', [("url", "/a?b="), ("n", "1")]),
        ('a=it"s b=2', [("a", 'it"s'), ("b", "2")]),
        ('a="never closed b=2', [("a", '"never closed b=2')]),
        ("x=y==z", [("x", "y==z")]),
        ("=1 a=2", [("a", "2")]),
        ("a-b.c_d=1", [("a-b.c_d", "1")]),
        ("no pairs", []),
        ("", []),
        ("đơn=1 vị=hà nội a=ơ", [("a", "ơ")]),  # a key is ASCII
    ],
)
def test_pairs_of_a_text(text: str, wanted: list[tuple[str, str]]) -> None:
    assert pairs(text) == [wanted]


def test_separators_signs_and_quotes_are_the_formats() -> None:
    assert pairs("a=1,b=2, c=3", separators=b" ,") == [[("a", "1"), ("b", "2"), ("c", "3")]]
    assert pairs("a=x y=z^b=2", separators=b"^", quotes=False) == [[("a", "x y=z"), ("b", "2")]]
    assert pairs('k:"v; w:x"; l:"m"', sign=b":", separators=b"; ") == [[("k", "v; w:x"), ("l", "m")]]
    assert pairs('a="x b=y" c=z', quotes=False) == [[("a", '"x'), ("b", 'y"'), ("c", "z")]]


KEYS = st.text("abcXYZ019_", min_size=1, max_size=6)
VALUES = st.text(st.characters(exclude_characters='"\\\0', exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.none() | st.lists(st.tuples(KEYS, VALUES), max_size=6), max_size=8))
def test_what_a_device_writes_in_quotes_comes_back(rows: list[list[tuple[str, str]] | None]) -> None:
    texts = [None if row is None else " ".join(f'{key}="{value}"' for key, value in row) for row in rows]
    assert pairs(*texts) == [row or [] for row in rows]


@given(st.lists(st.none() | st.text('ab= "\\,;ơ\n', max_size=30), max_size=8))
def test_rows_do_not_touch_each_other(texts: list[str | None]) -> None:
    together = pairs(*texts)
    assert together == [pairs(text)[0] for text in texts]
    for text, found in zip(texts, together, strict=True):
        assert all(key in (text or "") for key, _ in found)


@given(st.lists(st.text('ab= "', max_size=20), min_size=1, max_size=6), st.data())
def test_columns_are_the_first_of_each_key(texts: list[str], data: st.DataObject) -> None:
    found = split(pa.array(texts, pa.string()))
    first = [dict(reversed(row)) for row in pairs(*texts)]
    for key in ("a", "b", "ab", "nobody"):
        assert found.column(key).to_pylist() == [row.get(key) or None for row in first]
    others = found.others("p.", ["a"]).to_pylist()
    for row, got in zip(pairs(*texts), others, strict=True):
        assert (got or []) == [(f"p.{key}", value) for key, value in row if key != "a" and value]
    kept = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1))))
    taken: Pairs = found.take(pa.array(kept, pa.int64()).to_numpy())
    assert taken.column("a").to_pylist() == [first[row].get("a") or None for row in kept]


def test_a_part_of_a_column_is_read_as_it_stands() -> None:
    part = pa.array(["a=0", "a=1 b=2", None, "a=3"]).slice(1, 3)
    assert split(part).column("a").to_pylist() == ["1", None, "3"]
    assert split(part.slice(3)).column("a").to_pylist() == []


@pytest.mark.parametrize("filler", ['"', "\\", " ", "=", 'a="', 'a=" ', "x", "a=", '="'])
def test_half_a_megabyte_of_one_thing_is_read(filler: str) -> None:
    found = split(pa.array([filler * (500_000 // len(filler)), "a=1"]))
    assert found.column("a").to_pylist()[1] == "1"
