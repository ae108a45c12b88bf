"""counting: the matches of a batch -> its alerts, with how often, when first and when last.

In:   matches with MATCH's columns (`detectors.grouping`) and `at`, in any order
Out:  a row an alert; `rows` says which matches are its samples
Docs: docs/decisions/0006-alerts.md
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.alert import SAMPLES
from detectors.raised import IDENTITY


def count_up(matches: pa.RecordBatch, ties: pa.Array) -> pa.RecordBatch:
    """IDENTITY, `count`, `first_seen`, `last_seen` and `rows` (the first SAMPLES matches by time), by alert id.

    Of matches of one time the one whose `ties` is smallest comes first. A match that only feeds a correlation has no
    alert id, and is in no row.
    """
    alert, at = matches.column("alert_id"), matches.column("at")
    keys = pa.table([alert, at, ties], names=["alert", "at", "tie"])
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
    # Nulls come last.
    order = order[: len(order) - alert.null_count]
    ids = alert.take(order).dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    ends = np.append(starts[1:], len(ids))[: len(starts)]
    rank = np.arange(len(ids)) - np.repeat(starts, ends - starts)
    samples = order.filter(pa.array(rank < SAMPLES)).cast(pa.int64())
    offsets = np.concatenate(([0], np.cumsum(np.minimum(ends - starts, SAMPLES)))).astype(np.int32)
    firsts, lasts = order.take(pa.array(starts)), order.take(pa.array(ends - 1))
    columns = {
        **{name: matches.column(name).take(firsts) for name in IDENTITY},
        "count": pa.array(ends - starts, pa.int64()),
        "first_seen": at.take(firsts),
        "last_seen": at.take(lasts),
        "rows": pa.ListArray.from_arrays(pa.array(offsets), samples),
    }
    return pa.RecordBatch.from_pydict(columns)
