"""JSON arrays as lines: whatever the elements, the writing and the cuts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.scan.json_array import BrokenArrayError, as_lines

TEXT = st.text(st.sampled_from('a"\\[]{},\n\r\té🎉'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def blocks(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@given(
    st.lists(st.dictionaries(TEXT, VALUES, max_size=3) | VALUES, max_size=5),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from(["", "\n", " \r\n "]),
    st.sampled_from(["", " \n"]),
)
def test_each_element_is_a_line(
    elements: list[object], indent: int | None, escaped: bool, size: int, end: str, start: str
) -> None:
    content = (start + json.dumps(elements, indent=indent, ensure_ascii=escaped) + end).encode()
    lines = b"".join(as_lines(blocks(content, size), "x.json"))
    assert ([json.loads(line) for line in lines.split(b"\n")] if lines else []) == elements
    assert lines.count(b"\n") == max(len(elements) - 1, 0)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_an_array_without_an_end_gives_what_stands_before(size: int) -> None:
    found = []
    with pytest.raises(BrokenArrayError, match=r"x\.json: its array has no end"):
        found.extend(as_lines(blocks(b'[{"a": 1}, {"b": "]', size), "x.json"))
    assert b"".join(found).split(b"\n")[0].strip() == b'{"a": 1}'


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_stands_behind_an_array_is_named(size: int) -> None:
    found = []
    with pytest.raises(BrokenArrayError, match="behind the array"):
        found.extend(as_lines(blocks(b'[{"a": 1}]\n\n[{"b": 2}]', size), "x.json"))
    assert json.loads(b"".join(found)) == {"a": 1}


@pytest.mark.parametrize("content", [b"[]", b"[ \n ]\n", b" [\n]"])
def test_an_empty_array_has_no_line(content: bytes) -> None:
    for size in (1, 100):
        assert b"".join(as_lines(blocks(content, size), "x.json")) == b""


def test_a_backslash_for_every_byte_is_no_string_s_end() -> None:
    content = b'[{"a": "' + b"\\\\" * 3000 + b'"}, {"b": "' + b"\\\\" * 500 + b'\\""}]'
    lines = b"".join(as_lines(blocks(content, 7), "x.json")).split(b"\n")
    assert [json.loads(line) for line in lines] == [{"a": "\\" * 3000}, {"b": "\\" * 500 + '"'}]
