"""occurrences: the matches that correlations count.

In:   ids of matched rules, and their events beside them row by row
Out:  one row for each (match, correlation that counts it): group, time, event and value

A correlation may count another one's firings. Its rows then carry the path from it down to the rule
(`child/rule`) and, as JSON, group and value at every step, so that its state alone is enough to go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import pyarrow as pa

from detectors.sigma.columns import Columns
from detectors.sigma.correlate import INPUTS, Firing, Occurrence, State, advance, by_time, microseconds
from detectors.sigma.rule import Correlation, LogSource, Rule
from detectors.sigma.taxonomy import Taxonomy

CHUNK = 1_000


@dataclass(frozen=True)
class _Step:
    """One correlation on the way down, with the columns of its fields in the rule's events."""

    correlation: str
    group: tuple[tuple[str, ...], ...]
    value: tuple[str, ...]


@dataclass(frozen=True)
class _Leaf:
    steps: tuple[_Step, ...]
    rule: str

    @property
    def path(self) -> str:
        return "/".join([*(step.correlation for step in self.steps[1:]), self.rule])


class Feed:
    """Which rules feed which correlations, and where the fields lie."""

    def __init__(self, correlations: Sequence[Correlation], rules: Sequence[Rule], taxonomy: Taxonomy) -> None:
        self._leaves: dict[str, list[_Leaf]] = {}
        sources = {rule.id: rule.logsource for rule in rules}
        for correlation in correlations:
            if correlation.generate:
                for chain, rule in _chains(correlation):
                    steps = tuple(_step(one, rule, sources[rule], taxonomy) for one in chain)
                    self._leaves.setdefault(rule, []).append(_Leaf(steps, rule))

    def inputs(self, rule: pa.Array, events: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of INPUTS. Rows without a time, or with a null among the outermost group's values, are left out."""
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
        event_id = _first(columns, ("event.id",), row) or f"{microseconds(at)}-{row}"
        for leaf in self._leaves[rule]:
            read = [
                ([_first(columns, names, row) for names in step.group], _first(columns, step.value, row))
                for step in leaf.steps
            ]
            if any(None in group for group, _ in read):
                continue
            outer, value = read[0]
            if len(read) > 1:
                value = orjson.dumps([[_json(group), own] for group, own in read]).decode()
            yield leaf.steps[0].correlation, _json(outer), at, event_id, value, leaf.path


def correlate(
    correlations: Sequence[Correlation], inputs: pa.Table | pa.RecordBatch
) -> Iterator[tuple[Correlation, str, Firing]]:
    """All firings of a finite set of inputs: correlation, group, firing; by the same `advance` as the stream."""
    by_id = {correlation.id: correlation for correlation in correlations}
    groups: dict[tuple[str, str], list[Occurrence]] = {}
    for row in inputs.to_pylist():
        occurrence = Occurrence(microseconds(row["at"]), row["event_id"], row["rule"], row["value"])
        groups.setdefault((row["correlation"], row["group"]), []).append(occurrence)
    for (name, group), occurrences in sorted(groups.items()):
        state = State()
        occurrences.sort(key=by_time)
        for start in range(0, len(occurrences), CHUNK):
            state, firings = advance(by_id[name], state, occurrences[start : start + CHUNK])
            for firing in firings:
                yield by_id[name], group, firing


def _chains(correlation: Correlation) -> Iterator[tuple[tuple[Correlation, ...], str]]:
    """Each rule that feeds it, with the correlations from it down to the one that names the rule."""
    children = {child.id: child for child in correlation.children}
    for name in correlation.rules:
        if name in children:
            for chain, rule in _chains(children[name]):
                yield (correlation, *chain), rule
        else:
            yield (correlation,), name


def _step(correlation: Correlation, rule: str, source: LogSource, taxonomy: Taxonomy) -> _Step:
    renamed = {alias: fields[rule] for alias, mapping in correlation.aliases if rule in (fields := dict(mapping))}

    def columns(name: str) -> tuple[str, ...]:
        return taxonomy.columns(renamed.get(name, name), source)

    value = columns(correlation.field) if correlation.field else ()
    return _Step(correlation.id, tuple(columns(name) for name in correlation.group_by_written), value)


def _first(columns: Columns, names: tuple[str, ...], row: int) -> str | None:
    column = columns.column(names) if names else None
    texts = column.of_row(row) if column is not None else []
    return texts[0] if texts else None


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
