"""columns: a batch's columns as codes into their distinct values.

In:   a flat Arrow batch: dotted ECS names, Sigma's own names, and the map column `vendor`
Out:  per field a `Column`: text values, one code a row (or several, for lists)

A field may have several columns that can hold it; row by row the first that is not null counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int32]

STATED = ("product", "category", "service")
"""What an event says of its log source itself; no keyword is looked for there."""
ORIGINAL = "event.original"
"""The raw line, in which keywords are looked for."""


@dataclass(frozen=True)
class Column:
    dictionary: pa.Array | list[str]
    """Distinct values as text."""
    codes: Codes
    """Indices into `dictionary`; its length = null. One a row, or one an element when `offsets` is there."""
    offsets: Codes | None = None
    """Where the elements of each row start; one more than rows."""

    def texts(self, codes: Codes | None = None) -> list[str]:
        """The values of these codes, none of them null, in their order; None = every distinct value."""
        if isinstance(self.dictionary, list):
            return self.dictionary if codes is None else [self.dictionary[code] for code in codes.tolist()]
        chosen = self.dictionary if codes is None else self.dictionary.take(pa.array(codes))
        return list(chosen.to_numpy(zero_copy_only=False))

    def rows(self, codes: Codes) -> Codes:
        """The rows that hold one of these values."""
        chosen = np.zeros(len(self.dictionary) + 1, bool)
        chosen[codes] = True
        elements = np.flatnonzero(chosen[self.codes])
        if self.offsets is not None:
            elements = np.unique(np.searchsorted(self.offsets, elements, side="right") - 1)
        return elements.astype(np.int32)

    def of_row(self, row: int) -> list[str]:
        """The values of one row."""
        start, end = (row, row + 1) if self.offsets is None else self.offsets[row : row + 2]
        codes = self.codes[start:end]
        return self.texts(codes[codes < len(self.dictionary)])


class Columns:
    """The columns of one batch, encoded when first asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.rows: int = batch.num_rows
        self._batch = batch
        self._arrays: dict[str, pa.Array] = {}
        self._vendor: dict[str, pa.Array] | None = None
        self._vendor_map: pa.Array | None = None
        self._encoded: dict[tuple[str, ...], Column] = {}
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            if name == "vendor" and pa.types.is_map(array.type):
                self._vendor_map = array
            elif array.null_count < len(array):
                self._arrays[name] = array

    @property
    def names(self) -> list[str]:
        """Every name under which something is there."""
        return [*self._arrays, *(name for name in self._vendor_arrays() if name not in self._arrays)]

    def array(self, name: str) -> pa.Array | None:
        """The column of that name, or what `vendor` holds under it; None when there is nothing."""
        found = self._arrays.get(name)
        return self._vendor_arrays().get(name) if found is None else found

    def there(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the columns that hold anything."""
        return tuple(name for name in names if self.array(name) is not None)

    def column(self, names: tuple[str, ...]) -> Column | None:
        """The field that these columns hold, the first first; None when all are missing."""
        there = self.there(names)
        if there and there not in self._encoded:
            self._encoded[there] = _encode(_first([self._held(name) for name in there]))
        return self._encoded.get(there)

    def stated(self, name: str) -> Column | None:
        """What the event's reader says of its log source. A sender's own key of that name, in `vendor`, says nothing:
        else a line could choose which rules are tried on it."""
        return self.column((name,)) if name in self._arrays else None

    def part(self, names: tuple[str, ...], rows: Codes) -> Column | None:
        """`column` for some rows only, one after the other: what the other rows hold costs nothing.

        None when encoding it whole is the better bargain: it is encoded, or those rows hold much of what there is.
        """
        there = self.there(names)
        values = sum(self.rows - self._held(name).null_count for name in there)
        if there in self._encoded or len(rows) * 2 >= values:
            return None
        taken = pa.array(rows)
        return _encode(_first([self._held(name).take(taken) for name in there]))

    def _held(self, name: str) -> pa.Array:
        array = self.array(name)
        assert array is not None
        return array

    def take(self, rows: Codes) -> Columns:
        """The same columns of some rows."""
        return Columns(self._batch.take(pa.array(rows)))

    def text(self, name: str) -> pa.Array | Column | None:
        """A column to be searched as a whole: as it lies there when it is text that nobody had encoded."""
        array = self.array(name)
        if array is not None and pa.types.is_string(array.type) and (name,) not in self._encoded:
            return array
        return self.column((name,))

    def original(self) -> tuple[pa.Array | None, npt.NDArray[np.bool_]]:
        """The raw lines as text, several of one event as one, and which rows have none."""
        array = self.array(ORIGINAL)
        if array is None:
            return None, np.ones(self.rows, bool)
        lines = _filled(array) if _is_list(array) else None
        texts = _text(_dense(array)) if lines is None else pc.binary_join(lines, "\n")
        return texts, texts.is_null().to_numpy(zero_copy_only=False)

    def _vendor_arrays(self) -> dict[str, pa.Array]:
        if self._vendor is None:
            self._vendor = _spread(self._vendor_map) if self._vendor_map is not None else {}
        return self._vendor


def _spread(vendor: pa.MapArray) -> dict[str, pa.Array]:
    """A map column as one column a key."""
    offsets = vendor.offsets.to_numpy()
    keys = vendor.keys.slice(offsets[0], offsets[-1] - offsets[0]).dictionary_encode()
    items = vendor.items.slice(offsets[0], offsets[-1] - offsets[0])
    rows = np.repeat(np.arange(len(vendor)), np.diff(offsets))
    codes = keys.indices.to_numpy()
    spread: dict[str, pa.Array] = {}
    for code, name in enumerate(keys.dictionary.to_pylist()):
        elements = np.flatnonzero(codes == code)
        at = np.full(len(vendor), -1, np.int64)
        at[rows[elements]] = elements
        spread[name] = items.take(pa.array(at, mask=at < 0))
    return spread


def _first(arrays: Sequence[pa.Array]) -> pa.Array:
    if len(arrays) == 1:
        return arrays[0]
    if any(_is_list(array) for array in arrays):
        # A single value beside lists becomes a list of one.
        arrays = [_filled(array if _is_list(array) else _wrapped(array)) for array in arrays]
    else:
        arrays = [_text(array) for array in map(_dense, arrays)]
    return pc.coalesce(*arrays)


def _dense(array: pa.Array) -> pa.Array:
    if pa.types.is_null(array.type):
        return array.cast(pa.string())
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _is_list(array: pa.Array) -> bool:
    return bool(pa.types.is_list(array.type) or pa.types.is_large_list(array.type))


def _filled(array: pa.Array) -> pa.Array:
    """Lists of text without nulls; null in the place of one without values."""
    texts = array.cast(pa.list_(pa.string())).to_pylist()
    return pa.array([[item for item in row or () if item is not None] or None for row in texts], pa.list_(pa.string()))


def _wrapped(array: pa.Array) -> pa.Array:
    present = array.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(present))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, _text(_dense(array)).drop_null(), mask=pa.array(~present))


def _encode(array: pa.Array) -> Column:
    offsets: Codes | None = None
    if _is_list(array):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
        array = array.flatten()
    encoded = _dense(array).dictionary_encode()
    dictionary = _text(encoded.dictionary)
    codes = encoded.indices.fill_null(len(dictionary)).to_numpy(zero_copy_only=False)
    return Column(dictionary, codes, offsets)


def _text(array: pa.Array) -> pa.Array:
    """Values as rules see them: numbers in decimal, truth as true and false, times in ISO 8601 with their zone."""
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_timestamp(kind):
        return pc.strftime(array, format="%Y-%m-%dT%H:%M:%SZ" if kind.tz == "UTC" else "%Y-%m-%dT%H:%M:%S%z")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if item is None else item.decode("utf-8", "replace") for item in array.to_pylist()])
    if pa.types.is_nested(kind):
        return pa.array([None if item is None else str(item) for item in array.to_pylist()], pa.string())
    return array.cast(pa.string())
