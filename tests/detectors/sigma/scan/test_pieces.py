"""Cutting: whatever a file holds and however it is packed, the pieces hold its lines, each once and in order."""

from __future__ import annotations

import gzip
import io
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from backports.zstd import compress
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.scan import evtx
from detectors.sigma.scan.inputs import Input, Kind
from detectors.sigma.scan.pieces import Cutter, load, piece_bytes, whole_lines
from tests.detectors.sigma.scan.evtx_file import chunk, event
from tests.detectors.sigma.scan.evtx_file import evtx as evtx_file

LINES = st.lists(
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")) | st.sampled_from([b"", b"\r", b"x" * 50]),
    max_size=12,
)


def cut(path: Path | str, kind: Kind | None = Kind.NDJSON, size: int = 8, max_line: int = 20) -> tuple[bytes, int]:
    """What the pieces of a file hold, one after the other, and how many lines were cut off."""
    faults: list[str] = []
    cutter = Cutter(kind, size, max_line, faults.append, faults.append)
    loaded = [load(piece, max_line) for piece in cutter.pieces([Input(str(path), named=True, size=None)])]
    assert faults == []
    assert all(block.endswith(b"\n") for block in [block for block, _ in loaded if block][:-1])
    return b"".join(block for block, _ in loaded), sum(cut_lines for _, cut_lines in loaded)


def plainly(content: bytes, max_line: int) -> tuple[list[bytes], int]:
    """A line's end counts as one of its bytes."""
    lines = io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")).readlines()
    return [line[:max_line].removesuffix(b"\n") for line in lines], sum(len(line) > max_line for line in lines)


@given(
    LINES,
    st.booleans(),
    st.sampled_from(["plain", "gzip", "zstd"]),
    st.integers(1, 10),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_every_line_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool, packed: str, size: int, mark: bytes
) -> None:
    content = mark + b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path = tmp_path_factory.mktemp("pieces") / "x"
    path.write_bytes({"plain": bytes, "gzip": gzip.compress, "zstd": compress}[packed](content))
    found, cut_lines = cut(path, size=size)
    wanted, too_long = plainly(content, 20)
    assert (found.removesuffix(b"\n").split(b"\n") if found else []) == wanted
    assert cut_lines == too_long


@pytest.mark.slow
def test_lines_beyond_the_limit_of_16_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"{}\n" + b"x" * (40 << 20) + b"\n{}\n" + b"y" * (17 << 20))
    for packed in (False, True):
        if packed:
            path.write_bytes(gzip.compress(path.read_bytes(), 1))
        blocks = [load(piece) for piece in Cutter(Kind.NDJSON).pieces([Input(str(path), named=True, size=None)])]
        lines = b"".join(block for block, _ in blocks).split(b"\n")
        assert [line[:2] for line in lines if line] == [b"{}", b"xx", b"{}", b"yy"]
        assert [len(line) >> 20 for line in lines if line] == [0, 16, 0, 16]
        assert sum(cut_lines for _, cut_lines in blocks) == 2


@pytest.mark.parametrize("packed", [bytes, gzip.compress, compress])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, packed: object) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed(b'\xef\xbb\xbf{"a": 1}\n{}\n'))  # type: ignore[operator]
    assert cut(path, None) == (b'{"a": 1}\n{}\n', 0)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, compress])
def test_chunks_of_an_event_log(tmp_path: Path, packed: object) -> None:
    chunks = [chunk([event(number, {"a": "b"})], number) for number in range(1, 12)]
    path = tmp_path / "x.evtx"
    path.write_bytes(packed(evtx_file(chunks)))  # type: ignore[operator]
    pieces = list(Cutter(piece_bytes=4 * 3 * evtx.CHUNK).pieces([Input(str(path), named=True, size=None)]))
    assert [(piece.start - evtx.HEADER) // evtx.CHUNK for piece in pieces] == [0, 3, 6, 9]
    assert b"".join(load(piece)[0] for piece in pieces) == b"".join(chunks)


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)))
    writer.start()
    found, _ = cut(path, None, 100, 1000)
    writer.join()
    assert found == b'{"a": 1}\n' * 1000


def test_an_endless_line_is_read_once() -> None:
    held = 0

    def endless() -> Iterable[bytes]:
        nonlocal held
        for _ in range(10_000):
            held += 1000
            yield b"x" * 1000
        yield b"\n{}"

    assert list(whole_lines(endless(), 5000)) == [(b"x" * 5000 + b"\n", 1), (b"{}", 0)]
    assert held == 10_000_000


def test_pieces_are_smaller_where_there_is_little() -> None:
    def size(total: int | None, workers: int) -> int:
        return piece_bytes([Input("x", named=True, size=total)], workers)

    assert size(1000, 2) == 1 << 20
    assert size(16 << 20, 2) == 2 << 20
    assert size(None, 2) == size(4 << 30, 2) == 4 << 20
