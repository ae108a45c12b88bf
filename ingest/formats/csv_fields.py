r"""csv_fields: rows of comma-separated values -> columns by place.

In:   a column of texts
Out:  `Fields`, asked for the column of a place
Docs: RFC 4180, of which only this is used: a comma between quotes is no separator, and a quote in them stands twice
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, Rows
from ingest.event import TEXT
from ingest.formats.spans import Text

QUOTE = ord('"')


class Fields:
    """The fields of a batch; those of one place are cut when they are asked for."""

    def __init__(self, texts: pa.Array, separator: bytes = b",") -> None:
        self._text = Text(texts)
        commas = self._text.positions(*separator)
        quotes = self._text.positions(QUOTE)
        bounds = np.searchsorted(quotes, np.append(self._text.begins, self._text.ends[-1:]))
        self.closed: Mask = np.diff(bounds) % 2 == 0
        """Whether each row's quotes come in pairs; the fields of one that ends inside of them are not to be had."""
        if len(quotes):
            first = bounds[self._text.row_of(commas)]
            commas = commas[(np.searchsorted(quotes, commas) - first) % 2 == 0]
        self._commas = commas
        self._bounds = np.searchsorted(commas, np.append(self._text.begins, self._text.ends[-1:]))
        self.counts: Rows = np.diff(self._bounds) + 1
        """How many fields each row has."""

    def column(self, place: int) -> pa.Array:
        """The fields at this place, from 0; null where a row is shorter or the field is empty."""
        begins, ends = self._text.begins.copy(), self._text.begins.copy()
        has = self.counts > place
        if place:
            begins[has] = self._commas[self._bounds[:-1][has] + place - 1] + 1
        closed = self.counts > place + 1
        ends[has] = self._text.ends[has]
        ends[closed] = self._commas[self._bounds[:-1][closed] + place]
        ends[~has] = begins[~has]
        quoted = (ends - begins >= 2) & (self._text.at(begins) == QUOTE) & (self._text.at(ends - 1) == QUOTE)
        values = self._text.cut(begins + quoted, ends - quoted)
        if quoted.any():
            values = pc.replace_substring(values, '""', '"')
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, TEXT), values)
