"""identity: the numbers of citizens' identity cards, kept out of what is searched and shown.

In:   columns of text
Out:  the same with each number as `********` and its last four digits
Docs: Decree 137/2015/NĐ-CP, article 13, for how a number is made; docs/formats/province-audit.md

A number is 12 digits: 0 and two of a province, one of 0-3 (sex and century), two of the year, six at random. Four of
them tell the persons of one incident apart and lead back to the line; to name a person one reads `event.original`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import is_true, is_valid
from ingest.event import MAP, TEXT, TEXTS, Columns

NUMBER = r"(^|[^0-9])0[0-9]{2}[0-3][0-9]{4}([0-9]{4})($|[^0-9])"
MASKED = r"\1********\2\3"
RANDOM = ("http.request.id",)
"""Fields of numbers that are drawn, where twelve digits in a row are no one's."""


def masked(columns: Columns) -> Columns:
    """Those of the columns that held a number, lists and the vendors' map too."""
    changed: Columns = {}
    for name, column in columns.items():
        if name in RANDOM:
            continue
        if column.type == TEXT:
            texts = column
        elif column.type == TEXTS:
            texts = column.flatten()
        elif column.type == MAP:
            texts = pa.concat_arrays([column.keys, column.items])
        else:
            continue
        if is_true(pc.match_substring_regex(texts, NUMBER)).any():
            changed[name] = _rebuilt(column, _without(texts))
    return changed


def _without(texts: pa.Array) -> pa.Array:
    # Twice: of two numbers with one character between, the first match eats it.
    for _ in range(2):
        texts = pc.replace_substring_regex(texts, NUMBER, MASKED)
    return texts


def _rebuilt(column: pa.Array, texts: pa.Array) -> pa.Array:
    if column.type == TEXT:
        return texts
    if column.type == TEXTS:
        lengths = pc.fill_null(pc.list_value_length(column), 0)
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
        return pa.ListArray.from_arrays(offsets, texts, mask=column.is_null())
    pairs = len(column.keys)
    offsets = pa.array(column.offsets.to_numpy(), pa.int32(), mask=np.append(~is_valid(column), False))
    return pa.MapArray.from_arrays(offsets, texts[:pairs], texts[pairs:]).cast(MAP)
