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
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction
from pyarrow.fs import PyFileSystem
from pyspark.sql import DataFrame, SparkSession

from detectors.grouping import MATCH
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import NESTED, TIMESTAMP
from jobs.sinks.data_files import STATISTICS

PARTITION = "ingest_day"

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
        now = time.time_ns() // 1_000_000
        added: list[AddAction | RemoveAction] = [
            AddAction(file["path"], file["bytes"], {PARTITION: file["day"]}, now, True, file["statistics"])
            for file in files
        ]
        table.create_write_transaction(
            added, "append", _schema(name), [PARTITION], commit_properties=CommitProperties(None, None, [transaction])
        )


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
    return spark.readStream.format("delta").load(uri(cfg, name))


def create_tables(cfg: Config) -> None:
    """Make `events` and `matches` where they are absent, so that streams can read them before the first line; give one
    of an earlier version the columns that it lacks."""
    for name in SCHEMAS:
        if DeltaTable.is_deltatable(uri(cfg, name)):
            _widen(uri(cfg, name), _schema(name))
            continue
        quoted = ",".join(f"`{column}`" if column.startswith("@") else column for column in STATISTICS[name])
        DeltaTable.create(
            uri(cfg, name),
            _schema(name),
            mode="ignore",
            partition_by=[PARTITION],
            configuration={
                "delta.dataSkippingStatsColumns": quoted,
                # Ten by default: with a commit every second that is a checkpoint of the log every ten seconds.
                "delta.checkpointInterval": "100",
                "delta.logRetentionDuration": f"interval {cfg.lake.log_hours} hours",
            },
        )


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
