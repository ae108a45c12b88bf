r"""key_value: `key=value key="a value"` of devices -> columns.

In:   a column of texts
Out:  `Pairs`, asked for the column of a key
Docs: Fortinet, Sophos and SonicWall log references; CEF's extension is of the same form

A key is a word directly before the sign and behind a separator (or at the beginning); its value reaches to the next
key, so that a value without quotes may hold blanks. A quote opens only behind the sign and closes only before a
separator: one in the middle of a value is a part of it, and what a sender writes into a quoted value (`x" user=root`
aside, which no reader can tell from the device's own) makes no pair. All is array operations over the bytes of the
batch, in time linear in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, Rows, is_valid
from ingest.event import MAP, TEXT, Columns
from ingest.formats.spans import Text, members, run_begins

QUOTE, BACKSLASH = b'"\\'
WORD = members(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
OPENS, CLOSES, EITHER = 1, 2, 3


@dataclass(frozen=True)
class Pairs:
    """The pairs of a batch, row by row in order."""

    count: int
    """Rows of the batch."""
    rows: Rows
    """The row of each pair."""
    keys: pa.DictionaryArray
    values: pa.Array

    @cached_property
    def _of_key(self) -> dict[str, Rows]:
        """The places of each key's pairs."""
        codes = self.keys.indices.to_numpy(zero_copy_only=False)
        if len(self.keys.dictionary) < 1 << 15:
            codes = codes.astype(np.int16)  # numpy sorts these by radix, ten times as fast
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(self.keys.dictionary) + 1))
        names = self.keys.dictionary.to_pylist()
        return {name: order[bounds[code] : bounds[code + 1]] for code, name in enumerate(names)}

    @cached_property
    def _filled(self) -> pa.Array:
        """The values, null where empty."""
        return pc.if_else(pc.equal(self.values, ""), pa.scalar(None, TEXT), self.values)

    def __contains__(self, key: str) -> bool:
        return key in self._of_key

    def column(self, *names: str) -> pa.Array:
        """The value of the key, row by row; of several keys the first that a row has, of a key that stands twice the
        first. Null where it is missing or empty."""
        source = np.full(self.count, -1, dtype=np.int64)
        for name in reversed(names):
            if (places := self._of_key.get(name)) is not None:
                source[self.rows[places[::-1]]] = places[::-1]
        missing = source < 0
        if missing.all():
            return pa.nulls(self.count, TEXT)
        return self._filled.take(pa.array(source, mask=missing))

    def columns(self, names: Mapping[str, tuple[str, ...]]) -> Columns:
        """Fields by the keys that may fill each, the foremost first; a field that no row has is left out."""
        found = {name: self.column(*keys) for name, keys in names.items() if any(key in self for key in keys)}
        return {name: column for name, column in found.items() if column.null_count < self.count}

    def others(self, prefix: str, known: Iterable[str] = ()) -> pa.Array:
        """The pairs of every other key as maps, their keys behind `prefix`; null for a row without any."""
        left = ~np.isin(self.keys.indices.to_numpy(zero_copy_only=False), self._codes(known))
        left &= is_valid(self._filled)
        places = np.flatnonzero(left)
        counts = np.bincount(self.rows[places], minlength=self.count)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        names = pc.binary_join_element_wise(prefix, self.keys.dictionary, "")
        at = pa.array(places)
        bounds = pa.array(offsets, pa.int32(), mask=np.append(counts == 0, False))
        return pa.MapArray.from_arrays(bounds, names.take(self.keys.indices.take(at)), self.values.take(at)).cast(MAP)

    def _codes(self, names: Iterable[str]) -> Rows:
        wanted = set(names)
        return np.array([code for code, name in enumerate(self.keys.dictionary.to_pylist()) if name in wanted])

    def take(self, rows: Rows) -> Pairs:
        """The pairs of these rows, which come in order."""
        place = np.full(self.count, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.rows] >= 0
        at = pa.array(np.flatnonzero(kept))
        keys = pa.DictionaryArray.from_arrays(self.keys.indices.take(at), self.keys.dictionary)
        return Pairs(len(rows), place[self.rows[kept]], keys, self.values.take(at))


