"""occurrences: the matches that correlations count.

In:   ids of matched rules, and their events beside them row by row
Out:  rows for each (match, correlation that counts it): group, time, event and value

A field with several values puts its event into several groups, or counts several values: one row for each. A
correlation may count another one's firings. Its rows then carry the path from it down to the rule (`child/rule`) and,
as JSON, group and value on every level, so that its state alone is enough to go on; what shares a state is then only
what all levels group by.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import pyarrow as pa

from detectors.sigma.columns import Columns
from detectors.sigma.correlate import END, INPUTS, Firing, State, advance, microseconds
from detectors.sigma.correlation.measures import millionths
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.rule import Correlation, LogSource, Rule
from detectors.sigma.taxonomy import Taxonomy

CHUNK = 1_000
MAX_VALUES = 1_000
"""Rows that one match may have by values of its fields; a list that is longer counts with its first ones."""
MAX_TEXT = 256
"""Characters of a value or an event's id that are kept; of a longer one the first and a hash of all."""

Names = tuple[str, ...]
"""The columns that may hold a field, the surest first."""


@dataclass(frozen=True)
class _Level:
    """One correlation on the way down, with the columns of its fields in the rule's events."""

    correlation: str
    group: tuple[Names, ...]
    value: tuple[Names, ...]
    is_number: bool


@dataclass(frozen=True)
class _Leaf:
    levels: tuple[_Level, ...]
    path: str
    shared: tuple[int, ...]
    """Which of the outermost correlation's group fields all levels of all its leaves group by."""
    has_levels: bool
    """Its correlation counts others, below which it need not be itself."""

    @property
    def fields(self) -> tuple[Names, ...]:
        return tuple(dict.fromkeys(names for level in self.levels for names in (*level.group, *level.value)))


