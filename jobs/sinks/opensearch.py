"""opensearch: alerts, indexed by bulk requests from the executors.

In:   rows from which `build` makes alert documents (`detectors.alert`)
Out:  the documents in `soc-alerts-YYYY.MM`, each also on the topic `soc.alerts`; refused ones on `syslog.dead`

Promise: at least once, and a replay changes nothing. `_id` is the alert's id, and a document that is there only grows:
values are set when the new count is larger, never added. What an analyst wrote is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
from opensearchpy import OpenSearch, TransportError
from opensearchpy.helpers import streaming_bulk
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from detectors.alert import index_name
from hamrong import config
from hamrong.config import Config

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

GROW = """
def alert = ctx._source.soc.alert;
if (params.count <= alert.count) { ctx.op = 'none'; return }
if (params.alert.first_seen.compareTo(alert.first_seen) > 0) { params.alert.first_seen = alert.first_seen }
if (params.alert.last_seen.compareTo(alert.last_seen) < 0) { params.alert.last_seen = alert.last_seen }
if (params.alert.evidence.size() < alert.evidence.size()) { params.alert.evidence = alert.evidence }
alert.putAll(params.alert);
ctx._source.message = params.alert.reason_vi;
"""

SET_ONCE = {
    *(
        "id",
        "status",
        "verdict",
        "assignee",
        "history",
        "comments",
        "tags",
        "entity",
        "raised_at",
        "due_24h",
        "due_72h",
    ),
    *("acknowledged_at", "acknowledged_by", "closed_at", "closed_by"),
}
"""Values of `soc.alert` that only its first writing and the analysts set."""


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
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with client(cfg.opensearch) as opensearch:
            for batch in batches:
                outcomes = [_outcome(*indexed, cfg) for indexed in index(opensearch, build(batch), cfg)]
                yield pa.RecordBatch.from_pylist(outcomes, schema=OUTCOME)

    return run


def index(
    opensearch: OpenSearch, documents: Iterable[dict[str, Any]], cfg: Config
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Write each document; yields it with None, or with the reason why OpenSearch refuses it for good."""
    kept = list(documents)
    actions = (_action(document, cfg.opensearch.alerts_alias) for document in kept)
    answers = streaming_bulk(
        opensearch, actions, raise_on_error=False, max_retries=8, initial_backoff=0.5, max_backoff=15, chunk_size=500
    )
    for document, (accepted, answer) in zip(kept, answers, strict=True):
        result = answer["update"]
        if not accepted and result.get("status", 500) >= 500:
            raise TransportError(result.get("status", 500), "bulk", result.get("error"))
        yield document, None if accepted else orjson.dumps(result.get("error")).decode()


def client(settings: config.OpenSearch) -> OpenSearch:
    """A client; usable in `with`. Retries when a connection breaks, before it raises."""
    return OpenSearch(
        settings.url,
        http_auth=(settings.user, settings.password.reveal()) if settings.user else None,
        ca_certs=settings.ca_file or None,
        timeout=settings.timeout_seconds,
        max_retries=5,
        retry_on_timeout=True,
    )


def _action(document: dict[str, Any], alias: str) -> dict[str, Any]:
    alert = document["soc"]["alert"]
    grown = {name: value for name, value in alert.items() if name not in SET_ONCE}
    return {
        "_op_type": "update",
        "_index": index_name(alias, datetime.fromisoformat(alert["window_start"]).astimezone(UTC)),
        "_id": alert["id"],
        "retry_on_conflict": 5,
        "script": {"source": GROW, "lang": "painless", "params": {"count": alert["count"], "alert": grown}},
        "upsert": document,
    }


def _outcome(document: dict[str, Any], refused: str | None, cfg: Config) -> dict[str, Any]:
    headers = [("what", b"alert"), ("reason", refused.encode())] if refused else []
    return {
        "topic": cfg.kafka.dead_topic if refused else cfg.kafka.alerts_topic,
        "key": document["soc"]["alert"]["id"],
        "value": orjson.dumps(document).decode(),
        "headers": [{"key": key, "value": value} for key, value in headers],
    }
