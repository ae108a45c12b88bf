"""Targets of requests as a server understands them."""

import time
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import url_decoding
from ingest.columns import Sheet


@pytest.mark.parametrize(
    ("target", "plain"),
    [
        ("/a%2Fb%2e%2E", "/a/b.."),
        ("/%252e%252e%252f", "/../"),
        ("/%25252e", "/."),
        ("/%2525252e", "/%2e"),
        ("/a+b?c+d=%2B", "/a+b?c d=+"),
        (r"/\x22\x5Cq\"\\", '/"\\q"\\'),
        ("/%u002e%u0111", "/.đ"),
        ("/%ud800", "/?"),
        ("/%c0%ae%c0%af%c1%9c", "/./\\"),
        ("/t%C3%ACm?q=h%E1%BB%93+s%C6%A1", "/tìm?q=hồ sơ"),
        ("/%ff", "/\ufffd"),
        ("/100%/%zz%4", "/100%/%zz%4"),
    ],
)
def test_decode(target: str, plain: str) -> None:
    assert url_decoding.decode(target) == plain


@given(st.text(st.characters(exclude_characters="\\", codec="utf-8")))
def test_what_was_quoted_comes_back(text: str) -> None:
    once = quote(text, safe="")
    assert url_decoding.decode(quote(once, safe="")) == url_decoding.decode(once)
    if "%" not in text:
        assert url_decoding.decode(once) == text


@given(st.text())
def test_any_text_is_decoded(text: str) -> None:
    assert len(url_decoding.decode(text).encode()) <= 3 * len(text.encode())


def test_only_what_changes_is_put() -> None:
    sheet = Sheet(4)
    sheet.put({"url.original": pa.array(["/a", "/%41", None, "/a+b"])})
    url_decoding.complete(sheet)
    assert sheet.column(url_decoding.FIELD).to_pylist() == [None, "/A", None, None]


def test_time_is_linear() -> None:
    start = time.process_time()
    url_decoding.decode("/" + "%25" * 10_000)
    short = time.process_time() - start
    start = time.process_time()
    url_decoding.decode("/" + "%25" * 80_000)
    assert time.process_time() - start < 40 * max(short, 0.002)
