"""labels: fields whose values follow from conditions on a row.

In:   conditions as columns
Out:  a text, or a list of texts (`event.category`, `event.type`), for each row
Docs: ECS categorization fields
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import is_true
from ingest.event import TEXT, TEXTS

NOTHING = pa.scalar(None, TEXT)


def when(condition: pa.Array, value: pa.Array | str) -> pa.Array:
    """The value where the condition is true, else null."""
    return pc.if_else(condition.fill_null(False), value, NOTHING)


def all_of(labels: Mapping[str, pa.Array]) -> pa.Array:
    """Of each row every label whose condition is true, in this order; null when there is none."""
    # A batch has few combinations of conditions, so each is made once.
    codes = sum(is_true(condition).astype(np.int64) << bit for bit, condition in enumerate(labels.values()))
    distinct, place = np.unique(codes, return_inverse=True)
    lists = [[label for bit, label in enumerate(labels) if code >> bit & 1] or None for code in distinct.tolist()]
    return pa.array(lists, TEXTS).take(pa.array(place))


def one_of(column: pa.Array, *values: str) -> pa.Array:
    """Is it one of these? Null is none."""
    return pc.is_in(column, pa.array(values, TEXT))


def mapped(column: pa.Array, names: Mapping[str, str]) -> pa.Array:
    """The name for each value; null for one that has none."""
    return pa.array(names.values(), TEXT).take(pc.index_in(column, pa.array(names.keys(), TEXT)))
