"""event_data: the named values that events bring along, many names to an event -> columns.

In:   for each event its pairs of name and value
Out:  the column of one name; all pairs as a map column
Docs: Windows event schema, EventDataType
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, Rows
from ingest.event import MAP, TEXT

SILENT = pa.array(["", "-", "{00000000-0000-0000-0000-000000000000}"])
"""What Windows writes for "nothing"."""


class EventData:
    """Pairs of `len(lengths)` events: the first `lengths[0]` are the first event's, and so on.

    Sorted by name once, so that each column costs its own values and not all of them.
    """

    def __init__(self, lengths: Sequence[int], names: Sequence[str], values: pa.Array) -> None:
        self.rows = len(lengths)
        self._names = pa.array(names, TEXT)
        self._values = values
        self._offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self._row = np.repeat(np.arange(self.rows), lengths)
        encoded = self._names.dictionary_encode()
        codes = encoded.indices.to_numpy()
        self._code = {name: code for code, name in enumerate(encoded.dictionary.to_pylist())}
        self._order: Rows = np.argsort(codes, kind="stable")
        self._starts = np.searchsorted(codes[self._order], np.arange(len(self._code) + 1))
        self._said = pc.if_else(pc.is_in(values, SILENT), pa.scalar(None, TEXT), values)

    def __getitem__(self, name: str) -> pa.Array:
        """The values of a name; null where an event lacks it, or has nothing to say by it."""
        return self._column(self._said, name)

    def raw(self, name: str) -> pa.Array:
        """The values as they are written, `-` too."""
        return self._column(self._values, name)

    def first(self, *names: str) -> pa.Array:
        """The value of the first of these names that an event has."""
        found = [self[name] for name in names if name in self._code]
        return pc.coalesce(*found) if found else pa.nulls(self.rows, TEXT)

    def map(self, prefix: str) -> pa.Array:
        """All pairs; null for an event without any."""
        names = pc.binary_join_element_wise(pa.scalar(prefix), self._names, "")
        offsets = pa.array(self._offsets, pa.int32(), mask=np.append(np.diff(self._offsets) == 0, False))
        return pa.MapArray.from_arrays(offsets, names, self._values).cast(MAP)

    def _column(self, values: pa.Array, name: str) -> pa.Array:
        code = self._code.get(name)
        if code is None:
            return pa.nulls(self.rows, TEXT)
        at = self._order[self._starts[code] : self._starts[code + 1]]
        source = np.full(self.rows, -1, dtype=np.int64)
        source[self._row[at]] = at
        return values.take(pa.array(source, mask=source < 0))


def each(column: pa.Array, of: Callable[[str], str | None]) -> pa.Array:
    """What `of` makes of each value; each distinct one is asked once."""
    distinct = column.dictionary_encode()
    return pa.array([of(value) for value in distinct.dictionary.to_pylist()], TEXT).take(distinct.indices)


def where(rows: Mask, column: pa.Array) -> pa.Array:
    """The values of these rows; the others null."""
    return pc.if_else(pa.array(rows), column, pa.scalar(None, TEXT))


def base(path: str) -> str | None:
    r"""`C:\Windows\cmd.exe` -> `cmd.exe`."""
    return path[path.rfind("\\") + 1 :] or None
