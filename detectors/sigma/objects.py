"""objects: the events of one block of JSON lines, as the matcher looks at them.

In:   JSON objects as Python dictionaries, and the lines that they were read from
Out:  the same answers as `columns.Columns` gives for an Arrow batch

Rules look at a dozen of an event's fifty fields. So a column is made when a rule asks for it, and from the objects as
they are: events of one *shape* (the same names with values of the same types, as one kind of event has) need no look at
each name and type of each.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.sigma.columns import ORIGINAL, STATED, Codes, Column
from detectors.sigma.records import flat as flat_record
from detectors.sigma.records import is_record

MAX_FIELDS = 2_000
"""Of one event; the rest is left out."""
MAX_NAME = 500
"""Characters of a dotted name; what stands under longer ones is left out: each level repeats all names above it."""
MAX_CELLS = 20_000_000
MAX_COLUMNS = 20_000
"""Of one Arrow batch, for events that name ever-new fields."""

Event = dict[str, Any]
Rows = npt.NDArray[np.int64]
Chosen = npt.NDArray[np.bool_]
"""Whether each shape of a block is meant."""


class Texts(NamedTuple):
    """Values as text and the row of each."""

    rows: Rows
    texts: list[str]
    several: bool
    """Whether a row may have more than one."""


class _Shape:
    """Events with the same names and types of values."""

    def __init__(self, names: tuple[str, ...], kinds: tuple[type, ...]) -> None:
        self.kinds = dict(zip(names, kinds, strict=True))
        """Name -> the type of its values."""
        self.lists = [name for name, kind in self.kinds.items() if kind is list]
        self.deep = dict in kinds or len(kinds) > MAX_FIELDS
        """Whether each event has to be made flat; those with lists must be looked at."""
        self.rows: list[int] = []
        self.events: list[Event] = []
        self.number = 0

    @cached_property
    def index(self) -> Rows:
        return np.array(self.rows, np.int64)

    def is_flat(self, event: Event) -> bool:
        for name in self.lists:
            if not event[name] or not _UNEVEN.isdisjoint(map(type, event[name])):
                return False
        return not self.deep


class Objects:
    def __init__(self, block: bytes, events: Sequence[Any]) -> None:
        """`events`: what each line of `block` holds; what is no object has no fields."""
        self.rows = len(events)
        self.block = block
        self._flat: list[Event] = []
        self._shapes: list[_Shape] = []
        self._shape_of = np.zeros(self.rows, np.int32)
        self._holders: dict[str, list[_Shape]] = {}
        self._encoded: dict[tuple[str, ...], Column] = {}
        self._sort(events)

    def there(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names under which something is there."""
        return tuple(name for name in names if name in self._holders)

    def is_encoded(self, names: tuple[str, ...]) -> bool:
        """Whether `column` has been asked for this field."""
        return self.there(names) in self._encoded

    def column(self, names: tuple[str, ...]) -> Column | None:
        """The field that these names hold, the first first; None when all are missing."""
        there = self.there(names)
        if there and there not in self._encoded:
            self._encoded[there] = self._encode(there)
        return self._encoded.get(there)

    def stated(self, name: str) -> Column | None:
        """What the event says of its log source."""
        return self.column((name,))

    def ends(self) -> Rows:
        """Where in `block` the last byte of each line is."""
        breaks: Rows = np.flatnonzero(np.frombuffer(self.block, np.uint8) == ord("\n"))
        return breaks if len(breaks) == self.rows else np.append(breaks, len(self.block) - 1)

    def values(self, row: int) -> list[str]:
        """What keywords are looked for in: the raw line when the event has it, else every value."""
        event = self._flat[row]
        if event.get(ORIGINAL) is not None:
            return ["\n".join(_texts(event[ORIGINAL]))]
        values: list[str] = []
        for name, value in event.items():
            if name not in STATED:
                if type(value) is str:
                    values.append(value)
                elif value is not None:
                    values += _texts(value)
        return values

    def batch(self, rows: Codes | None = None) -> pa.RecordBatch:
        """Some events, or all, as a flat batch."""
        place = range(self.rows) if rows is None else dict(zip(rows.tolist(), itertools.count()))
        size = len(place)
        columns: dict[str, list[Any]] = {}
        # The names of many events first.
        for shape in sorted(self._shapes, key=lambda shape: -len(shape.rows)):
            chosen = [(place[row], event) for row, event in zip(shape.rows, shape.events, strict=True) if row in place]
            for name in shape.kinds if chosen else ():
                if name not in columns:
                    if len(columns) >= MAX_COLUMNS or (len(columns) + 1) * size > MAX_CELLS:
                        continue
                    columns[name] = [None] * size
                column = columns[name]
                for row, event in chosen:
                    column[row] = event[name]
        arrays = {name: array for name, values in columns.items() if (array := _array(values)).null_count < size}
        return pa.RecordBatch.from_pydict(arrays or {"message": pa.nulls(size, pa.string())})

    def _sort(self, events: Sequence[Any]) -> None:
        shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = {}
        for row, given in enumerate(events):
            event: Event = given if type(given) is dict else {}
            while True:
                names, kinds = tuple(event), tuple(map(type, event.values()))
                shape = shapes.get((names, kinds))
                if shape is None:
                    shape = shapes[names, kinds] = _Shape(names, kinds)
                if not (shape.deep or shape.lists) or shape.is_flat(event):
                    break
                event = _flat(event)
            shape.rows.append(row)
            shape.events.append(event)
            self._flat.append(event)
        self._shapes = [shape for shape in shapes.values() if shape.rows]
        for number, shape in enumerate(self._shapes):
            shape.number = number
            self._shape_of[shape.index] = number
            for name, kind in shape.kinds.items():
                if kind is not _NULL:
                    self._holders.setdefault(name, []).append(shape)

    def shapes(self, rows: Codes) -> Chosen:
        """The shapes of these events."""
        chosen = np.zeros(len(self._shapes), bool)
        chosen[self._shape_of[rows]] = True
        return chosen

    def texts(self, names: tuple[str, ...], shapes: Chosen | None = None) -> Texts:
        """The values of a field, the first name first, in events of these shapes; every name must be `there`."""
        rows: list[Rows] = [_NONE]
        texts: list[str] = []
        several = False
        for shape in self._having(names):
            if shapes is not None and not shapes[shape.number]:
                continue
            name = next(name for name in names if shape.kinds.get(name, _NULL) is not _NULL)
            kind = shape.kinds[name]
            found = [event[name] for event in shape.events]
            if kind is list:
                several = True
                values = [_texts(value) for value in found]
                rows.append(np.repeat(shape.index, [len(value) for value in values]))
                texts += itertools.chain.from_iterable(values)
            else:
                rows.append(shape.index)
                texts += found if kind is str else map(str if kind is int else text, found)
        return Texts(np.concatenate(rows), texts, several)

    def _encode(self, names: tuple[str, ...]) -> Column:
        rows, texts, several = self.texts(names)
        numbers = dict(zip(dict.fromkeys(texts), itertools.count()))
        codes = np.array(list(map(numbers.__getitem__, texts)), np.int32)
        if several:
            order = np.argsort(rows, kind="stable")
            counts = np.bincount(rows, minlength=self.rows)
            offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
            return Column(list(numbers), codes[order], offsets)
        of_rows = np.full(self.rows, len(numbers), np.int32)
        of_rows[rows] = codes
        return Column(list(numbers), of_rows)

    def _having(self, names: tuple[str, ...]) -> list[_Shape]:
        if len(names) == 1:
            return self._holders[names[0]]
        return list(dict.fromkeys(itertools.chain.from_iterable(self._holders[name] for name in names)))


