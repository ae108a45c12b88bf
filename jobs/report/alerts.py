"""alerts: what the day's alerts say, in one search.

In:   OpenSearch, alias `soc-alerts`
Out:  `Raised`
Docs: OpenSearch terms, date_histogram and top_hits aggregations
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from opensearchpy import ConnectionError as Unreachable
from opensearchpy import OpenSearch, OpenSearchException

from detectors.alert import SEVERITIES
from hamrong.config import Config
from hamrong.errors import ServiceError
from jobs.report.contents import Alert, Count, Day, EntityCount, Raised, RuleCount
from triage.store import client

LISTED = 20
"""Alerts and anomalies that the report shows one by one."""

ALL = 10_000
"""Buckets of a term: more rules than anybody has, so that no count is cut."""

BODY = (
    "soc.alert.id", "soc.alert.severity", "soc.alert.risk_score", "soc.alert.status", "soc.alert.entity",
    "soc.alert.count", "soc.alert.first_seen", "soc.alert.reason", "soc.alert.reason_vi", "soc.alert.score",
    "soc.alert.features", "rule.name", "service.name",
)  # fmt: skip

WORST_FIRST = [{"soc.alert.risk_score": "desc"}, {"soc.alert.count": "desc"}, {"soc.alert.id": "asc"}]
LIKELIEST_FIRST = [{"soc.alert.score": "desc"}, {"soc.alert.id": "asc"}]


def require(cfg: Config) -> None:
    """Raises ServiceError when OpenSearch is away: known before Spark has warmed up."""
    with _asked(cfg) as opensearch:
        opensearch.info()


def read(cfg: Config, day: Day) -> Raised:
    """The alerts raised on the day. Raises ServiceError when OpenSearch is away or refuses."""
    with _asked(cfg) as opensearch:
        answer = opensearch.search(
            index=cfg.opensearch.alerts_alias,
            body=query(day),
            # No alert was ever raised: no index, and an empty answer.
            params={"ignore_unavailable": "true", "allow_no_indices": "true"},
        )
    return raised(answer, day)


@contextlib.contextmanager
def _asked(cfg: Config) -> Iterator[OpenSearch]:
    try:
        with client(cfg.opensearch) as opensearch:
            yield opensearch
    except Unreachable as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch does not answer; start it: hamrong stack up") from error
    except OpenSearchException as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch refuses to give the alerts: {error}") from error


def query(day: Day) -> dict[str, Any]:
    """One search: counts by each dimension, the riskiest alerts as its hits, the anomalies aside."""
    return {
        "size": LISTED,
        "track_total_hits": True,
        "query": {"range": {"soc.alert.raised_at": {"gte": day.start.isoformat(), "lt": day.end.isoformat()}}},
        "sort": WORST_FIRST,
        "_source": BODY,
        "aggs": {
            "severities": _terms("soc.alert.severity"),
            "statuses": _terms("soc.alert.status"),
            "detectors": _terms("soc.alert.detector"),
            "systems": _terms("service.name", missing=""),
            "tactics": _terms("threat.tactic.id"),
            "techniques": _terms("threat.technique.id"),
            "rules": {
                **_terms("rule.id"),
                "aggs": {
                    "title": _terms("rule.name", size=1),
                    "detector": _terms("soc.alert.detector", size=1),
                    "rank": {"max": {"field": "soc.alert.severity_rank"}},
                },
            },
            "entities": {
                **_terms("soc.alert.entity.value", size=10),
                "aggs": {
                    "type": _terms("soc.alert.entity.type", size=1),
                    "risk": {"max": {"field": "soc.alert.risk_score"}},
                },
            },
            "hours": {"date_histogram": {"field": "soc.alert.raised_at", "fixed_interval": "1h", "min_doc_count": 1}},
            "anomalies": {
                "filter": {"term": {"soc.alert.detector": "anomaly"}},
                "aggs": {"first": {"top_hits": {"size": LISTED, "sort": LIKELIEST_FIRST, "_source": BODY}}},
            },
        },
    }


def _terms(field: str, size: int = ALL, **options: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": size, "order": [{"_count": "desc"}, {"_key": "asc"}], **options}}


def raised(answer: dict[str, Any], day: Day) -> Raised:
    """OpenSearch's answer as numbers."""
    found: dict[str, Any] = answer.get("aggregations") or {}

    def buckets(name: str) -> list[dict[str, Any]]:
        return list(found.get(name, {}).get("buckets", []))

    def counts(name: str) -> tuple[Count, ...]:
        return tuple(Count(bucket["key"], bucket["doc_count"]) for bucket in buckets(name))

    hours = [0] * 24
    for bucket in buckets("hours"):
        hour = day.local(datetime.fromtimestamp(bucket["key"] / 1000, UTC)).hour
        hours[hour] += bucket["doc_count"]
    severities = {count.key: count for count in counts("severities")}
    return Raised(
        total=answer["hits"]["total"]["value"],
        severities=tuple(severities[name] for name in reversed(SEVERITIES) if name in severities),
        statuses=counts("statuses"),
        detectors=counts("detectors"),
        systems=counts("systems"),
        rules=tuple(_rule(bucket) for bucket in buckets("rules")),
        tactics=counts("tactics"),
        techniques=counts("techniques"),
        entities=tuple(
            EntityCount(_first(bucket["type"]), bucket["key"], bucket["doc_count"], int(bucket["risk"]["value"] or 0))
            for bucket in buckets("entities")
        ),
        hours=tuple(hours),
        riskiest=tuple(_alert(hit["_source"]) for hit in answer["hits"]["hits"]),
        anomalies=tuple(
            _alert(hit["_source"])
            for hit in found.get("anomalies", {}).get("first", {}).get("hits", {}).get("hits", [])
        ),
    )


def _rule(bucket: dict[str, Any]) -> RuleCount:
    severity = SEVERITIES[int(bucket["rank"]["value"] or 0)]
    return RuleCount(bucket["key"], _first(bucket["title"]), _first(bucket["detector"]), severity, bucket["doc_count"])


def _first(terms: dict[str, Any]) -> str:
    return str(terms["buckets"][0]["key"]) if terms["buckets"] else ""


def _alert(document: dict[str, Any]) -> Alert:
    alert = document["soc"]["alert"]
    return Alert(
        id=alert["id"],
        rule=document["rule"]["name"],
        severity=alert["severity"],
        risk=alert["risk_score"],
        status=alert["status"],
        system=document.get("service", {}).get("name", ""),
        entity_type=alert["entity"]["type"],
        entity=alert["entity"]["value"],
        count=alert["count"],
        first_seen=datetime.fromisoformat(alert["first_seen"]),
        reason_vi=alert["reason_vi"],
        reason_en=alert["reason"],
        score=alert.get("score"),
        features=tuple(alert.get("features", ())),
    )
