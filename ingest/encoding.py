r"""encoding: the bytes of a line as text, so that the bytes can be had back.

In:   a column of bytes
Out:  a column of text, and which rows were escaped

Valid UTF-8 stays as it is. In any other line each byte that is not UTF-8 is written `\xNN` and each backslash twice;
such an event carries the tag `encoding_escaped`, and `recover` gives its bytes.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


def decode(lines: pa.Array) -> tuple[pa.Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Text of each row (null stays null), and true where it was escaped."""
    try:
        return lines.cast(pa.string()), np.zeros(len(lines), dtype=np.bool_)
    except pa.ArrowInvalid:
        rows = [(None, False) if line is None else _text(line) for line in lines.to_pylist()]
        return pa.array([text for text, _ in rows], pa.string()), np.array([escaped for _, escaped in rows], np.bool_)


def _text(line: bytes) -> tuple[str, bool]:
    try:
        return line.decode(), False
    except UnicodeDecodeError:
        return escape(line), True


def escape(line: bytes) -> str:
    return line.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def recover(text: str) -> bytes:
    """The bytes of an `event.original` with the tag `encoding_escaped`. Inverse of `escape`."""
    pieces: list[bytes] = []
    end = 0
    for match in ESCAPED.finditer(text):
        pieces += [text[end : match.start()].encode(), bytes.fromhex(match[1]) if match[1] else b"\\"]
        end = match.end()
    return b"".join([*pieces, text[end:].encode()])
