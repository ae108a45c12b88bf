"""structured: RFC 5424 structured data that is the whole event -> pairs.

In:   a column of maps, `id.name` -> value, as the header reads them
Out:  `Pairs` with the last word of each name for a key
Docs: RFC 5424 §6.3
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Rows
from ingest.event import TEXT
from ingest.formats.key_value import Pairs


def begins(data: pa.Array, identifier: str) -> pa.Array:
    """Does the first element bear this name?"""
    offsets = data.offsets.to_numpy()
    filled = offsets[1:] > offsets[:-1]
    if not filled.any():
        return pa.repeat(pa.scalar(False), len(data))
    first = data.keys.take(pa.array(np.where(filled, offsets[:-1], 0), mask=~filled))
    return pc.starts_with(first.cast(TEXT), identifier).fill_null(False)


def pairs(data: pa.Array) -> Pairs:
    offsets = data.offsets.to_numpy()
    rows: Rows = np.repeat(np.arange(len(data)), np.diff(offsets))
    span = slice(int(offsets[0]), int(offsets[-1]))
    keys = data.keys[span].dictionary_encode()
    names = pc.replace_substring_regex(keys.dictionary, r"^.*\.", "")
    return Pairs(len(data), rows, names.take(keys.indices).dictionary_encode(), data.items[span])
