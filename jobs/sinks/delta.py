"""delta: the lake.

In:   a micro-batch of events or matches
Out:  the Delta tables `events` and `matches` under the lake's folder, partitioned by `ingest_day`

Promise: exactly once. Each write carries the query's id and the batch's number, and Delta skips one it has seen.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from detectors.grouping import MATCH
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import NESTED, TIMESTAMP

SCHEMAS = {
    "events": NESTED,
    "matches": pa.schema([*MATCH, pa.field("at", TIMESTAMP), pa.field("event", pa.struct(list(NESTED)))]),
}


STATISTICS = {
    "events": ("`@timestamp`", "event.ingested", "event.dataset", "service.name", "source.ip", "user.name"),
    "matches": ("at", "rule_id", "alert_id"),
}
"""Columns whose least and greatest values each file tells, so that a query can leave files out. For all of the 160
columns of an event they would cost more at each write than the write."""


def append(batch: DataFrame, cfg: Config, table: str, batch_id: int, query: str) -> None:
    """Write one micro-batch, from inside foreachBatch; `query` is the id of the query's checkpoint.

    The partition is the day of receipt, not of the event: a sender chooses the latter, and one with a wild clock
    would make a folder for each day of a century.
    """
    ingested = "event.event.ingested" if table == "matches" else "event.ingested"
    (
        batch.withColumn("ingest_day", F.to_date(ingested))
        .write.format("delta")
        .mode("append")
        .partitionBy("ingest_day")
        # With a new checkpoint batch numbers start again, so Delta remembers them by the checkpoint's id.
        .option("txnAppId", f"{query}-{table}")
        .option("txnVersion", batch_id)
        .save(f"{cfg.lake.path}/{table}")
    )


def query_id(batch: DataFrame) -> str:
    """The id that the checkpoint gives the query which runs this micro-batch."""
    return str(batch.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId"))


def table(spark: SparkSession, cfg: Config, name: str) -> DataFrame:
    """The table for batch reading. Raises HamrongError when there is none yet."""
    if not DeltaTable.isDeltaTable(spark, f"{cfg.lake.path}/{name}"):
        raise HamrongError(f"{cfg.lake.path}: holds no {name} yet; start the jobs with: hamrong run")
    return spark.read.format("delta").load(f"{cfg.lake.path}/{name}")


def stream(spark: SparkSession, cfg: Config, name: str) -> DataFrame:
    """The table as an unbounded stream of appended rows."""
    return spark.readStream.format("delta").load(f"{cfg.lake.path}/{name}")


def create_tables(spark: SparkSession, cfg: Config) -> None:
    """Make `events` and `matches` where they are absent, so that streams can read them before the first line."""

    def create(name: str) -> None:
        (
            DeltaTable.createIfNotExists(spark)
            .location(f"{cfg.lake.path}/{name}")
            .addColumns(from_arrow_schema(SCHEMAS[name]))
            .addColumn("ingest_day", "date")
            .partitionedBy("ingest_day")
            .property("delta.dataSkippingStatsColumns", ",".join(STATISTICS[name]))
            # Ten by default: with a commit every few seconds one in ten would take a second longer.
            .property("delta.checkpointInterval", "100")
            .execute()
        )

    with ThreadPoolExecutor(len(SCHEMAS)) as pool:
        list(pool.map(create, SCHEMAS))
