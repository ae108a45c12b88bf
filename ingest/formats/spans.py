"""spans: pieces of texts as columns, without a copy and without a Python object for each.

In:   a column of texts; where pieces of them begin and end
Out:  the pieces as a column
Docs: Arrow columnar format, "Variable-size Binary Layout"
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from ingest.columns import Mask, Rows
from ingest.event import TEXT


class Text:
    """The bytes of a column of texts as one array, and where each row begins and ends in it; null is empty."""

    def __init__(self, texts: pa.Array) -> None:
        texts = texts.fill_null("")
        _, offsets, data = texts.buffers()
        self._data = data if data is not None else pa.py_buffer(b"")
        bounds = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
        self.begins, self.ends = bounds[:-1], bounds[1:]
        self.first = int(bounds[0])
        self._bytes = np.frombuffer(self._data, dtype=np.uint8)[: bounds[-1]]

    def positions(self, *members: int) -> Rows:
        """Where these bytes stand, ascending."""
        found = self._bytes[self.first :] == members[0]
        for member in members[1:]:
            found |= self._bytes[self.first :] == member
        return np.flatnonzero(found) + self.first

    def outside(self, members: Mask) -> Rows:
        """Where bytes stand that are not of the set, a table of 256."""
        # A table over bytes is Python's own `translate`: several times as fast as an index array.
        marks = self._bytes[self.first :].tobytes().translate((~members).tobytes())
        return np.flatnonzero(np.frombuffer(marks, dtype=np.bool_)) + self.first

    def at(self, positions: Rows) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """The bytes at these places; 0 outside of the texts."""
        if not len(self._bytes):
            return np.zeros(len(positions), dtype=np.uint8)
        found = self._bytes.take(positions, mode="clip")
        found[(positions < 0) | (positions >= len(self._bytes))] = 0
        return found

    def row_of(self, positions: Rows) -> Rows:
        """The row that each place is in; the places ascend."""
        bounds = np.searchsorted(positions, np.append(self.begins, self.ends[-1:]))
        return np.repeat(np.arange(len(self.begins)), np.diff(bounds))

    def cut(self, begins: Rows, ends: Rows) -> pa.Array:
        """The pieces from each begin to its end, which come in order and do not overlap.

        Arrow keeps texts as offsets into one buffer: pieces and the gaps between them are such a column already.
        """
        offsets = np.empty(2 * len(begins) + 1, dtype=np.int32)
        offsets[:-1:2], offsets[1::2], offsets[-1] = begins, ends, len(self._bytes)
        both = pa.Array.from_buffers(TEXT, len(offsets) - 1, [None, pa.py_buffer(offsets), self._data])
        return both.take(pa.array(np.arange(0, 2 * len(begins), 2)))


def members(characters: Iterable[int]) -> Mask:
    """A set of bytes as a table of 256."""
    table = np.zeros(256, dtype=np.bool_)
    table[list(characters)] = True
    return table


def run_begins(positions: Rows) -> Rows:
    """Of each place in an ascending list the first place of the unbroken run that it is in."""
    if not len(positions):
        return positions
    first = np.append(True, np.diff(positions) != 1)
    return positions[np.maximum.accumulate(np.where(first, np.arange(len(positions)), 0))]
