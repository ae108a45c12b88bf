"""spool: the lines on disk between their receipt and Kafka's acknowledgement.

In:   frames with their peer and receive time; the sequence up to which Kafka has acknowledged
Out:  entries in the order of their receipt, each with a sequence that no other entry of this gateway ever has
Docs: a folder of segments `SEQUENCE.spool`, named by the sequence of their first entry, and `commit.json`

Promise: an entry whose `append` has returned survives the death of the process (it is in the page cache), and the
death of the machine once `sync` has run. One that a crash left half written is cut off at the next start.

The first sequence after a start is the time in microseconds, if that is greater than the next one. So a sequence
is not used again when the machine died with entries that Kafka had and the disk had not, or the folder was deleted.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hamrong.errors import HamrongError
from ingest.gateway.framing import Frame

_LENGTH_AND_CRC = struct.Struct("<II")
_HEAD = struct.Struct("<QBB")
"""Receive time in milliseconds, flags, length of the peer's address; then the address and the message."""
_PREFIX = _LENGTH_AND_CRC.size
_SEGMENT_BYTES = 16 << 20
_READ_BYTES = 1 << 20


class SpoolError(HamrongError):
    """The spool's folder cannot be used."""


class Entry(NamedTuple):
    sequence: int
    received: int
    """Milliseconds since the epoch."""
    flags: int
    peer: bytes
    message: bytes


@dataclass(frozen=True)
class Commit:
    """What Kafka has acknowledged: every entry below `sequence`; and per `topic/partition` the offset from which on
    any entry that Kafka has beyond those is found."""

    sequence: int = 0
    offsets: dict[str, int] = field(default_factory=dict)


@dataclass
class _Segment:
    path: Path
    first: int
    size: int = 0


def encode(peer: bytes, frames: Sequence[Frame], received: int) -> bytes:
    """The entries of frames that came together from one peer."""
    heads: dict[int, tuple[bytes, int]] = {}
    parts: list[bytes] = []
    for message, flags in frames:
        if flags not in heads:
            head = _HEAD.pack(received, flags, len(peer)) + peer
            heads[flags] = head, zlib.crc32(head)
        head, crc = heads[flags]
        parts += (_LENGTH_AND_CRC.pack(len(head) + len(message), zlib.crc32(message, crc)), head, message)
    return b"".join(parts)


def decode(data: bytes, sequence: int) -> tuple[list[Entry], int]:
    """The whole and sound entries at the beginning of `data`, and how many bytes they take."""
    entries: list[Entry] = []
    position, size = 0, len(data)
    while position + _PREFIX + _HEAD.size <= size:
        length, crc = _LENGTH_AND_CRC.unpack_from(data, position)
        start, stop = position + _PREFIX, position + _PREFIX + length
        if stop > size or length < _HEAD.size:
            break
        body = data[start:stop]
        if zlib.crc32(body) != crc:
            break
        received, flags, peer_length = _HEAD.unpack_from(body)
        behind_peer = _HEAD.size + peer_length
        entries.append(Entry(sequence, received, flags, body[_HEAD.size : behind_peer], body[behind_peer:]))
        sequence += 1
        position = stop
    return entries, position


