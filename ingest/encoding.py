r"""encoding: the bytes of a line as text, so that the bytes can be had back.

In:   a column of bytes
Out:  `Decoded`: the text that parsers read, and the text that keeps every byte
Docs: TCVN 5712:1993 (VN3, "ABC"); code page 1258; ingest.vietnamese

Valid UTF-8 stays as it is. Of any other line, what is kept as `event.original` has each byte that is not UTF-8 written
`\xNN` and each backslash twice; the event carries the tag `encoding_escaped`, and `recover` gives its bytes. Parsers
read the same, unless the line makes sense in one of the encodings of older Vietnamese software: then they read that, in
NFC, and the event is also tagged `encoding_windows_1258` or `encoding_tcvn3`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.columns import Mask
from ingest.vietnamese import makes_sense

ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")
LONGEST = 16_384
"""Bytes of a line that is looked at for an older encoding: people write less, an attacker may send more."""

# The bytes 0xA1 to 0xFF; 0xB0 to 0xB4 are marks to be put over the letter before, which nobody uses.
_TCVN3 = (
    "ĂÂÊÔƠƯĐăâêôơưđẰ" + "\ufffd" * 5 + "àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)  # fmt: skip
_TCVN3_LETTERS = {byte: ord(letter) for byte, letter in enumerate(_TCVN3, start=0xA1)}

UTF8, ESCAPES, WINDOWS_1258, TCVN3 = range(4)


@dataclass(frozen=True)
class Decoded:
    text: pa.Array
    """What parsers read."""
    original: pa.Array
    """The same, except where an older encoding was read: there `recover` gives the bytes."""
    tags: dict[str, Mask]


def decode(lines: pa.Array) -> Decoded:
    """Row for row; null stays null."""
    try:
        text = lines.cast(pa.string())
        return Decoded(text, text, {})
    except pa.ArrowInvalid:
        rows = [(None, None, UTF8) if line is None else _read(line) for line in lines.to_pylist()]
    kind = np.array([kind for _, _, kind in rows])
    return Decoded(
        pa.array([text for text, _, _ in rows], pa.string()),
        pa.array([original for _, original, _ in rows], pa.string()),
        {
            "encoding_escaped": kind != UTF8,
            "encoding_windows_1258": kind == WINDOWS_1258,
            "encoding_tcvn3": kind == TCVN3,
        },
    )


def _read(line: bytes) -> tuple[str, str, int]:
    try:
        text = line.decode()
        return text, text, UTF8
    except UnicodeDecodeError:
        original = escape(line)
    if len(line) <= LONGEST:
        if makes_sense(text := unicodedata.normalize("NFC", line.decode("cp1258", "replace"))):
            return text, original, WINDOWS_1258
        # Its capitals with a tone are small letters shown in a font of capitals.
        if makes_sense(text := line.decode("latin-1").translate(_TCVN3_LETTERS), any_case=True):
            return text, original, TCVN3
    return original, original, ESCAPES


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
