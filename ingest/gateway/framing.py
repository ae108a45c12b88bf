"""framing: the bytes of one TCP stream -> syslog messages.

In:   chunks of bytes as the socket gives them, cut anywhere
Out:  frames, each the message without its framing and a set of flags
Docs: RFC 6587 (octet counting 3.4.1, non-transparent framing 3.4.2); rsyslog imtcp; syslog-ng network()

The framing is chosen frame by frame, as rsyslog and syslog-ng do: digits and a space begin a counted frame, anything
else a line. A line ends at LF, CRLF, or at a NUL that a new frame follows.

A count is believed unless the bytes disprove it. Were every LF with a `<PRI>` after it taken for a new frame, whoever
gets such text into a message could forge lines, which is what counting prevents; were every count believed, a wrong
one would swallow its successors. So a counted frame with a frame's beginning inside is kept whole when another frame
stands right behind it, and is cut there (flag BAD_FRAME) when not.
"""

from __future__ import annotations

import re
from enum import Enum

Frame = tuple[bytes, int]
"""A message and its flags."""

CUT = 1
"""Longer than `max_line_bytes`: the rest is gone."""
BAD_FRAME = 2
"""The frame's count was wrong, or the frame broke off: the message is what was there."""

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) (?=[^\n\r\0])")
_PART_OF_COUNT = re.compile(rb"[1-9][0-9]{0,8} ?")
# What the longest beginning of a frame takes ("\n", nine digits, " <123>") must be in sight to judge a position.
_LOOKAHEAD = 16
_LINE_END = re.compile(rb"\n|\0(?=<[0-9]|[1-9][0-9]{0,8} <[0-9])")
_LINE_END_OR_NUL = re.compile(rb"[\n\0]")
_LINE_END_OR_COUNT = re.compile(_LINE_END.pattern + rb"|(?<![0-9])[1-9][0-9]{0,8} <[0-9]{1,3}>")
_FRAME_WITHIN = re.compile(rb"\n(?=<[0-9]{1,3}>)|[1-9][0-9]{0,8} (?=<[0-9]{1,3}>)")
_TRAILER = b"\r\n\0"
_MAX_COUNT = 16 << 20


class _End(Enum):
    """What is known about the bytes behind those that are here."""

    MORE = "more may follow at once"
    IDLE = "the sender has been silent for a while"
    CLOSED = "none will follow"