class Spool:
    """One writer (the event loop) and one reader (the producer's thread) may use it at the same time."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Raises SpoolError when the folder cannot be written or another gateway has it."""
        self.folder = folder
        self.damaged_bytes = 0
        self._limit = limit_bytes
        self._segment_bytes = max(64 << 10, min(_SEGMENT_BYTES, limit_bytes // 8))
        self._lock = threading.Lock()
        self._appended = threading.Event()
        self._dirty = False
        self._sealed: list[int] = []
        """Files of full segments that are not on the disk yet."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._guard = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._guard)
                raise SpoolError(f"{folder}: another gateway uses this spool; stop it or set gateway.spool") from None
            self.committed = self._read_commit()
            self._segments = deque(self._find_segments())
            self._begin_segment(max(self._recover(), self.committed.sequence, time.time_ns() // 1000))
        except OSError as error:
            hint = "make it writable or set gateway.spool to a folder with space"
            raise SpoolError(f"{folder}: the spool cannot be used: {error.strerror}; {hint}") from error

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return self._size

    @property
    def full(self) -> bool:
        """Whether the limit is reached: take in no more. It is not enforced here, for what was read must be kept."""
        return self._size >= self._limit

    @property
    def roomy(self) -> bool:
        """Whether there is so much room again that a pause is worth ending."""
        return self._size < self._limit * 3 // 4

    def append(self, peer: bytes, frames: Sequence[Frame], received: int) -> None:
        """Raises OSError when the disk takes no more; then nothing of these frames is in the spool."""
        data = encode(peer, frames, received)
        segment = self._segments[-1]
        if segment.size >= self._segment_bytes:
            full = self._file
            self._begin_segment(self._next)
            self._sealed.append(full)
            segment = self._segments[-1]
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:] if written else data)
        except OSError:
            os.ftruncate(self._file, segment.size)
            raise
        with self._lock:
            segment.size += len(data)
            self._size += len(data)
            self._next += len(frames)
            self._dirty = True
        self._appended.set()

    def sync(self) -> None:
        """Brings what was appended so far to the disk; from any thread, one at a time."""
        with self._lock:
            file, sealed, dirty = self._file, self._sealed, self._dirty
            self._sealed, self._dirty = [], False
        if dirty:
            os.fdatasync(file)
        for full in sealed:
            os.fdatasync(full)
            os.close(full)

    def wait(self, timeout_seconds: float) -> None:
        """Returns when something was appended since the last call, or at the time's end."""
        self._appended.wait(timeout_seconds)
        self._appended.clear()

    def commit(self, commit: Commit) -> None:
        """Deletes the segments that are done and notes how far Kafka has come.

        A note that cannot be written (OSError) is no loss: a start from an older one finds in Kafka what is there.
        """
        with self._lock:
            self.committed = commit
            done = []
            while len(self._segments) > 1 and self._segments[1].first <= commit.sequence:
                done.append(self._segments.popleft())
                self._size -= done[-1].size
        for segment in done:
            segment.path.unlink(missing_ok=True)
        partial = self.folder / "commit.partial"
        with partial.open("w", encoding="ascii") as file:
            json.dump({"sequence": commit.sequence, "offsets": commit.offsets}, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / "commit.json")

    def after(self, segment_first: int) -> tuple[Path, int, int, bool] | None:
        """The first segment from that sequence on: path, first sequence, size, and whether it grows no more."""
        with self._lock:
            for index, segment in enumerate(self._segments):
                if segment.first >= segment_first:
                    return segment.path, segment.first, segment.size, index + 1 < len(self._segments)
        return None

    def close(self) -> None:
        self.sync()
        os.close(self._file)
        os.close(self._guard)

    def _begin_segment(self, first: int) -> None:
        path = self.folder / f"{first:020d}.spool"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with self._lock:
            self._next = first
            self._segments.append(_Segment(path, first))

    def _find_segments(self) -> list[_Segment]:
        paths = sorted(path for path in self.folder.glob("*.spool") if path.stem.isdigit())
        return [_Segment(path, int(path.stem), path.stat().st_size) for path in paths]

    def _recover(self) -> int:
        """Cuts the torn end of the last segment, drops empty ones; gives the sequence behind the last entry."""
        following = 0
        if self._segments:
            last = self._segments[-1]
            entries, sound = decode(last.path.read_bytes(), last.first)
            self.damaged_bytes += last.size - sound
            os.truncate(last.path, sound)
            last.size = sound
            following = last.first + len(entries)
        for segment in [segment for segment in self._segments if not segment.size]:
            segment.path.unlink()
            self._segments.remove(segment)
        self._size = sum(segment.size for segment in self._segments)
        return following

    def _read_commit(self) -> Commit:
        """The last commit; none, as after a lost file, means that all is read again and sought in Kafka."""
        try:
            values = json.loads((self.folder / "commit.json").read_text(encoding="ascii"))
            return Commit(int(values["sequence"]), {str(key): int(value) for key, value in values["offsets"].items()})
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return Commit()


class Reader:
    """Reads on from a sequence; several entries at a time, each one once."""

    def __init__(self, spool: Spool, sequence: int) -> None:
        self._spool = spool
        self._from = sequence
        self._next = 0
        self._file = -1
        self._path = Path()
        self._first = 0
        self._position = 0

    def read(self) -> list[Entry]:
        """The next entries, [] when there are none yet. A damaged segment is left at its damage, which is counted."""
        while True:
            found = self._spool.after(self._first)
            if not found:
                return []
            path, first, size, sealed = found
            if path != self._path:
                self.close()
                self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self._path, self._first, self._next, self._position = path, first, first, 0
            data = os.pread(self._file, min(_READ_BYTES, size - self._position), self._position)
            entries, taken = decode(data, self._next)
            if data and not taken:
                entries, taken = decode(os.pread(self._file, size - self._position, self._position), self._next)
            self._position += taken
            self._next += len(entries)
            if not taken:
                if not sealed:
                    return []
                self._spool.damaged_bytes += size - self._position
                self._first += 1
            elif wanted := [entry for entry in entries if entry.sequence >= self._from]:
                return wanted

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
