"""raw_lines: lines of a file as the gateway would hand them on.

In:   lines, the number of the first, and when they are taken to be received
Out:  a batch of `ingest.event.RAW`; each line's id is its number
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from ingest.event import TEXT, TIMESTAMP, raw


def raw_batch(lines: Sequence[bytes], first: int, received: datetime | Sequence[datetime]) -> pa.RecordBatch:
    times = [received] * len(lines) if isinstance(received, datetime) else list(received)
    columns = {
        "value": pa.array(lines, pa.binary()),
        "received": pa.array(times, TIMESTAMP),
        "id": pa.array([f"{number:012d}" for number in range(first, first + len(lines))], TEXT),
    }
    return raw(len(lines), columns)
