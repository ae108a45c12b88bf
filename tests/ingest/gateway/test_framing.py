"""Framing: what real senders send, what broken ones send, and properties over any bytes and any chunking."""

from __future__ import annotations

import base64
import itertools
import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hamrong.config import PROJECT
from ingest.gateway.framing import BAD_FRAME, CUT, Decoder, Frame

MAX = 64
CORPUS = PROJECT.parent / "shared/corpora/go-syslog"


def decode(*chunks: bytes, max_line_bytes: int = MAX) -> list[Frame]:
    decoder = Decoder(max_line_bytes)
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.close()


def messages(stream: bytes) -> list[bytes]:
    return [message for message, _ in decode(stream)]


def counted(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"<13>a\n<14>b\n", [b"<13>a", b"<14>b"]),
        (b"<13>a\r\n<14>b\r\n", [b"<13>a", b"<14>b"]),
        (b"<13>a\0<14>b\0", [b"<13>a", b"<14>b"]),
        (b"5 <13>a6 <14>bb", [b"<13>a", b"<14>bb"]),
        (b"6 <13>a\n6 <14>b\n", [b"<13>a", b"<14>b"]),
        (b"5 <13>a\n5 <14>b\n", [b"<13>a", b"<14>b"]),
        (b"5 <13>a\r\n5 <14>b\0005 <15>c", [b"<13>a", b"<14>b", b"<15>c"]),
        (b"5 <13>a<14>b\n5 <15>c", [b"<13>a", b"<14>b", b"<15>c"]),
        (b"<13>a\n6 <14>bb<15>c\n", [b"<13>a", b"<14>bb", b"<15>c"]),
        (b"2 ab3 cde", [b"ab", b"cde"]),
        (b"192.0.2.1 - - [x]\n2024-05-01 y\n", [b"192.0.2.1 - - [x]", b"2024-05-01 y"]),
        (b"404 not found\n500 failed\n200 ok\n", [b"404 not found", b"500 failed", b"200 ok"]),
        (b"<13>a\0b\n<14>c\n", [b"<13>a\0b", b"<14>c"]),
        (b"<13>no line end", [b"<13>no line end"]),
    ],
)
def test_what_senders_send(stream: bytes, expected: list[bytes]) -> None:
    assert decode(stream) == [(message, 0) for message in expected]


def test_a_counted_message_keeps_a_forged_frame_inside() -> None:
    forged = b"<13>user agent: x\n<14>forged line 5 <15>y"
    assert decode(counted(forged) + counted(b"<13>next")) == [(forged, 0), (b"<13>next", 0)]


def test_a_frame_that_hides_another_waits_for_what_follows_or_for_silence() -> None:
    decoder = Decoder(MAX)
    assert decoder.feed(counted(b"<13>a\n<14>b")) == []
    assert decoder.waiting
    assert decoder.idle() == [(b"<13>a\n<14>b", 0)]
    assert not decoder.waiting


def test_an_ordinary_counted_frame_and_a_404_line_wait_for_nothing() -> None:
    decoder = Decoder(MAX)
    assert decoder.feed(b"7 <13>abc") == [(b"<13>abc", 0)]
    assert Decoder(MAX).feed(b"40 not found\n") == [(b"40 not found", 0)]


def test_a_slow_line_is_not_torn_by_silence() -> None:
    decoder = Decoder(MAX)
    assert decoder.feed(b"<13>half") + decoder.idle() == []
    assert decoder.feed(b" and half\n") == [(b"<13>half and half", 0)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"60 <13>short\n<14>good\n", [(b"<13>short", BAD_FRAME), (b"<14>good", 0)]),
        (b"9 <13>long message\n<14>good\n", [(b"<13>long ", 0), (b"message", BAD_FRAME), (b"<14>good", 0)]),
        (b"9 <13>long message8 <14>good", [(b"<13>long ", 0), (b"message", BAD_FRAME), (b"<14>good", 0)]),
        (b"20 <13>hello16 <14>next message5 <15>z",
         [(b"<13>hello", BAD_FRAME), (b"<14>next message", 0), (b"<15>z", 0)]),
        (b"99999 <13>short\n<14>good\n", [(b"<13>short", BAD_FRAME), (b"<14>good", 0)]),
        (b"999999999 <13>x\n<14>good\n", [(b"999999999 <13>x", 0), (b"<14>good", 0)]),
        (b"0 <13>x\n<14>good\n", [(b"0 <13>x", 0), (b"<14>good", 0)]),
        (b"30 <13>broken off", [(b"<13>broken off", BAD_FRAME)]),
    ],
)  # fmt: skip
def test_a_wrong_count_does_not_take_the_next_line(stream: bytes, expected: list[Frame]) -> None:
    assert decode(stream) == expected


def test_a_long_frame_is_cut_and_its_rest_skipped() -> None:
    long = b"<13>" + b"x" * 500
    assert decode(long + b"\n<14>good\n") == [(long[:MAX], CUT), (b"<14>good", 0)]
    assert decode(counted(long) + counted(b"<14>good")) == [(long[:MAX], CUT), (b"<14>good", 0)]
    assert decode(long) == [(long[:MAX], CUT)]
    assert decode(b"x" * MAX + b"\r\n") == [(b"x" * MAX, CUT)]
    assert decode(b"x" * MAX + b"\n") == [(b"x" * MAX, 0)]
    assert decode(b"x" * MAX + b"\0<14>good\n") == [(b"x" * MAX, 0), (b"<14>good", 0)]


