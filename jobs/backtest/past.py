"""past: what the live rules and the analysts have said of the same events.

In:   the backtest's matches and alerts; the lake's `matches`; closed alerts in OpenSearch
Out:  `Shared` by rule, and `Verdicts`
Docs: OpenSearch search API, search_after
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from opensearchpy import ConnectionError as Unreachable
from opensearchpy import OpenSearch, OpenSearchException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from ingest.event import LONG, TEXT, TIMESTAMP
from jobs.backtest.chosen import Chosen
from jobs.backtest.contents import Shared, Span, Verdicts
from jobs.sinks import delta
from triage.store import client

LISTED = 20
PAGE = 5_000

LONGEST_WINDOW = timedelta(days=31)
"""`detectors.sigma.metadata.MAX_WINDOW_SECONDS`: a window that began so long before the span may reach into it."""

SOURCE = ("rule.id", "soc.alert.verdict", "soc.alert.entity", "soc.alert.window_start", "soc.alert.window_seconds")

SAID = pa.schema(
    [
        ("said_of", TEXT),
        ("entity_type", TEXT),
        ("entity_value", TEXT),
        ("from", TIMESTAMP),
        ("seconds", LONG),
        ("verdict", TEXT),
    ]
)


def overlap(
    spark: SparkSession, cfg: Config, matches: DataFrame, chosen: Chosen, span: Span
) -> tuple[int, list[Shared]]:
    """How many events matched, and the live rules that matched most of them."""
    mine = matches.where("event_id is not null").select("event_id").distinct()
    total = mine.count()
    try:
        theirs = delta.table(spark, cfg, "matches")
    except HamrongError:
        return total, []
    own = [*chosen.counted, chosen.id]
    # The one nested column that is asked for is the one that Spark reads.
    told = theirs.where(
        F.col(delta.PARTITION).between(span.since.date(), span.until.date()) & ~F.col("rule_id").isin(own)
    ).select("rule_id", F.col("event.event.id").alias("event_id"))
    counted = told.distinct().join(mine, "event_id").groupBy("rule_id").agg(F.count("*").alias("events"))
    rows = counted.orderBy(F.desc("events"), "rule_id").limit(LISTED).collect()
    return total, [
        Shared(
            row.rule_id, chosen.titles.get(row.rule_id, "(no longer in the rule set)"), row.events, row.events / total
        )
        for row in rows
    ]


def verdicts(spark: SparkSession, cfg: Config, alerts: DataFrame, chosen: Chosen, span: Span) -> Verdicts:
    """Raises ServiceError when OpenSearch does not answer, or refuses."""
    try:
        with client(cfg.opensearch) as opensearch:
            said = list(_said(opensearch, cfg.opensearch.alerts_alias, span))
    except Unreachable as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch does not answer") from error
    except OpenSearchException as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch refuses to give the alerts: {error}") from error
    if not said:
        return Verdicts(0, {}, {})
    closed = spark.createDataFrame(pa.Table.from_pylist(said, schema=SAID))
    ends = F.col("window_start") + F.make_dt_interval(secs=F.col("window_seconds"))
    closes = F.col("from") + F.make_dt_interval(secs=F.col("seconds"))
    same = alerts.join(closed, ["entity_type", "entity_value"]).where(
        (F.col("window_start") < closes) & (F.col("from") < ends)
    )
    is_own = F.col("said_of") == chosen.id
    counted = same.groupBy("verdict").agg(
        F.count_distinct("alert_id").alias("alerts"),
        F.count_distinct(F.when(is_own, F.col("alert_id"))).alias("own"),
    )
    rows = counted.orderBy("verdict").collect()
    return Verdicts(
        same.select("alert_id").distinct().count(),
        {row.verdict: row.alerts for row in rows},
        {row.verdict: row.own for row in rows if row.own},
    )


def _said(opensearch: OpenSearch, alias: str, span: Span) -> Iterator[dict[str, Any]]:
    """Rows of SAID: closed alerts whose windows may touch the span, page by page."""
    bounds = {"gte": (span.since - LONGEST_WINDOW).isoformat(), "lt": span.until.isoformat()}
    body: dict[str, Any] = {
        "size": PAGE,
        "query": {
            "bool": {
                "filter": [
                    {"term": {"soc.alert.status": "closed"}},
                    {"exists": {"field": "soc.alert.verdict"}},
                    {"range": {"soc.alert.window_start": bounds}},
                ]
            }
        },
        "sort": [{"soc.alert.id": "asc"}],
        "_source": [*SOURCE],
    }
    while True:
        answer = opensearch.search(
            index=alias, body=body, params={"ignore_unavailable": "true", "allow_no_indices": "true"}
        )
        hits = answer["hits"]["hits"]
        yield from (_row(hit["_source"]) for hit in hits)
        if len(hits) < PAGE:
            return
        body["search_after"] = hits[-1]["sort"]


def _row(document: Mapping[str, Any]) -> dict[str, Any]:
    alert = document["soc"]["alert"]
    return {
        "said_of": document["rule"]["id"],
        "entity_type": alert["entity"]["type"],
        "entity_value": alert["entity"]["value"],
        "from": datetime.fromisoformat(alert["window_start"]),
        "seconds": alert["window_seconds"],
        "verdict": alert["verdict"],
    }
