"""kafka: raw lines from the topic that the gateway fills.

In:   `syslog.raw`: key = peer address, value = the line, timestamp = receive time, header `id`
Out:  a streaming DataFrame of `ingest.event.RAW`
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hamrong.config import Config


def lines(spark: SparkSession, cfg: Config) -> DataFrame:
    """Every line from the oldest kept one; offsets are the checkpoint's.

    `failOnDataLoss` stays true: when Kafka has dropped lines that were never read, the query stops and says so.
    """
    identity = F.expr("cast(element_at(filter(headers, header -> header.key = 'id'), 1).value as string)")
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", cfg.kafka.bootstrap_servers)
        .option("subscribe", cfg.kafka.raw_topic)
        .option("startingOffsets", "earliest")
        .option("includeHeaders", "true")
        # A consumer asks for what comes next while it hands over what it has, and at the topic's end the broker holds
        # that request for 500 ms by default: the next micro-batch, or the same one read again, waits for it.
        .option("kafka.fetch.max.wait.ms", "20")
        .option("maxOffsetsPerTrigger", cfg.spark.max_offsets_per_trigger)
        .load()
        .select(
            "value",
            F.col("key").cast("string").alias("peer"),
            F.col("timestamp").alias("received"),
            identity.alias("id"),
            "topic",
            "partition",
            "offset",
        )
    )