@pytest.mark.parametrize("gap", range(MAX - 25, MAX + 25))
def test_a_frame_across_the_cut_of_a_wrong_count_is_found(gap: int) -> None:
    frames = decode(b"9000 <13>" + b"x" * gap + b"\n<14>good\n")
    assert frames[-1] == (b"<14>good", 0)


def test_empty_frames_are_counted() -> None:
    decoder = Decoder(MAX)
    assert decoder.feed(b"\n\r\n\n<13>a\n\n") == [(b"<13>a", 0)]
    assert decoder.empty == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "stream", [b"1" * 1_000_000, b"\0" * 1_000_000, b"5 <" * 300_000, b" <" * 500_000, b"\n<" * 500_000]
)
@pytest.mark.parametrize("chunk", [1, 1_000_000])
def test_a_megabyte_of_nonsense_takes_linear_time(stream: bytes, chunk: int) -> None:
    decoder = Decoder(64 << 10)
    started = time.process_time()
    for at in range(0, len(stream) if chunk > 1 else 150_000, chunk):
        decoder.feed(stream[at : at + chunk])
    assert (b"<13>good", 0) in decoder.feed(b"\n<13>good\n") + decoder.close()
    assert time.process_time() - started < 5


bytes_of_streams = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"\0", b"<13>", b"<1", b" ", b"5 ", b"70 ", b"9", b"x" * 40, b"9000 <13>", b"\xff"]
    )
    | st.binary(max_size=8)
    | st.binary(max_size=60).map(lambda text: counted(b"<13>" + text)),
    max_size=30,
).map(b"".join)


@pytest.mark.slow
@settings(max_examples=600)
@given(bytes_of_streams, st.lists(st.integers(0, 600), max_size=8))
def test_any_chunking_gives_the_same_frames_and_none_is_too_long(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[begin:end] for begin, end in itertools.pairwise(places)]
    whole, parts, single = Decoder(MAX), Decoder(MAX), Decoder(MAX)
    frames = whole.feed(stream) + whole.close()
    assert [frame for chunk in chunks for frame in parts.feed(chunk)] + parts.close() == frames
    assert [frame for byte in stream for frame in single.feed(bytes([byte]))] + single.close() == frames
    assert whole.empty == parts.empty == single.empty
    assert all(0 < len(message) <= MAX for message, _ in frames)


@pytest.mark.slow
@settings(max_examples=400)
@given(bytes_of_streams, st.lists(st.integers(0, 600), max_size=4))
def test_silence_at_any_time_raises_nothing_and_loses_no_later_line(stream: bytes, cuts: list[int]) -> None:
    decoder = Decoder(MAX)
    for cut in cuts:
        decoder.feed(stream[: cut % (len(stream) + 1)])
        decoder.idle()
    decoder.feed(b"\n\n<14>one\n<14>two\n")
    frames = decoder.feed(b"<14>three\n<14>four\n" + b"<14>five" * MAX + b"\n<14>six\n") + decoder.close()
    assert (b"<14>six", 0) in frames


@pytest.mark.slow
@settings(max_examples=600)
@given(bytes_of_streams)
@example(b"10 x")
@example(b"20 ")
def test_the_lines_after_any_nonsense_are_there(nonsense: bytes) -> None:
    frames = decode(nonsense + b"\n<14>one\n<14>two\n<14>three\n")
    joined = b"\n".join(message for message, _ in frames)
    assert frames[-1] == (b"<14>three", 0) or b"<14>one\n<14>two\n<14>three" in joined


lines = (
    st.binary(min_size=1, max_size=50)
    .filter(lambda line: not set(line) & set(b"\n\0\r"))
    .map(lambda line: b"<13>" + line)
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(lines, st.sampled_from(["count", "count+lf", "lf", "crlf"]))))
def test_good_frames_come_back_whatever_the_mixture(framed: list[tuple[bytes, str]]) -> None:
    frame = {"count": counted, "count+lf": lambda line: counted(line) + b"\n", "lf": lambda line: line + b"\n"}
    frame["crlf"] = lambda line: line + b"\r\n"
    stream = b"".join(frame[form](line) for line, form in framed)
    assert decode(stream) == [(line, 0) for line, _ in framed]


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not beside this checkout")
@pytest.mark.parametrize("name", ["octetcounting", "nontransparent"])
def test_the_frames_of_go_syslog(name: str) -> None:
    """Each message that the other implementation accepts at its best effort is one of our frames."""
    for case in json.loads(Path(CORPUS / f"{name}.json").read_text(encoding="utf-8")):
        stream = base64.b64decode(case["input_b64"]).replace(b"%[1]s", b"\n")
        expected = [result for result in case["best_effort_results"] if result.get("message")]
        frames = decode(stream, max_line_bytes=64 << 10)
        assert len(frames) >= len(expected), case["descr"]
