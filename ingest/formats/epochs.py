"""epochs: times that lines write as seconds since 1970 -> UTC.

In:   a column of seconds as text (`1772674502.113522`), or one number of a JSON object
Out:  a column of timestamps, null where a stamp is none; ISO 8601 text
Docs: POSIX.1-2017 §4.16, "Seconds Since the Epoch"
"""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, TIMESTAMP

# 11 digits of seconds reach the year 5138: what is longer is no time, or counts milliseconds.
_SECONDS = r"^(?P<whole>[0-9]{1,11})(?:\.(?P<fraction>[0-9]{1,9}))?$"
_FARTHEST = 10**11
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def seconds(stamps: pa.Array) -> pa.Array:
    parts = pc.extract_regex(stamps, _SECONDS)
    digits = pc.utf8_rpad(pc.utf8_slice_codeunits(parts.field("fraction"), 0, 6), 6, "0")
    text = pc.binary_join_element_wise(parts.field("whole"), digits, "")
    return pc.if_else(parts.is_valid(), text, pa.scalar(None, TEXT)).cast(pa.int64()).cast(TIMESTAMP)


def iso_text(value: object) -> str | None:
    """A JSON number of seconds as ISO 8601; text as it stands (it may be ISO already); None for what is neither."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _FARTHEST:
        return None
    # A float of seconds is exact to half a microsecond until 2106.
    return (_EPOCH + datetime.timedelta(microseconds=round(value * 1e6))).isoformat()
