import datetime
import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from backports.zstd import compress

from hamrong.errors import HamrongError
from ingest import files
from ingest.event import RAW
from ingest.parse import parse
from ingest.sources import Register

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)

PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, compress]


def lines(path: Path, batch_bytes: int = files.BATCH_BYTES) -> list[bytes]:
    found: list[bytes] = []
    for batch in files.batches(str(path), RECEIVED, batch_bytes):
        assert batch.schema == RAW
        assert batch.column("offset").to_pylist() == list(range(len(found), len(found) + batch.num_rows))
        found += batch.column("value").to_pylist()
    return found


@pytest.mark.parametrize("batch_bytes", [1, 3, 7, 1 << 20])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\r\n", [b"a", b"", b"b\r"]),
        (b"\n", [b""]),
        (b"\xff\0\nx", [b"\xff\0", b"x"]),
    ],
)
def test_lines_whatever_the_blocks(tmp_path: Path, content: bytes, expected: list[bytes], batch_bytes: int) -> None:
    path = tmp_path / "a.log"
    for pack in PACKERS:
        path.write_bytes(pack(content))
        assert lines(path, batch_bytes) == expected


CONTENT = b"".join(b"line %d\n" % number for number in range(20_000))


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: compress(content[:100_000]) + compress(content)])
def test_what_stands_before_a_cut_is_read_and_then_the_fault_is_told(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "cut.log.gz"
    path.write_bytes(pack(CONTENT)[:-1000])
    batches = files.batches(str(path), RECEIVED)
    found = next(batches).column("value").to_pylist()
    assert found[:3] == [b"line 0", b"line 1", b"line 2"]
    assert len(found) > 1000
    with pytest.raises(HamrongError, match=r"cut\.log\.gz: cannot be read"):
        list(batches)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    packed = gzip.compress(CONTENT)
    for broken in (packed[:200] + b"xxxx" + packed[204:], compress(CONTENT) + b"no frame"):
        path.write_bytes(broken)
        with pytest.raises(HamrongError, match="x: cannot be read: "):
            lines(path)


def test_frames_of_metadata_and_several_frames(tmp_path: Path) -> None:
    """As pzstd and `cat a.zst b.zst` make them."""
    path = tmp_path / "x"
    path.write_bytes(b"\x50\x2a\x4d\x18\x02\0\0\0ab" + compress(b"a\n") + compress(b"b"))
    assert lines(path) == [b"a", b"b"]


@pytest.mark.parametrize("pack", PACKERS)
def test_a_pipe_that_comes_byte_by_byte(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def drip() -> None:
        with path.open("wb", buffering=0) as pipe:
            for byte in pack(b"one\ntwo"):
                pipe.write(bytes([byte]))

    writer = threading.Thread(target=drip)
    writer.start()
    assert lines(path) == [b"one", b"two"]
    writer.join()


def test_a_line_of_many_blocks_is_joined_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\n" + b"x" * 1_000_000 + b"\nb")
    assert lines(path, 10) == [b"a", b"x" * 1_000_000, b"b"]


def test_a_line_has_the_id_that_the_parser_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"<38>Mar  5 09:00:00 h sshd[1]: a\n" * 3)
    (batch,) = files.batches(str(path), RECEIVED)
    ids = parse(batch, Register()).column("event.id").to_pylist()
    assert ids == [files.event_id(str(path), number) for number in range(3)]


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_a_file_that_can_not_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(HamrongError, match="cannot be read"):
        lines(tmp_path / name)
