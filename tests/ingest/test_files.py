import datetime
import gzip
from pathlib import Path

import pytest

from hamrong.errors import HamrongError
from ingest import files
from ingest.event import RAW

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)


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
    plain, packed = tmp_path / "a.log", tmp_path / "b.log"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert lines(plain, batch_bytes) == expected
    assert lines(packed, batch_bytes) == expected


def test_what_stands_before_a_cut_is_read_and_then_the_fault_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.log.gz"
    content = b"".join(b"line %d\n" % number for number in range(20_000))
    path.write_bytes(gzip.compress(content)[:-3000])
    batches = files.batches(str(path), RECEIVED)
    found = next(batches).column("value").to_pylist()
    assert found[:3] == [b"line 0", b"line 1", b"line 2"]
    assert len(found) > 1000
    with pytest.raises(HamrongError, match=r"cut\.log\.gz: cannot be read"):
        list(batches)


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_a_file_that_can_not_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(HamrongError, match="cannot be read"):
        lines(tmp_path / name)