class Feed:
    """Which rules feed which correlations, and where the fields lie."""

    def __init__(self, correlations: Sequence[Correlation], rules: Sequence[Rule], taxonomy: Taxonomy) -> None:
        self._leaves: dict[str, list[_Leaf]] = {}
        sources = {rule.id: rule.logsource for rule in rules}
        for correlation in correlations:
            if not correlation.generate:
                continue
            ways = {
                (chain, rule): tuple(_level(chain[at:], rule, sources[rule], taxonomy) for at in range(len(chain)))
                for chain, rule in _chains(correlation)
            }
            shared = tuple(
                at
                for at in range(len(correlation.group_by_written))
                if all(levels[0].group[at] in level.group for levels in ways.values() for level in levels)
            )
            for (chain, rule), levels in ways.items():
                path = "/".join([*(one.id for one in chain[1:]), rule])
                self._leaves.setdefault(rule, []).append(_Leaf(levels, path, shared, bool(correlation.children)))

    def inputs(self, rule: pa.Array, events: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of INPUTS. Matches without a time, or without a field by which the correlation that names their rule
        groups or whose values it counts, are left out."""
        columns = Columns(events)
        found = [
            (row, *occurrence)
            for row, name in enumerate(rule.to_pylist())
            if name in self._leaves and (at := _when(columns, row)) is not None
            for occurrence in self._of(name, columns, row, at)
        ]
        arrays = list(zip(*found, strict=True)) if found else [()] * len(INPUTS)
        return pa.RecordBatch.from_arrays(
            [pa.array(values, kind) for values, kind in zip(arrays, INPUTS.types, strict=True)], schema=INPUTS
        )

    def _of(
        self, rule: str, columns: Columns, row: int, at: datetime
    ) -> Iterator[tuple[str, str, datetime, str, str | None, str]]:
        ids = _texts(columns, ("event.id",), row)
        event_id = ids[0] if ids else f"{microseconds(at)}-{row}"
        for leaf in self._leaves[rule]:
            read: dict[Names, Sequence[str | None]]
            read = {names: _texts(columns, names, row) or (None,) for names in leaf.fields}
            rows = itertools.islice(itertools.product(*read.values()), MAX_VALUES)
            told = {_told(leaf, dict(zip(read, chosen, strict=True))): None for chosen in rows}
            for group, value in filter(None, told):
                yield leaf.levels[0].correlation, group, at, event_id, value, leaf.path


def _told(leaf: _Leaf, chosen: dict[Names, str | None]) -> tuple[str, str | None] | None:
    """Group and value as INPUTS has them, for one choice among a field's values."""
    levels = [_read(level, chosen) for level in leaf.levels]
    if levels[-1] is None:
        return None
    if not leaf.has_levels:
        group, value = levels[0] or ("", None)
        return group, value
    shared = [chosen[leaf.levels[0].group[at]] for at in leaf.shared]
    return _json(shared), orjson.dumps([level or (None, None) for level in levels]).decode()


def _read(level: _Level, chosen: dict[Names, str | None]) -> tuple[str, str | None] | None:
    """Group and value of one level; None when a field is missing or is no number where it must be one."""
    group = [chosen[names] for names in level.group]
    values = [chosen[names] for names in level.value]
    if None in group or None in values:
        return None
    value = None
    if values:
        value = values[0] if len(values) == 1 else _json(values)
        if level.is_number and (value := millionths(value or "")) is None:
            return None
    return _json(group), value


def correlate(
    correlations: Sequence[Correlation], inputs: pa.Table | pa.RecordBatch
) -> Iterator[tuple[Correlation, str, Firing]]:
    """All firings of a finite set of inputs: correlation, group, firing, by correlation and group; by the same
    `advance` as the stream, with everything closed at the end."""
    by_id = {correlation.id: correlation for correlation in correlations}
    states: dict[tuple[str, str], list[Occurrence]] = {}
    names = ("correlation", "group", "event_id", "rule", "value")
    columns = (inputs.column(name).to_pylist() for name in names)
    times = inputs.column("at").cast(pa.int64()).to_pylist()
    for at, name, group, event_id, rule, value in zip(times, *columns, strict=True):
        states.setdefault((name, group), []).append(Occurrence(at, event_id, rule, value))
    for name, its in itertools.groupby(sorted(states), key=lambda key: key[0]):
        found: dict[str, list[Firing]] = {}
        for key in its:
            for group, firing in _all(by_id[name], key[1], states.pop(key)):
                found.setdefault(group, []).append(firing)
        for group, firings in sorted(found.items()):
            yield from ((by_id[name], group, firing) for firing in firings)


def _all(correlation: Correlation, group: str, occurrences: list[Occurrence]) -> Iterator[tuple[str, Firing]]:
    """In pieces, so that what is past is forgotten as in a stream."""
    occurrences.sort(key=lambda occurrence: occurrence.at)
    state = State()
    for start in range(0, len(occurrences), CHUNK):
        piece = occurrences[start : start + CHUNK]
        step = advance(correlation, group, state, piece, piece[0].at)
        state = step.state
        yield from step.firings
    yield from advance(correlation, group, state, (), END).firings


def _chains(correlation: Correlation) -> Iterator[tuple[tuple[Correlation, ...], str]]:
    """Each rule that feeds it, with the correlations from it down to the one that names the rule."""
    children = {child.id: child for child in correlation.children}
    for name in correlation.rules:
        if name in children:
            for chain, rule in _chains(children[name]):
                yield (correlation, *chain), rule
        else:
            yield (correlation,), name


def _level(chain: Sequence[Correlation], rule: str, source: LogSource, taxonomy: Taxonomy) -> _Level:
    """The first of these, all of which lead down to the rule."""

    def columns(name: str) -> Names:
        # An alias may be written for the rule, or for a correlation on the way to it, which may have its own.
        for at, correlation in enumerate(chain):
            aliases = {alias: dict(mapping) for alias, mapping in correlation.aliases}
            direct = chain[at + 1].id if at + 1 < len(chain) else rule
            fields = aliases.get(name, {})
            name = fields.get(direct, fields.get(rule, name))
        return taxonomy.columns(name, source)

    one = chain[0]
    numeric = one.type.startswith("value_") and one.type != "value_count"
    group = tuple(columns(name) for name in one.group_by_written)
    return _Level(one.id, group, tuple(columns(name) for name in one.field), numeric)


def _texts(columns: Columns, names: Names, row: int) -> list[str]:
    column = columns.column(names)
    return [_short(text) for text in column.of_row(row)] if column is not None else []


def _short(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{text[: MAX_TEXT - len(digest) - 1]}…{digest}"


def _json(values: Sequence[str | None]) -> str:
    return orjson.dumps(values).decode()


def _when(columns: Columns, row: int) -> datetime | None:
    array = columns.array("@timestamp")
    value = None if array is None else array[row].as_py()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