_NULL = type(None)
_NONE = np.zeros(0, np.int64)
_UNEVEN = frozenset((dict, list, _NULL))


def text(value: Any) -> str:
    """A value as rules see it: numbers in decimal, truth as true and false."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else json.dumps(value)


def _texts(value: Any) -> list[str]:
    return [text(item) for item in _listed(value) if item is not None]


def _flat(event: Event) -> Event:
    """Dotted names with scalars or lists of them, at most MAX_FIELDS; a name that stands twice has both values.

    A list without values is no field.
    """
    if is_record(event):
        event = {**{name: value for name, value in event.items() if name != "Event"}, **flat_record(event)}
    flat: Event = {}
    for name, value in itertools.islice(_leaves(event), MAX_FIELDS):
        earlier = flat.get(name)
        if earlier is None:
            flat[name] = value
        elif value is not None:
            if not isinstance(earlier, list):
                earlier = flat[name] = [earlier]
            earlier += _listed(value)
    return flat


def _leaves(event: Event) -> Iterator[tuple[str, Any]]:
    # A stack, not a recursion: how deep an event goes is its sender's to choose.
    stack: list[Iterator[tuple[str, Any]]] = [_within(event)]
    while stack:
        for name, value in stack[-1]:
            if isinstance(value, dict):
                stack.append(_within(value, name + "."))
                break
            if not isinstance(value, list):
                yield name, value
                continue
            scalars = [item for item in value if not isinstance(item, (dict, list)) and item is not None]
            if scalars:
                yield name, scalars
            deeper = [item for item in value if isinstance(item, (dict, list))]
            if deeper:
                stack.append(iter([(name, item) for item in deeper]))
                break
        else:
            stack.pop()


def _within(value: Event, above: str = "") -> Iterator[tuple[str, Any]]:
    room = MAX_NAME - len(above)
    return ((above + name, inner) for name, inner in value.items() if len(name) <= room)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _array(values: list[Any]) -> pa.Array:
    """Text, whole numbers or truth; what is mixed, in lists, or a fraction (Arrow writes those otherwise) as text."""
    kinds = set(map(type, values)) - {_NULL}
    if list in kinds:
        return pa.array([None if value is None else _texts(value) for value in values], pa.list_(pa.string()))
    if len(kinds) > 1 or float in kinds:
        return pa.array([None if value is None else text(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except OverflowError:
        return pa.array([None if value is None else text(value) for value in values], pa.string())
