"""data_files: Parquet files of the lake's tables, written where the rows are.

In:   batches of rows, in a task
Out:  files below the tables' folders, and one row of FILE for each
Docs: Delta transaction log protocol, "Per-file statistics"; Parquet format

Spark's own writer goes row by row through the JVM, and an event has more than 160 columns: that cost more than reading
and matching the line. Arrow writes the columns as they are.

Promise: none of the files is part of a table until `delta.Tables.commit` names it. Names are random, so that a task
that runs twice never touches what a reader reads.
"""

from __future__ import annotations

import posixpath
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileSystem, PyFileSystem

from ingest.event import LONG, TEXT

FILE = pa.schema([("table", TEXT), ("path", TEXT), ("day", TEXT), ("bytes", LONG), ("statistics", TEXT)])
"""`path` is relative to the table's folder; `statistics` is Delta's JSON."""

RECEIVED = {"events": ("event", "ingested"), "matches": ("event", "event", "ingested")}

STATISTICS = {
    "events": ("@timestamp", "event.ingested", "event.dataset", "service.name", "source.ip", "user.name"),
    "matches": ("at", "rule_id", "alert_id"),
}
"""Columns whose least and greatest values each file tells, so that a query can leave files out."""

TEXT_LIMIT = 32
"""Characters of a text in the statistics; a sender may write a megabyte."""

LAST = "\U0010ffff"
"""No text that was cut before it comes after it, but one that has it there too."""

EPOCH = pa.scalar(date(1970, 1, 1))


@dataclass
class _Open:
    table: str
    day: str
    path: str
    sink: Any
    parquet: pq.ParquetWriter
    metadata: list[pq.FileMetaData] = field(default_factory=list)


class Writer:
    """One task's files: one for each table and day of receipt. One that is never finished leaves nothing: the store
    puts a file in its place when it is closed, and forgets it when it is dropped."""

    def __init__(self, lake: str, level: int = 1) -> None:
        """`level` of zstd: 1 takes a third of Snappy's bytes at the same cost; the lake keeps a year."""
        self._lake = lake
        self._level = level
        self._stores: dict[str, FileSystem] = {}
        self._open: dict[tuple[str, str], _Open] = {}

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """Rows of one of `delta.SCHEMAS`.

        The partition is the day of receipt, not of the event: a sender chooses the latter, and one with a wild clock
        would make a folder for each day of a century.
        """
        if not rows.num_rows:
            return
        days = pc.coalesce(pc.struct_field(rows.to_struct_array(), RECEIVED[table]).cast(pa.date32()), EPOCH)
        for day in days.unique():
            whole = pc.all(pc.equal(days, day)).as_py()
            self._file(table, str(day), rows.schema).parquet.write_batch(
                rows if whole else rows.filter(pc.equal(days, day))
            )

    def finish(self) -> pa.RecordBatch:
        """Closes the files; a row of FILE for each."""
        rows = []
        for file in self._open.values():
            file.parquet.close()
            size = file.sink.tell()
            file.sink.close()
            [metadata] = file.metadata
            statistics = _statistics(metadata, STATISTICS[file.table])
            rows.append(
                {
                    "table": file.table,
                    "path": file.path,
                    "day": file.day,
                    "bytes": size,
                    "statistics": orjson.dumps(statistics).decode(),
                }
            )
        return pa.RecordBatch.from_pylist(rows, schema=FILE)

    def _file(self, table: str, day: str, schema: pa.Schema) -> _Open:
        if (table, day) not in self._open:
            if table not in self._stores:
                self._stores[table] = PyFileSystem(DeltaStorageHandler(posixpath.join(self._lake, table)))
            path = f"ingest_day={day}/{uuid.uuid4().hex}.zstd.parquet"
            sink = self._stores[table].open_output_stream(path)
            metadata: list[pq.FileMetaData] = []
            parquet = pq.ParquetWriter(
                sink,
                schema,
                compression="zstd",
                compression_level=self._level,
                write_statistics=list(STATISTICS[table]),
                metadata_collector=metadata,
            )
            self._open[table, day] = _Open(table, day, path, sink, parquet, metadata)
        return self._open[table, day]


def _statistics(metadata: pq.FileMetaData, columns: tuple[str, ...]) -> dict[str, Any]:
    """Delta's statistics of a file, from what Parquet has in its footer."""
    found: dict[str, Any] = {"numRecords": metadata.num_rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    places = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
    for column in columns:
        chunks = [
            metadata.row_group(group).column(places[column]).statistics for group in range(metadata.num_row_groups)
        ]
        _set(found["nullCount"], column, sum(chunk.null_count for chunk in chunks))
        valued = [chunk for chunk in chunks if chunk.num_values]
        # Where a value is too long for it, Parquet leaves the bounds out: then there are none for the file.
        if valued and all(chunk.has_min_max for chunk in valued):
            least, greatest = min(chunk.min for chunk in valued), max(chunk.max for chunk in valued)
            if isinstance(least, datetime):
                least, greatest = (moment.isoformat(timespec="microseconds")[:26] + "Z" for moment in (least, greatest))
            _set(found["minValues"], column, least[:TEXT_LIMIT])
            above = greatest if len(greatest) <= TEXT_LIMIT else greatest[:TEXT_LIMIT] + LAST
            if above >= greatest:
                _set(found["maxValues"], column, above)
    return found


def _set(tree: dict[str, Any], column: str, value: Any) -> None:
    *parents, leaf = column.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
    tree[leaf] = value
