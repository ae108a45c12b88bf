import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.encoding import decode, escape, recover


@given(st.binary(max_size=60))
@example(b"\\x41 \xff")
@example(b"\xed\xa0\x80")
@example(b"\\\\\xfe")
def test_the_bytes_of_an_escaped_line_can_be_had_back(line: bytes) -> None:
    assert recover(escape(line)) == line


@given(st.lists(st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode), max_size=6))
def test_utf8_stays_and_the_rest_is_escaped(lines: list[bytes | None]) -> None:
    text, escaped = decode(pa.array(lines, pa.binary()))
    for line, read, flag in zip(lines, text.to_pylist(), escaped, strict=True):
        if line is None:
            assert read is None
            assert not flag
        elif flag:
            assert recover(read) == line
            with pytest.raises(UnicodeDecodeError):
                line.decode()
        else:
            assert read.encode() == line


def test_a_nul_stays() -> None:
    assert decode(pa.array([b"a\0b"]))[0].to_pylist() == ["a\0b"]
