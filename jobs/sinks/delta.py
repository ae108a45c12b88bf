"""delta: the lake.

In:   a micro-batch of events or matches
Out:  the Delta tables `events` and `matches` under the lake's folder, partitioned by `ingest_day`

Promise: exactly once. Each write carries the query's id and the batch's number, and Delta skips one it has seen.
"""

from __future__ import annotations

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


def append(batch: DataFrame, cfg: Config, table: str, batch_id: int) -> None:
    """Write one micro-batch, from inside foreachBatch.

    The partition is the day of receipt, not of the event: a sender chooses the latter, and one with a wild clock
    would make a folder for each day of a century.
    """
    ingested = "event.event.ingested" if table == "matches" else "event.ingested"
    # The id lives in the checkpoint: with a new checkpoint batch numbers start again, and so must Delta's memory.
    query = batch.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
    (
        batch.withColumn("ingest_day", F.to_date(ingested))
        .write.format("delta")
        .mode("append")
        .partitionBy("ingest_day")
        .option("txnAppId", f"{query}-{table}")
        .option("txnVersion", batch_id)
        .save(f"{cfg.lake.path}/{table}")
    )


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
    for name, schema in SCHEMAS.items():
        (
            DeltaTable.createIfNotExists(spark)
            .location(f"{cfg.lake.path}/{name}")
            .addColumns(from_arrow_schema(schema))
            .addColumn("ingest_day", "date")
            .partitionedBy("ingest_day")
            .execute()
        )
