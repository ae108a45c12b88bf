"""matching: files of the lake -> what the rule matched in them, in a Spark task.

In:   files and a span of receipt; the chosen rules
Out:  rows of FOUND: one for each match, and one for each file that says what was read of it

The files are read by Arrow, not by Spark's scan: a scan names its columns once for the whole table, whereas most row
groups here need two or three of them (`row_group`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileSystem, PyFileSystem

from detectors.grouping import MATCH, attribute
from detectors.sigma.correlate import INPUTS
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset
from ingest.event import FIELDS, LONG, TEXT, TIMESTAMP, flatten
from jobs.backtest.chosen import Chosen
from jobs.backtest.row_group import RECEIVED, Needs, RowGroup, needs

READ = pa.struct([("events", LONG), ("tried", LONG), ("bytes", LONG), ("row_groups", LONG), ("matched_in", LONG)])
"""Of one file: events in the span, those that the rule was tried on, bytes read, row groups, and those with matches."""

COUNTED = pa.struct([field for field in INPUTS if field.name != "row"])

FOUND = pa.schema(
    [
        *MATCH,
        ("at", TIMESTAMP),
        ("received", TIMESTAMP),
        ("event_id", TEXT),
        ("path", TEXT),
        ("row_group", pa.int32()),
        ("row", pa.int32()),
        ("counted", pa.list_(COUNTED)),
        ("read", READ),
    ]
)
"""`counted` is what correlations make of the match; of a file's own row all but `path` and `read` is null."""

FOOTER_BYTES = 8
"""Its length and the magic word, beside the footer itself."""


@dataclass(frozen=True)
class Task:
    """Files of one task, by path below `folder`, and the span of receipt."""

    folder: str
    paths: tuple[str, ...]
    since: datetime
    until: datetime

    def run(self, chosen: Chosen) -> Iterator[pa.RecordBatch]:
        ruleset = chosen.ruleset()
        correlations = [one for one in ruleset.correlations if one.id == chosen.id]
        wanted = needs(ruleset, correlations)
        store = PyFileSystem(DeltaStorageHandler(self.folder))
        for path in self.paths:
            yield from self._file(store, path, ruleset, correlations, wanted)

    def _file(
        self, store: FileSystem, path: str, ruleset: Ruleset, correlations: Sequence[Correlation], wanted: Needs
    ) -> Iterator[pa.RecordBatch]:
        events = tried = matched_in = 0
        # Column chunks that lie side by side come in one request, which an object store charges by the request for.
        with store.open_input_file(path) as source, pq.ParquetFile(source, pre_buffer=True) as parquet:
            size = parquet.metadata.serialized_size + FOOTER_BYTES
            for number in range(parquet.num_row_groups):
                group = RowGroup(parquet, number)
                rows = group.received(self.since, self.until)
                events += group.rows if rows is None else len(rows)
                if rows is None or len(rows):
                    rows = group.candidates(ruleset, wanted, rows)
                    tried += len(rows)
                    found = _matched(group, rows, ruleset, wanted, correlations) if len(rows) else None
                    if found is not None:
                        matched_in += 1
                        yield _batch(found.num_rows, {**_columns(found), "path": pa.repeat(path, found.num_rows)})
                size += group.bytes
            read = {"events": events, "tried": tried, "bytes": size, "matched_in": matched_in}
            read["row_groups"] = parquet.num_row_groups
        yield _batch(1, {"path": pa.array([path]), "read": pa.array([read], READ)})


def _matched(
    group: RowGroup, rows: np.ndarray, ruleset: Ruleset, wanted: Needs, correlations: Sequence[Correlation]
) -> pa.RecordBatch | None:
    """FOUND without path and read; None when nothing matched."""
    matches = ruleset.match(group.events(wanted, rows))
    if not matches.num_rows:
        return None
    of_match = rows[matches.column("row").to_numpy()]
    # One row a match from here on: an event that two rules matched stands twice.
    events = group.batch(wanted.telling, of_match)
    beside = pa.RecordBatch.from_arrays(
        [pa.array(np.arange(len(of_match)), pa.int32()), matches.column("rule")], names=["row", "rule"]
    )
    own = attribute(_with_time(events), beside, ruleset.rules).flatten()
    columns = {field.name: own.field(place) for place, field in enumerate(MATCH)}
    for name, source in (("at", "@timestamp"), ("received", RECEIVED), ("event_id", "event.id")):
        if source in events.schema.names:
            columns[name] = events.column(source).cast(FOUND.field(name).type)
    columns["row"] = pa.array(of_match, pa.int32())
    columns["row_group"] = pa.repeat(pa.scalar(group.number, pa.int32()), len(of_match))
    if correlations:
        inputs = ruleset.correlation_inputs(own.field(0), events)
        columns["counted"] = _counted(inputs, len(of_match), [one.id for one in correlations])
    return pa.RecordBatch.from_pydict(columns)


def _with_time(events: pa.RecordBatch) -> pa.RecordBatch:
    """Grouping asks each event for its time, which a line without one lacks."""
    if "@timestamp" in events.schema.names:
        return events
    return events.append_column("@timestamp", pa.nulls(events.num_rows, TIMESTAMP))


def _counted(inputs: pa.RecordBatch, matches: int, wanted: Sequence[str]) -> pa.Array:
    """The rows of INPUTS that are for the wanted correlations, as one list a match."""
    inputs = inputs.filter(pc.is_in(inputs.column("correlation"), pa.array(wanted)))
    inputs = inputs.take(pc.sort_indices(inputs.column("row")))
    counts = np.bincount(inputs.column("row").to_numpy(), minlength=matches)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))), pa.int32())
    return pa.ListArray.from_arrays(offsets, inputs.select([field.name for field in COUNTED]).to_struct_array())


def _columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _batch(rows: int, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [columns.get(field.name, pa.nulls(rows, field.type)) for field in FOUND], schema=FOUND
    )


def event(folder: str, path: str, row_group: int, row: int) -> pa.RecordBatch:
    """One event of the lake, flat and whole."""
    store = PyFileSystem(DeltaStorageHandler(folder))
    with store.open_input_file(path) as source, pq.ParquetFile(source) as parquet:
        table = parquet.read_row_group(row_group, use_threads=False).slice(row, 1)
    flat = flatten(table.combine_chunks().to_batches()[0])
    return flat.select([name for name in flat.schema.names if name in FIELDS])
