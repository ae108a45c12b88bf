"""detect: raw lines -> events, matches and alerts, in one Arrow pass.

In:   Kafka `syslog.raw`
Out:  the lake's `matches` and `events`; alerts in OpenSearch and on `soc.alerts`
Docs: Structured Streaming guide, foreachBatch; DESIGN's road of one line
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery

from detectors.grouping import MATCH, attribute
from hamrong.config import Config, Detection
from ingest.event import NESTED, nest
from ingest.parse import parse
from jobs import loaded
from jobs.alerts import alert_rows, build_documents
from jobs.sinks import delta, opensearch
from jobs.sources import kafka

DETECTED = NESTED.append(pa.field("matches", pa.list_(MATCH)))
"""An event and its matches."""


def detect(lines: DataFrame, detection: Detection) -> DataFrame:
    """Lines (`ingest.event.RAW`) -> rows of DETECTED, one a line. No shuffle; order within a partition is kept."""
    return lines.mapInArrow(_parse_and_match(detection), from_arrow_schema(DETECTED))


def _parse_and_match(detection: Detection) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        register, ruleset = loaded.register(detection), loaded.ruleset(detection)
        for batch in batches:
            events = parse(batch, register)
            matches = attribute(events, ruleset.match(events), ruleset.rules)
            yield pa.RecordBatch.from_arrays([*nest(events).columns, matches], schema=DETECTED)

    return run


def matched(detected: DataFrame) -> DataFrame:
    """One row a match: the columns of MATCH, `at` (event time) and the whole `event`."""
    event = F.struct(*(F.col(f"`{name}`") for name in NESTED.names)).alias("event")
    return (
        detected.where(F.size("matches") > 0)
        .select(F.explode("matches").alias("match"), F.col("`@timestamp`").alias("at"), event)
        .select("match.*", "at", "event")
    )


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. At least once at each sink, and each sink makes that exactly once in effect."""

    def store(batch: DataFrame, batch_id: int) -> None:
        detected = batch.persist()
        matches = matched(detected)
        # The alert first, since somebody waits for it. A commit is mostly waiting, so the two go side by side.
        opensearch.publish(alert_rows(matches), build_documents(cfg.detection), cfg)
        query = delta.query_id(batch)
        tables = {"matches": matches.coalesce(1), "events": detected.drop("matches")}
        with ThreadPoolExecutor(len(tables)) as pool:
            list(pool.map(lambda name: delta.append(tables[name], cfg, name, batch_id, query), tables))
        detected.unpersist()

    lines = kafka.lines(spark, cfg)
    return (
        detect(lines, cfg.detection)
        .writeStream.queryName("detect")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/detect")
        .trigger(processingTime=f"{cfg.spark.trigger_seconds} seconds")
        .foreachBatch(store)
        .start()
    )