def split(texts: pa.Array, *, sign: bytes = b"=", separators: bytes = b" \t", quotes: bool = True) -> Pairs:
    """The pairs of each text; `\\"` in a quoted value is a quote. Without `quotes` these are like any other letter."""
    text = Text(texts)
    separator = members(separators)
    signs = text.positions(*sign)
    if quotes:
        signs = signs[~_inside(text, signs, sign, separator)]
    rows = text.row_of(signs)
    edges = text.outside(WORD)
    before = np.searchsorted(edges, signs) - 1
    begins = np.maximum(np.where(before >= 0, edges[before] + 1, 0) if len(edges) else 0, text.begins[rows])
    is_key = (begins < signs) & ((begins == text.begins[rows]) | separator[text.at(begins - 1)])
    begins, signs, rows = begins[is_key], signs[is_key], rows[is_key]
    first, last = _values(text, begins, signs, rows, separators, quotes)
    values = text.cut(first, last)
    if quotes and len(text.positions(BACKSLASH)):
        values = pc.replace_substring(values, '\\"', '"')
    return Pairs(len(texts), rows, text.cut(begins, signs).dictionary_encode(), values)


def _values(text: Text, begins: Rows, signs: Rows, rows: Rows, separators: bytes, quotes: bool) -> tuple[Rows, Rows]:
    """Where the value of each key begins and ends: before the next key, without separators and quotes around it."""
    first = signs + 1
    last = text.ends[rows]
    follows = np.flatnonzero(rows[1:] == rows[:-1])
    last[follows] = begins[follows + 1]
    blanks = text.positions(*separators)
    if len(blanks):
        run = run_begins(blanks)
        place = np.minimum(np.searchsorted(blanks, last - 1), len(blanks) - 1)
        last = np.where(blanks[place] == last - 1, np.maximum(run[place], first), last)
    if quotes:
        quoted = (last - first >= 2) & (text.at(first) == QUOTE) & (text.at(last - 1) == QUOTE)
        first, last = first + quoted, last - quoted
    return first, last


def _inside(text: Text, places: Rows, sign: bytes, separator: Mask) -> Mask:
    """Which places are inside a quoted value.

    The state at a place is what the last quote before it made of it. One behind the sign opens, one before a separator
    closes, whatever came before; only one that is both turns the state around, so counting those since the last
    other one tells.
    """
    quotes = text.positions(QUOTE)
    quotes = quotes[~_escaped(text, quotes)]
    behind_sign = np.isin(text.at(quotes - 1), np.frombuffer(sign, np.uint8))
    rows = text.row_of(quotes)
    behind_sign &= quotes > text.begins[rows]
    before_separator = separator[text.at(quotes + 1)] | (quotes + 1 == text.ends[rows])
    kind = behind_sign * OPENS + before_separator * CLOSES
    # A row begins outside, whatever the one before it left open.
    spots = np.concatenate([text.begins, quotes[kind > 0]])
    kinds = np.concatenate([np.full(len(text.begins), CLOSES), kind[kind > 0]])
    order = np.argsort(spots, kind="stable")
    spots, kinds = spots[order], kinds[order]
    turns = np.cumsum(kinds == EITHER)
    sure = np.maximum.accumulate(np.where(kinds != EITHER, np.arange(len(kinds)), 0))
    inside: Mask = (kinds[sure] == OPENS) ^ ((turns - turns[sure]) % 2 == 1)
    return inside[np.searchsorted(spots, places, side="right") - 1]


def _escaped(text: Text, places: Rows) -> Mask:
    """Which places stand behind an odd number of backslashes."""
    slashes = text.positions(BACKSLASH)
    if not len(slashes):
        return np.zeros(len(places), dtype=np.bool_)
    place = np.minimum(np.searchsorted(slashes, places - 1), len(slashes) - 1)
    length = places - run_begins(slashes)[place]
    odd: Mask = (slashes[place] == places - 1) & (length % 2 == 1)
    return odd
