"""delta: the lake.

In:   the files that the tasks of a micro-batch wrote (`data_files`)
Out:  the Delta tables `events` and `matches` under the lake's folder, partitioned by `ingest_day`
Docs: Delta transaction log protocol, "Transaction identifiers"

Promise: exactly once. One commit names all files of a micro-batch; it carries the query's id and the batch's number,
and a batch that the table has seen is not committed again.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction
from pyarrow.fs import PyFileSystem
from pyspark.sql import DataFrame, SparkSession

from detectors.grouping import MATCH
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import NESTED, TIMESTAMP
from jobs.sinks import data_files
from jobs.sinks.data_files import STATISTICS

PARTITION = "ingest_day"

UNKNOWN_DAY: date = data_files.EPOCH.as_py()
"""The partition of rows without a time of receipt."""

SCHEMAS = {
    "events": NESTED,
    "matches": pa.schema([*MATCH, pa.field("at", TIMESTAMP), pa.field("event", pa.struct(list(NESTED)))]),
}


class Tables:
    """The tables that `create_tables` made, open for commits."""

    def __init__(self, cfg: Config) -> None:
        self._uris = {name: uri(cfg, name) for name in SCHEMAS}
        self._tables = {name: DeltaTable(place) for name, place in self._uris.items()}

    def commit(self, files: Sequence[Mapping[str, Any]], query: str, batch_id: int) -> None:
        """The rows of `data_files.FILE` of one micro-batch; `query` is the id of the query's checkpoint."""
        for name in SCHEMAS:
            mine = [file for file in files if file["table"] == name]
            if mine:
                self._commit(name, mine, Transaction(f"{query}-{name}", batch_id))

    def _commit(self, name: str, files: Sequence[Mapping[str, Any]], transaction: Transaction) -> None:
        table = self._tables[name]
        table.update_incremental()
        # With a new checkpoint batch numbers start again, so Delta remembers them by the checkpoint's id.
        seen = table.transaction_version(transaction.app_id)
        if seen is not None and seen >= transaction.version:
            store = PyFileSystem(DeltaStorageHandler(self._uris[name]))
            for file in files:
                store.delete_file(file["path"])
            return
        added = _added(files, time.time_ns() // 1_000_000, is_news=True)
        table.create_write_transaction(
            added, "append", _schema(name), [PARTITION], commit_properties=CommitProperties(None, None, [transaction])
        )


@dataclass(frozen=True)
class DataFile:
    """A file that a table names; `path` is relative to the table's folder, `modified` the time of its commit."""

    path: str
    day: date
    bytes: int
    modified: datetime


class Snapshot:
    """A table as it is now, for the one who tidies it (`jobs.maintain`)."""

    def __init__(self, cfg: Config, name: str) -> None:
        self.name = name
        self._table = DeltaTable(uri(cfg, name))
        self._store = PyFileSystem(DeltaStorageHandler(uri(cfg, name)))
        schema = pa.schema(self._table.schema().to_arrow())
        self._rows = pa.struct([field for field in schema if field.name != PARTITION])
        columns = ["path", f"partition.{PARTITION}", "size_bytes", "modification_time"]
        stored = pa.table(self._table.get_add_actions(flatten=True)).select(columns)
        self.files = [DataFile(*row.values()) for row in stored.to_pylist()]

    def read(self, file: DataFile) -> Iterator[pa.RecordBatch]:
        """The file's rows, with null in columns that came later than it."""
        with self._store.open_input_file(file.path) as source, pq.ParquetFile(source) as parquet:
            # One thread: the other core is for the lines that come in meanwhile.
            for batch in parquet.iter_batches(5_000, use_threads=False):
                yield pa.RecordBatch.from_struct_array(batch.to_struct_array().cast(self._rows))

    def replace(self, old: Sequence[DataFile], new: Sequence[Mapping[str, Any]], *, is_news: bool) -> None:
        """Put `new` (rows of `data_files.FILE`) for `old` in one commit; `is_news` False: the rows are the same, and
        streams pass over it.

        Raises CommitFailedError when another one has tidied since the snapshot. Delta's own look for conflicts lets
        two commits remove the same file, so that both would add its rows; that a transaction identifier is written
        twice is what it does refuse.
        """
        now = time.time_ns() // 1_000_000
        actions: list[AddAction | RemoveAction] = [
            RemoveAction(file.path, is_news, now, file.bytes, {PARTITION: str(file.day)}) for file in old
        ]
        self._table.create_write_transaction(
            actions + _added(new, now, is_news),
            "append",
            self._table.schema(),
            [PARTITION],
            commit_properties=CommitProperties(None, None, [Transaction("maintain", self._table.version())]),
        )

    def delete(self, paths: Sequence[str]) -> None:
        """Delete files that no commit names."""
        for path in paths:
            self._store.delete_file(path)


def _added(files: Sequence[Mapping[str, Any]], now: int, is_news: bool) -> list[AddAction | RemoveAction]:
    return [
        AddAction(file["path"], file["bytes"], {PARTITION: file["day"]}, now, is_news, file["statistics"])
        for file in files
    ]


def uri(cfg: Config, table: str) -> str:
    return posixpath.join(cfg.lake.path, table)


def query_id(batch: DataFrame) -> str:
    """The id that the checkpoint gives the query which runs this micro-batch."""
    return str(batch.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId"))


def table(spark: SparkSession, cfg: Config, name: str) -> DataFrame:
    """The table for batch reading. Raises HamrongError when there is none yet."""
    if not DeltaTable.is_deltatable(uri(cfg, name)):
        raise HamrongError(f"{cfg.lake.path}: holds no {name} yet; start the jobs with: hamrong run")
    return spark.read.format("delta").load(uri(cfg, name))


def stream(spark: SparkSession, cfg: Config, name: str) -> DataFrame:
    """The table as an unbounded stream of appended rows."""
    # `jobs.maintain` drops days that are too old: no news, but Spark would end the query.
    return spark.readStream.format("delta").option("ignoreDeletes", "true").load(uri(cfg, name))


def create_tables(cfg: Config) -> None:
    """Make `events` and `matches` where they are absent, so that streams can read them before the first line; give one
    of an earlier version the columns and settings that it lacks."""
    for name in SCHEMAS:
        if DeltaTable.is_deltatable(uri(cfg, name)):
            _widen(uri(cfg, name), _schema(name))
            _set_properties(uri(cfg, name), _properties(cfg, name))
            continue
        DeltaTable.create(
            uri(cfg, name),
            _schema(name),
            mode="ignore",
            partition_by=[PARTITION],
            configuration=_properties(cfg, name),
        )


def _properties(cfg: Config, name: str) -> dict[str, str]:
    quoted = ",".join(f"`{column}`" if column.startswith("@") else column for column in STATISTICS[name])
    return {
        "delta.dataSkippingStatsColumns": quoted,
        # Ten by default: with a commit every second that is a checkpoint of the log every ten seconds.
        "delta.checkpointInterval": "100",
        "delta.logRetentionDuration": f"interval {cfg.lake.log_hours} hours",
        # `jobs.maintain` cleans, not the first commit after a long stop: the readers stood still as well, and need
        # what was written just before it.
        "delta.enableExpiredLogCleanup": "false",
    }


def _set_properties(place: str, wanted: dict[str, str]) -> None:
    table = DeltaTable(place)
    if not wanted.items() <= table.metadata().configuration.items():
        table.alter.set_table_properties(wanted)


def _widen(place: str, schema: pa.Schema) -> None:
    """Add the columns of `schema` that the table lacks, by a commit without rows; none when it has them all."""
    if _leaves(schema) - _leaves(pa.schema(DeltaTable(place).schema().to_arrow())):
        write_deltalake(place, schema.empty_table(), mode="append", schema_mode="merge", partition_by=[PARTITION])


def _leaves(schema: pa.Schema) -> set[str]:
    def walk(prefix: str, kind: pa.DataType) -> set[str]:
        if not pa.types.is_struct(kind):
            return {prefix}
        return set().union(*(walk(f"{prefix}.{field.name}", field.type) for field in kind))

    return walk("", pa.struct(list(schema)))


def _schema(name: str) -> pa.Schema:
    return SCHEMAS[name].append(pa.field(PARTITION, pa.date32()))
