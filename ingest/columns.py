"""columns: a batch in the making, field by field.

In:   values of a field for some rows
Out:  a flat batch of `ingest.event.FIELDS`

A value never costs a Python object: what parsers put are Arrow arrays, and `column` joins them with one gather.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import FIELDS, MAP, TEXT

Rows = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Sheet:
    """The columns of `rows` rows. Of two values put on one row, the later stands; a null never hides a value."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._pieces: dict[str, list[tuple[Rows | None, pa.Array]]] = {}

    def put(self, columns: Mapping[str, pa.Array], rows: Rows | None = None) -> None:
        """Values for `rows` (all when None), in that order. A field not in FIELDS is a vendor's."""
        for field, values in columns.items():
            if values.null_count < len(values):
                piece = rows, typed(values, FIELDS.get(field, TEXT))
                if rows is None and not piece[1].null_count:
                    self._pieces[field] = [piece]
                else:
                    self._pieces.setdefault(field, []).append(piece)

    def has(self, field: str) -> bool:
        return field in self._pieces

    def replace(self, field: str, values: pa.Array) -> None:
        """These values for every row, nulls too."""
        self._pieces.pop(field, None)
        self.put({field: values})

    def clear(self, fields: Iterable[str], rows: Rows) -> None:
        """Takes away what was put on `rows`."""
        for field in fields:
            if field in self._pieces and len(rows):
                kept = np.ones(self.rows, dtype=np.bool_)
                kept[rows] = False
                column = self.column(field)
                self._pieces[field] = [(None, pc.if_else(pa.array(kept), column, pa.scalar(None, column.type)))]

    def column(self, field: str) -> pa.Array:
        """The values of one field, null where nothing was put."""
        pieces = self._pieces.get(field, [])
        if not pieces:
            return pa.nulls(self.rows, FIELDS.get(field, TEXT))
        if len(pieces) == 1 and pieces[0][0] is None:
            return pieces[0][1]
        source = np.full(self.rows, -1, dtype=np.int64)
        start = 0
        for rows, values in pieces:
            positions = np.arange(start, start + len(values))
            if values.null_count:
                valid = is_valid(values)
                source[valid if rows is None else rows[valid]] = positions[valid]
            else:
                source[slice(None) if rows is None else rows] = positions
            start += len(values)
        column = pa.concat_arrays([values for _, values in pieces]).take(_places(source))
        self._pieces[field] = [(None, column)]
        return column

    def batch(self) -> pa.RecordBatch:
        """Every field that has a value on some row; the vendors' fields as the map `vendor`."""
        columns = {field: self.column(field) for field in sorted(self._pieces) if field in FIELDS and field != "vendor"}
        vendor = [
            (rows, *_pairs(field, values))
            for field in self._pieces
            if field == "vendor" or field not in FIELDS
            for rows, values in self._pieces[field]
        ]
        if vendor:
            columns["vendor"] = self._map(vendor)
        return pa.RecordBatch.from_pydict(columns)

    def _map(self, pieces: list[tuple[Rows | None, Rows, pa.Array, pa.Array]]) -> pa.Array:
        """Pairs of many pieces as one map a row, sorted by key; null for a row without any.

        Joined pair by pair and not as a column a key: a sender may make up a new key for every line.
        """
        row = np.concatenate([at if rows is None else rows[at] for rows, at, _, _ in pieces])
        keys = pa.concat_arrays([keys for _, _, keys, _ in pieces])
        values = pa.concat_arrays([values for _, _, _, values in pieces])
        # Keys repeat, so each distinct one is ranked once.
        distinct = keys.dictionary_encode()
        rank = pc.rank(distinct.dictionary).to_numpy().astype(np.int64)[distinct.indices.to_numpy()]
        order = np.argsort(row * (len(distinct.dictionary) + 1) + rank, kind="stable")
        row, rank = row[order], rank[order]
        last = np.append((row[1:] != row[:-1]) | (rank[1:] != rank[:-1]), True)
        kept = pa.array(order[last])
        counts = np.bincount(row[last], minlength=self.rows)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return pa.MapArray.from_arrays(_nullable(offsets), keys.take(kept), values.take(kept)).cast(MAP)


def _pairs(field: str, values: pa.Array) -> tuple[Rows, pa.Array, pa.Array]:
    """The non-null values of one piece as (position, key, value); a map column has its own keys."""
    if field == "vendor":
        offsets = values.offsets.to_numpy()
        span = slice(int(offsets[0]), int(offsets[-1]))
        return np.repeat(np.arange(len(values)), np.diff(offsets)), values.keys[span], values.items[span]
    at = np.flatnonzero(is_valid(values))
    return at, pa.repeat(pa.scalar(field), len(at)), values.take(pa.array(at))


def _nullable(offsets: Rows) -> pa.Array:
    """List offsets in which an empty list is null."""
    return pa.array(offsets, pa.int32(), mask=np.append(offsets[1:] == offsets[:-1], False))


def _places(source: Rows) -> pa.Array:
    """Indices of which those below 0 are null."""
    known = source >= 0
    if known.all():
        return pa.array(source)
    bits = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(source), [bits, pa.py_buffer(source)])


def is_valid(values: pa.Array) -> Mask:
    if not values.null_count:
        return np.ones(len(values), dtype=np.bool_)
    valid: Mask = values.is_valid().to_numpy(zero_copy_only=False)
    return valid


def is_true(values: pa.Array) -> Mask:
    """As numpy; null is false."""
    true: Mask = (values.fill_null(False) if values.null_count else values).to_numpy(zero_copy_only=False)
    return true


def typed(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The values in their field's type; text that is no number becomes null, since devices write "-" for it."""
    if values.type == wanted:
        return values
    if pa.types.is_integer(wanted) and pa.types.is_string(values.type):
        number = pc.and_(pc.ascii_is_decimal(values), pc.less_equal(pc.binary_length(values), 18))
        values = pc.if_else(number, values, pa.scalar(None, TEXT))
    return values.cast(wanted)


def list_of(columns: Sequence[pa.Array]) -> pa.Array:
    """The distinct values of parallel columns (text, or lists of it) as one list a row; null where all are null."""
    rows = len(columns[0])
    placed = [_placed(column) for column in columns]
    row = np.concatenate([at for at, _ in placed])
    values = pa.concat_arrays([values for _, values in placed])
    codes = values.dictionary_encode().indices.to_numpy()
    _, first = np.unique(row * (len(values) + 1) + codes, return_index=True)
    kept = first[np.lexsort((first, row[first]))]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=rows))])
    return pa.ListArray.from_arrays(_nullable(offsets), values.take(pa.array(kept)))


def _placed(column: pa.Array) -> tuple[Rows, pa.Array]:
    """The non-null values and the row of each."""
    if pa.types.is_list(column.type):
        at, values = column.value_parent_indices().to_numpy().astype(np.int64), column.flatten()
    else:
        at, values = np.arange(len(column)), column
    if not values.null_count:
        return at, values
    valid = is_valid(values)
    return at[valid], values.filter(pa.array(valid))
