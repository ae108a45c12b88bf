r"""url_decoding: a request's target as the server understands it, so that a rule need not know each way to write it.

In:   `url.original`
Out:  `soc.url.decoded`, only where it is another text
Docs: RFC 3986 §2.1; application/x-www-form-urlencoded; nginx log_format escape=default; Apache mod_log_config

Undone are: the log's own escapes (`\x22`, `\"`), a query's `+`, `%2e`, its second and third coat (`%252e`), IIS's
`%u002e`, and the over-long forms of UTF-8 in which old servers saw `.`, `/` and `\`. The letters' case stays.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Sheet, is_true
from ingest.event import TEXT

FIELD = "soc.url.decoded"
COATS = 3
"""A proxy, a server and its application may each take one off."""
_LOG_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([\"\\]))")
_UNICODE = re.compile(rb"%u([0-9A-Fa-f]{4})")
_OVERLONG = ((b"\xc0\xae", b"."), (b"\xc0\xaf", b"/"), (b"\xc1\x9c", b"\\"))


def complete(sheet: Sheet) -> None:
    if not sheet.has("url.original"):
        return
    targets = sheet.column("url.original")
    rows = np.flatnonzero(is_true(pc.match_substring_regex(targets, r"[%+\\]")))
    if len(rows):
        distinct = targets.take(pa.array(rows)).dictionary_encode()
        texts = distinct.dictionary.to_pylist()
        plain = [decode(text) for text in texts]
        changed = [new if new != text else None for new, text in zip(plain, texts, strict=True)]
        sheet.put({FIELD: pa.array(changed, TEXT).take(distinct.indices)}, rows)


def decode(target: str) -> str:
    """In time that grows with its length alone."""
    found = target.encode()
    if b"\\" in found:
        found = _LOG_ESCAPE.sub(_logged, found)
    path, mark, query = found.partition(b"?")
    found = path + mark + query.replace(b"+", b" ")
    for _ in range(COATS):
        if b"%" not in found:
            break
        found = unquote_to_bytes(_UNICODE.sub(_character, found))
    for long, short in _OVERLONG:
        found = found.replace(long, short)
    return found.decode("utf-8", "replace")


def _logged(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode()) if escape[1] else escape[2]


def _character(code: re.Match[bytes]) -> bytes:
    return chr(int(code[1], 16)).encode("utf-8", "replace")
