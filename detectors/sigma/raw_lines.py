"""raw_lines: lines of a file as the gateway would hand them on.

In:   lines, and when they are taken to be received
Out:  batches of `ingest.event.RAW`
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from ingest.event import TEXT, TIMESTAMP, raw


def raw_batch(lines: Sequence[bytes], first: int, received: datetime | Sequence[datetime]) -> pa.RecordBatch:
    """Lines, each named by its number."""
    times = [received] * len(lines) if isinstance(received, datetime) else list(received)
    columns = {
        "value": pa.array(lines, pa.binary()),
        "received": pa.array(times, TIMESTAMP),
        "id": pa.array([f"{number:012d}" for number in range(first, first + len(lines))], TEXT),
    }
    return raw(len(lines), columns)


def block_batch(block: bytes, received: datetime) -> pa.RecordBatch:
    """A block of whole lines, none of them named yet."""
    lines = block.removesuffix(b"\n").split(b"\n")
    values = {"value": pa.array(lines, pa.binary()), "received": pa.repeat(pa.scalar(received, TIMESTAMP), len(lines))}
    return raw(len(lines), values)
