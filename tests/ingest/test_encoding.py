import unicodedata

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


WORDS = ["đăng", "nhập", "thất", "bại", "Nguyễn", "Trường", "quyền", "khuỷu", "giếng", "được", "xoá", "Ý", "user=7"]
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
TONES = "\u0300\u0301\u0303\u0309\u0323"


def windows_1258(text: str) -> bytes:
    """As Windows writes it: a letter with its hat or horn, and its tone as a mark behind."""
    pieces = []
    for letter in text:
        marks = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in marks if mark in TONES)
        base = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in TONES))
        pieces.append((base + tone).encode("cp1258"))
    return b"".join(pieces)


@given(sentences)
def test_windows_1258_is_read_where_it_makes_sense(sentence: str) -> None:
    line = windows_1258(sentence)
    decoded = decode(pa.array([line]))
    assert decoded.text.to_pylist() == [sentence]
    if not sentence.isascii():
        assert decoded.tags["encoding_windows_1258"].tolist() == [True]
        assert recover(decoded.original[0].as_py()) == line


# Bytes by hand from the standard's table, not by the code under test.
@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"\xae\xa8ng nh\xcbp th\xcat b\xb9i", "đăng nhập thất bại"),
        (b"Nguy\xd4n V\xa8n Tr\xad\xeang", "Nguyễn Văn Trường"),
        (b"TH\xcaT B\xb9I", "THấT BạI"),
    ],
)
def test_tcvn3_is_read_where_it_makes_sense(line: bytes, text: str) -> None:
    decoded = decode(pa.array([b"plain", line]))
    assert decoded.text.to_pylist() == ["plain", text]
    assert decoded.tags["encoding_tcvn3"].tolist() == [False, True]
    assert recover(decoded.original[1].as_py()) == line


@pytest.mark.parametrize(
    "line",
    [
        "Müller".encode("latin-1"),
        "naïve façade".encode("latin-1"),
        "Привет".encode("cp1251"),
        "đăng nhập".encode()[:-2],
        b"\xff\xfe\x00\x01",
        b"th\xe2\xect" * 10_000,
    ],
)
def test_what_makes_no_sense_is_escaped(line: bytes) -> None:
    decoded = decode(pa.array([line]))
    assert decoded.text == decoded.original
    assert decoded.original.to_pylist() == [escape(line)]
    assert {tag: bool(rows[0]) for tag, rows in decoded.tags.items()} == {
        "encoding_escaped": True,
        "encoding_windows_1258": False,
        "encoding_tcvn3": False,
    }


@given(st.lists(st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode), max_size=6))
def test_utf8_stays_and_of_the_rest_the_bytes_are_kept(lines: list[bytes | None]) -> None:
    decoded = decode(pa.array(lines, pa.binary()))
    escaped = decoded.tags.get("encoding_escaped", [False] * len(lines))
    for line, read, original, flag in zip(
        lines, decoded.text.to_pylist(), decoded.original.to_pylist(), escaped, strict=True
    ):
        if line is None:
            assert (read, original, bool(flag)) == (None, None, False)
        elif flag:
            assert recover(original) == line
            with pytest.raises(UnicodeDecodeError):
                line.decode()
        else:
            assert read.encode() == original.encode() == line


def test_a_nul_stays() -> None:
    assert decode(pa.array([b"a\0b"])).text.to_pylist() == ["a\0b"]
