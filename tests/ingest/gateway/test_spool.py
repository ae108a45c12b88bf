"""The spool: what was appended is read, in order, once, after any death; sequences are never used twice."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.gateway.framing import CUT, Frame
from ingest.gateway.spool import Commit, Entry, Reader, Spool, SpoolError, decode, encode

LIMIT = 4 << 20
PEER = b"192.0.2.1"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool", LIMIT)
    yield opened
    opened.close()


def read_all(spool: Spool, sequence: int = 0) -> list[Entry]:
    reader = Reader(spool, sequence)
    entries: list[Entry] = []
    while more := reader.read():
        entries += more
    reader.close()
    return entries


def messages(entries: list[Entry]) -> list[bytes]:
    return [entry.message for entry in entries]


def died(spool: Spool, folder: Path) -> Path:
    """What a kill would leave behind, while the first process still holds its own."""
    return Path(shutil.copytree(spool.folder, folder))


frames = st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3)), min_size=1, max_size=20)


@given(frames, st.binary(max_size=45), st.integers(0, 2**50), st.integers(0, 2**60))
def test_entries_come_back_as_they_were(given_frames: list[Frame], peer: bytes, received: int, first: int) -> None:
    data = encode(peer, given_frames, received)
    entries, taken = decode(data, first)
    assert taken == len(data)
    assert entries == [
        (first + index, received, flags, peer, message) for index, (message, flags) in enumerate(given_frames)
    ]


@given(frames, st.data())
def test_a_torn_or_damaged_end_gives_the_sound_beginning(given_frames: list[Frame], data: st.DataObject) -> None:
    whole = encode(PEER, given_frames, 1)
    torn = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    if torn and data.draw(st.booleans()):
        torn[data.draw(st.integers(0, len(torn) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    entries, taken = decode(bytes(torn), 0)
    assert whole[:taken] == torn[:taken]
    assert [(entry.message, entry.flags) for entry in entries] == given_frames[: len(entries)]


def test_a_reader_follows_the_writer_over_segments(spool: Spool) -> None:
    reader = Reader(spool, 0)
    assert reader.read() == []
    written, read = [], []
    for number in range(3000):
        message = b"%d " % number + b"x" * 300
        spool.append(PEER, [(message, 0)], number)
        written.append(message)
        if number % 7 == 0:
            read += reader.read()
    while more := reader.read():
        read += more
    reader.close()
    assert len(list(spool.folder.glob("*.spool"))) > 1
    assert messages(read) == written
    assert [entry.sequence for entry in read] == list(range(read[0].sequence, read[0].sequence + 3000))


def test_a_reader_in_another_thread_gets_all(spool: Spool) -> None:
    read: list[Entry] = []

    def follow() -> None:
        reader = Reader(spool, 0)
        while len(read) < 20_000:
            if not (more := reader.read()):
                spool.wait(0.1)
            read.extend(more)
        reader.close()

    thread = threading.Thread(target=follow)
    thread.start()
    for number in range(0, 20_000, 50):
        spool.append(PEER, [(b"%d" % index, 0) for index in range(number, number + 50)], 1)
    thread.join(30)
    assert messages(read) == [b"%d" % index for index in range(20_000)]


def test_after_a_kill_all_is_there_and_new_sequences_are_greater(spool: Spool, tmp_path: Path) -> None:
    spool.append(PEER, [(b"one", 0), (b"two", CUT)], 5)
    again = Spool(died(spool, tmp_path / "again"), LIMIT)
    again.append(PEER, [(b"three", 0)], 6)
    entries = read_all(again)
    again.close()
    assert messages(entries) == [b"one", b"two", b"three"]
    assert entries[1].flags == CUT
    assert entries[2].sequence > entries[1].sequence == entries[0].sequence + 1


@settings(max_examples=40)
@given(st.integers(1, 400))
def test_a_torn_end_is_cut_and_the_rest_kept(tmp_path_factory: pytest.TempPathFactory, torn: int) -> None:
    folder = tmp_path_factory.mktemp("torn")
    first = Spool(folder, LIMIT)
    first.append(PEER, [(b"%d " % number + b"x" * 80, 0) for number in range(4)], 1)
    first.close()
    path = next(folder.glob("*.spool"))
    whole = path.stat().st_size
    os.truncate(path, max(0, whole - torn))
    again = Spool(folder, LIMIT)
    again.append(PEER, [(b"new", 0)], 1)
    kept = messages(read_all(again))
    again.close()
    third = Spool(folder, LIMIT)
    assert messages(read_all(third)) == kept
    assert third.damaged_bytes == 0
    third.close()
    entry = whole // 4
    left = max(0, whole - torn) // entry
    assert [message[:1] for message in kept] == [b"%d" % number for number in range(left)] + [b"n"]
    assert again.damaged_bytes == max(0, whole - torn) - left * entry


def test_a_deleted_spool_does_not_use_its_sequences_again(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool", LIMIT)
    first.append(PEER, [(b"x", 0)] * 10, 1)
    last = read_all(first)[-1].sequence
    first.close()
    shutil.rmtree(first.folder)
    second = Spool(tmp_path / "spool", LIMIT)
    second.append(PEER, [(b"x", 0)], 1)
    assert read_all(second)[0].sequence > last
    second.close()


def test_damage_in_a_full_segment_is_counted_and_the_next_segment_read(spool: Spool) -> None:
    while len(list(spool.folder.glob("*.spool"))) < 2:
        spool.append(PEER, [(b"old" * 100, 0)], 1)
    spool.append(PEER, [(b"new", 0)], 1)
    path = min(spool.folder.glob("*.spool"))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 400)
    kept = messages(read_all(spool))
    assert kept[-1] == b"new"
    assert 0 < spool.damaged_bytes < path.stat().st_size


def test_what_is_committed_is_deleted_and_not_read_again(spool: Spool, tmp_path: Path) -> None:
    for number in range(3000):
        spool.append(PEER, [(b"%d " % number + b"x" * 300, 0)], 1)
    half = read_all(spool)[2500].sequence
    size = spool.size
    spool.commit(Commit(half, {"syslog.raw/0": 7}))
    assert spool.size < size
    assert spool.size == sum(path.stat().st_size for path in spool.folder.glob("*.spool"))
    again = Spool(died(spool, tmp_path / "again"), LIMIT)
    assert again.committed == Commit(half, {"syslog.raw/0": 7})
    assert [message.split()[0] for message in messages(read_all(again, half))] == [b"%d" % n for n in range(2500, 3000)]
    again.close()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sequence": "x", "offsets": {}}', '{"sequence": 5}'])
def test_a_broken_commit_file_means_reading_all(tmp_path: Path, content: str) -> None:
    (tmp_path / "commit.json").write_text(content)
    spool = Spool(tmp_path, LIMIT)
    assert spool.committed == Commit()
    spool.close()


def test_the_limit_is_seen_and_a_pause_ends_with_room(spool: Spool) -> None:
    while not spool.full:
        spool.append(PEER, [(b"x" * 60_000, 0)], 1)
    assert not spool.roomy
    spool.commit(Commit(read_all(spool)[-1].sequence + 1))
    assert spool.roomy
    assert not spool.full


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append(PEER, [(b"before", 0)], 1)
    write, calls = os.write, []

    def full(file: int, data: bytes) -> int:
        calls.append(file)
        if len(calls) == 1:
            return write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.append(PEER, [(b"lost?" * 10, 0)], 1)
    monkeypatch.undo()
    spool.append(PEER, [(b"after", 0)], 1)
    assert messages(read_all(spool)) == [b"before", b"after"]


def test_sync_closes_full_segments_once(spool: Spool) -> None:
    spool.sync()
    while len(list(spool.folder.glob("*.spool"))) < 4:
        spool.append(PEER, [(b"x" * 60_000, 0)], 1)
    spool.sync()
    spool.sync()
    assert len(os.listdir("/proc/self/fd")) < 100


def test_two_gateways_do_not_share_a_spool(spool: Spool) -> None:
    with pytest.raises(SpoolError, match="another gateway uses this spool"):
        Spool(spool.folder, LIMIT)


def test_a_folder_that_is_a_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match=r"file: the spool cannot be used: File exists; make it writable or"):
        Spool(tmp_path / "file", LIMIT)
