"""opensearch: alerts, indexed by bulk requests from the executors.

In:   rows from which `build` makes alert documents (`detectors.alert`)
Out:  the documents in `soc-alerts-YYYY.MM`, each also on the topic `soc.alerts`; refused ones on `syslog.dead`

Promise: at least once, and a replay changes nothing (`triage.store`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from hamrong.config import Config
from triage import store

Build = Callable[[pa.RecordBatch], list[dict[str, Any]]]

OUTCOME = pa.schema(
    [
        ("topic", pa.string()),
        ("key", pa.string()),
        ("value", pa.string()),
        ("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
    ]
)
"""What Spark's Kafka sink takes: the document, and where it goes."""


def publish(rows: DataFrame, build: Build, cfg: Config) -> None:
    """Index and publish the alerts of `rows` in one job; `build` runs on the executors.

    Raises when OpenSearch stays away: the micro-batch then fails as a whole and is replayed.
    """
    (
        rows.mapInArrow(_index_batches(build, cfg), from_arrow_schema(OUTCOME))
        .write.format("kafka")
        .option("kafka.bootstrap.servers", cfg.kafka.bootstrap_servers)
        .save()
    )


def _index_batches(build: Build, cfg: Config) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    alias = cfg.opensearch.alerts_alias

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with store.client(cfg.opensearch) as opensearch:
            for batch in batches:
                outcomes = [_outcome(*answer, cfg) for answer in store.put(opensearch, build(batch), alias)]
                yield pa.RecordBatch.from_pylist(outcomes, schema=OUTCOME)

    return run


def _outcome(document: dict[str, Any], refused: str | None, cfg: Config) -> dict[str, Any]:
    headers = [("what", b"alert"), ("reason", refused.encode())] if refused else []
    return {
        "topic": cfg.kafka.dead_topic if refused else cfg.kafka.alerts_topic,
        "key": document["soc"]["alert"]["id"],
        "value": orjson.dumps(document).decode(),
        "headers": [{"key": key, "value": value} for key, value in headers],
    }