class Decoder:
    """Takes one stream apart. Any chunking gives the same frames; no bytes make it raise; time is linear in the bytes.

    `empty` counts the frames without a message, which are not handed out.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self.empty = 0
        self._max = max_line_bytes
        self._buffer = bytearray()
        self._searched = 0
        """How far the frame at the buffer's start has been searched for its end, in vain."""
        self._skip_line = False
        self._skip_bytes = 0
        self._after_count = False
        """The frame before this one was a counted one."""
        self._nul_ends = False
        """This sender ends its lines with NUL, as one of them has shown."""

    @property
    def waiting(self) -> bool:
        """Whether bytes are held back that wait for the end of their frame."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        self._buffer += data
        return self._drain(_End.MORE)

    def idle(self) -> list[Frame]:
        """The frames that only waited for a hint from what follows; call it when the sender has been silent."""
        return self._drain(_End.IDLE)

    def close(self) -> list[Frame]:
        """The frames that the end of the stream completes."""
        return self._drain(_End.CLOSED)

    def _drain(self, end: _End) -> list[Frame]:
        frames: list[Frame] = []
        buffer = self._buffer
        position, size = 0, len(buffer)
        while position < size:
            if self._skip_line:
                after = self._skip_to_line_end(position, end)
            elif self._skip_bytes:
                after = self._skip_counted(position)
            elif self._after_count and buffer[position] in _TRAILER:
                after = position + 1
            elif 0x31 <= buffer[position] <= 0x39:
                after = self._counted(position, frames, end)
            else:
                after = self._line(position, frames, end)
            if after < 0:
                break
            position = after
            self._searched = 0
        self._searched = max(0, self._searched - position)
        del buffer[:position]
        return frames

    def _counted(self, position: int, frames: list[Frame], end: _End) -> int:
        """Reads the frame at `position`, which begins with a digit; gives the position behind it, -1 = incomplete."""
        buffer = self._buffer
        header = _COUNT.match(buffer, position)
        if not header:
            part = end is _End.MORE and len(buffer) - position <= 10 and _PART_OF_COUNT.fullmatch(buffer, position)
            return -1 if part else self._line(position, frames, end)
        count, start = int(header[1]), header.end()
        has_priority = buffer[start] == 0x3C
        if count > (self._max if not has_priority else _MAX_COUNT):
            return self._line(position, frames, end)
        if not has_priority and self._holds_line_end(start, count):
            # A count before a message without <PRI> and with an LF inside: "404 not found\n", a line like others.
            self._searched = 0
            return self._line(position, frames, end)
        wanted = min(count, self._max)
        if len(buffer) - start < wanted:
            if end is _End.CLOSED or (end is _End.IDLE and self._frame_within(start, len(buffer))):
                return self._disproved(position, start, len(buffer), frames)
            return -1
        stop = start + wanted
        if self._frame_within(start, stop):
            verdict = self._count_is_right(stop) if count == wanted else False
            if verdict is None and end is _End.MORE:
                return -1
            if verdict is False:
                return self._disproved(position, start, stop, frames)
        self._emit(frames, start, stop, CUT if count > wanted else 0)
        self._after_count = True
        if count > wanted:
            # A few kept bytes again: a frame's beginning may lie across the cut.
            self._skip_bytes = count - wanted + _LOOKAHEAD
            return stop - _LOOKAHEAD
        return stop

    def _holds_line_end(self, start: int, count: int) -> bool:
        """Whether an LF stands before the last byte of a counted message."""
        if self._buffer.find(b"\n", max(start, self._searched), start + count - 1) >= 0:
            return True
        self._searched = min(len(self._buffer), start + count - 1)
        return False

    def _frame_within(self, start: int, stop: int) -> re.Match[bytes] | None:
        """The first place inside a counted message where another frame seems to begin."""
        buffer = self._buffer
        if buffer.find(b"\n", start, stop) < 0 and buffer.find(b" <", start, stop) < 0:
            return None
        return _FRAME_WITHIN.search(buffer, start, stop)

    def _count_is_right(self, stop: int) -> bool | None:
        """Whether a counted frame, or the LF some senders add, follows at `stop`; None = not yet to be seen."""
        rest = bytes(self._buffer[stop : stop + _LOOKAHEAD])
        if not rest or _PART_OF_COUNT.fullmatch(rest):
            return None
        return rest[0] in _TRAILER or _COUNT.match(rest) is not None

    def _disproved(self, position: int, start: int, stop: int, frames: list[Frame]) -> int:
        """Ends a frame with a wrong count where the next one seems to begin, else at `stop`."""
        within = self._frame_within(start, stop)
        if within:
            stop = within.end() if within[0] == b"\n" else within.start()
        self._emit(frames, start if self._buffer[start] == 0x3C else position, stop, BAD_FRAME)
        self._after_count = True
        return stop

    def _line(self, position: int, frames: list[Frame], end: _End) -> int:
        """Reads the line at `position`; gives the position behind it, -1 = incomplete."""
        buffer = self._buffer
        astray = self._after_count and buffer[position] != 0x3C
        limit = position + self._max
        stop = buffer.find(b"\n", max(position, self._searched), limit + 1)
        if stop < 0 or astray or buffer.find(0, position, stop) >= 0:
            ends = _LINE_END_OR_NUL if self._nul_ends else _LINE_END_OR_COUNT if astray else _LINE_END
            begin = max(position + astray, self._searched - _LOOKAHEAD)
            found = ends.search(buffer, begin, limit + 1 + _LOOKAHEAD)
            stop = found.start() if found else -1
        flags = BAD_FRAME if astray else 0
        if 0 <= stop <= limit:
            self._emit(frames, position, stop, flags)
            return self._pass_line_end(stop)
        complete = end is _End.CLOSED or (end is _End.IDLE and buffer[-1] == 0)
        beyond = len(buffer) - limit
        if beyond > _LOOKAHEAD or (beyond > 0 and (complete or buffer.find(b"\n", limit) >= 0)):
            self._emit(frames, position, limit, flags | CUT)
            self._skip_line = True
            return limit
        if complete:
            self._emit(frames, position, len(buffer), flags)
            return len(buffer)
        self._searched = len(buffer)
        return -1

    def _pass_line_end(self, stop: int) -> int:
        """The position behind a line's end; a count that ended it is the next frame's."""
        self._skip_line = self._after_count = False
        self._nul_ends = self._nul_ends or self._buffer[stop] == 0
        return stop if 0x31 <= self._buffer[stop] <= 0x39 else stop + 1

    def _skip_to_line_end(self, position: int, end: _End) -> int:
        """Passes over the rest of a line that was cut."""
        buffer = self._buffer
        found = (_LINE_END_OR_NUL if self._nul_ends else _LINE_END).search(buffer, position)
        if found:
            return self._pass_line_end(found.start())
        rest = len(buffer) if end is _End.CLOSED else max(position, len(buffer) - _LOOKAHEAD)
        return rest if rest > position else -1

    def _skip_counted(self, position: int) -> int:
        """Passes over the rest of a counted frame that was cut; a frame's beginning in it disproves the count."""
        buffer = self._buffer
        stop = min(len(buffer), position + self._skip_bytes)
        if within := self._frame_within(position, stop):
            self._skip_bytes = 0
            return within.end() if within[0] == b"\n" else within.start()
        keep = _LOOKAHEAD if stop < position + self._skip_bytes else 0
        after = max(position, stop - keep)
        self._skip_bytes -= after - position
        return after if after > position else -1

    def _emit(self, frames: list[Frame], start: int, stop: int, flags: int) -> None:
        message = bytes(self._buffer[start:stop]).rstrip(_TRAILER)
        if message:
            frames.append((message, flags))
        else:
            self.empty += 1
