"""json_array: a JSON array -> one line an element.

In:   blocks of an array's bytes, cut anywhere
Out:  its bytes: an element's own line ends become blanks, the commas between elements line ends
Docs: RFC 8259

Bytes are looked at in whole blocks: where strings begin and end, then how deep each bracket and comma lies. No element
is parsed here, and none need fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from hamrong.errors import HamrongError

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

_DEPTH = np.zeros(256, np.int8)
_DEPTH[list(b"{[")] = 1
_DEPTH[list(b"}]")] = -1
_MARKS = np.zeros(256, bool)
_MARKS[list(b"{}[],")] = True


class BrokenArrayError(HamrongError):
    """The array has no end, or something stands behind it."""


def as_lines(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The lines of the file `name`. Raises BrokenArrayError after the elements before the fault."""
    reader = _Reader()
    begun = False
    for block in blocks:
        text = reader.read(block)
        # An array may be empty; after its first element, blanks are nobody's.
        begun = begun or bool(text.strip())
        if begun:
            yield text
        if reader.behind:
            what = "something stands behind the array and is not read"
            raise BrokenArrayError(f"{name}: {what}; write one array, or one object a line")
    if not reader.closed:
        raise BrokenArrayError(f"{name}: its array has no end: the file is cut short; what stands before was read")


class _Reader:
    """Where in the array the last block ended."""

    def __init__(self) -> None:
        self.closed = False
        self.behind = False
        """Whether something stands behind the array's end."""
        self._depth = 0
        self._in_string = False
        self._escaped = False
        """The next byte stands behind a backslash."""

    def read(self, block: bytes) -> bytes:
        """What of the block is inside the array."""
        if self.closed:
            self.behind = bool(block.strip())
            return b""
        content = np.frombuffer(bytearray(block.replace(b"\n", b" ")), np.uint8)
        marks = self._marks(content)
        depths = self._depth + np.cumsum(_DEPTH[content[marks]], dtype=np.int64)
        start, end = 0, len(content)
        if not self._depth and len(marks):
            start = int(marks[0]) + 1
        closing = np.flatnonzero(depths <= 0)
        if len(closing):
            end = int(marks[closing[0]])
            self.closed = True
            self.behind = bool(block[end + 1 :].strip())
            marks, depths = marks[: closing[0]], depths[: closing[0]]
        elif len(depths):
            self._depth = int(depths[-1])
        content[marks[(depths == 1) & (content[marks] == ord(","))]] = ord("\n")
        return content[start:end].tobytes()

    def _marks(self, content: Bytes) -> Positions:
        """The brackets and commas that are in no string."""
        quotes = self._quotes(content)
        marks = np.flatnonzero(_MARKS[content])
        before = np.searchsorted(quotes, marks) + self._in_string
        self._in_string = bool((len(quotes) + self._in_string) % 2)
        outside: Positions = marks[before % 2 == 0]
        return outside

    def _quotes(self, content: Bytes) -> Positions:
        """The quotes that begin or end a string: those behind an odd run of backslashes are text."""
        quotes = np.flatnonzero(content == ord('"'))
        slashes = np.flatnonzero(content == ord("\\"))
        escaped = np.zeros(len(content) + 1, bool)
        escaped[0] = self._escaped
        if len(slashes):
            begins = np.flatnonzero(np.diff(slashes, prepend=-2) > 1)
            lengths = np.diff(begins, append=len(slashes))
            behind = slashes[begins] + lengths
            # A run that goes on from the block before is one longer than what is seen of it.
            lengths[0] += self._escaped and slashes[0] == 0
            escaped[behind] = lengths % 2 == 1
        self._escaped = bool(escaped[-1])
        return quotes[~escaped[quotes]]
