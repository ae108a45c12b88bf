"""queue: which alerts wait, the worst first.

In:   what an analyst filters by
Out:  one page of alerts, and how many there are by state, severity and system
Docs: OpenSearch query DSL; docs/decisions/0011-triage.md

Every condition is a filter, which OpenSearch keeps; the counts are a request of their own without hits, so that its
request cache answers them until the index changes. It keeps no answer that hangs on `now`, so the minute is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch

from detectors.alert import SEVERITIES
from triage.life import STATES

PAGE = 50
DEEPEST = 10_000
"""Alerts that OpenSearch pages through; nobody turns so many pages, one filters."""
SORTS: Mapping[str, list[dict[str, Any]]] = {
    "risk": [{"soc.alert.risk_score": "desc"}, {"soc.alert.last_seen": "desc"}],
    "newest": [{"soc.alert.raised_at": "desc"}],
    "oldest": [{"soc.alert.raised_at": "asc"}],
    "count": [{"soc.alert.count": "desc"}, {"soc.alert.last_seen": "desc"}],
}
SHOWN = [
    *("soc.alert.id", "soc.alert.status", "soc.alert.severity", "soc.alert.risk_score", "soc.alert.reason"),
    *("soc.alert.reason_vi", "soc.alert.count", "soc.alert.first_seen", "soc.alert.last_seen", "soc.alert.assignee"),
    *("soc.alert.entity", "soc.alert.due_24h", "soc.alert.verdict", "soc.alert.raised_at", "soc.alert.history.when"),
    *("service.name", "organization.name", "rule.name", "rule.id", "soc.alert.tags"),
]


@dataclass(frozen=True)
class Query:
    """What to show; an empty value narrows nothing."""

    view: str = "waiting"
    """waiting (not closed), mine, unassigned, reopened, overdue, closed or all."""
    severity: str = ""
    service: str = ""
    owner: str = ""
    rule: str = ""
    entity: str = ""
    tag: str = ""
    text: str = ""
    """Words of the reason or the rule's name, with or without their marks."""
    sort: str = "risk"
    page: int = 1

    def with_page(self, page: int) -> Query:
        return replace(self, page=page)


VIEWS = ("waiting", "mine", "unassigned", "reopened", "overdue", "closed", "all")


@dataclass(frozen=True)
class Page:
    alerts: list[dict[str, Any]]
    """Sources, with the fields of `SHOWN`."""
    total: int
    more_than: bool
    """`total` is a lower bound."""
    counts: dict[str, dict[str, int]]
    """By `severity`, `service` and `view`."""
    took_ms: int


def read(client: OpenSearch, alias: str, query: Query, who: str) -> Page:
    found, counted = client.msearch(
        body=[
            {"index": alias},
            _hits(query, who),
            {"index": alias, "request_cache": True},
            _counts(query, who),
        ]
    )["responses"]
    for answer in (found, counted):
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))
    total = found["hits"]["total"]
    groups = counted["aggregations"]
    return Page(
        [hit["_source"] for hit in found["hits"]["hits"]],
        total["value"],
        total["relation"] == "gte",
        {
            "severity": {one["key"]: one["doc_count"] for one in groups["severity"]["buckets"]},
            "service": {one["key"]: one["doc_count"] for one in groups["service"]["buckets"]},
            "view": {name: one["doc_count"] for name, one in groups["view"]["buckets"].items()},
        },
        found["took"],
    )


def _hits(query: Query, who: str) -> dict[str, Any]:
    page = min(max(query.page, 1), DEEPEST // PAGE)
    return {
        "query": _condition(query, who),
        "sort": [*SORTS.get(query.sort, SORTS["risk"]), {"soc.alert.id": "asc"}],
        "from": (page - 1) * PAGE,
        "size": PAGE,
        "_source": SHOWN,
        "track_total_hits": DEEPEST,
    }


def _counts(query: Query, who: str) -> dict[str, Any]:
    """Of what the view shows, by severity and system; and of every view, whatever else is filtered."""
    return {
        "size": 0,
        "track_total_hits": False,
        "query": _view(query.view, who),
        "aggs": {
            "severity": {"terms": {"field": "soc.alert.severity", "size": len(SEVERITIES)}},
            "service": {"terms": {"field": "service.name", "size": 50}},
            "view": {
                "filters": {"filters": {name: _view(name, who) for name in VIEWS if name not in ("closed", "all")}}
            },
        },
    }


def _condition(query: Query, who: str) -> dict[str, Any]:
    terms = {
        "soc.alert.severity": query.severity,
        "service.name": query.service,
        "organization.name": query.owner,
        "rule.id": query.rule,
        "soc.alert.entity.value": query.entity,
        "soc.alert.tags": query.tag,
    }
    filters = [_view(query.view, who), *({"term": {name: value}} for name, value in terms.items() if value)]
    if query.text:
        fields = ["soc.alert.reason_vi", "soc.alert.reason", "rule.name.text"]
        filters.append({"multi_match": {"query": query.text, "fields": fields, "type": "phrase_prefix"}})
    return {"bool": {"filter": filters}}


def _view(name: str, who: str) -> dict[str, Any]:
    unclosed = {"terms": {"soc.alert.status": [state for state in STATES if state != "closed"]}}
    match name:
        case "mine":
            return {"bool": {"filter": [unclosed, {"term": {"soc.alert.assignee": who}}]}}
        case "unassigned":
            return {"bool": {"filter": [unclosed], "must_not": {"exists": {"field": "soc.alert.assignee"}}}}
        case "reopened":
            return {"term": {"soc.alert.status": "reopened"}}
        case "overdue":
            minute = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
            return {"bool": {"filter": [unclosed, {"range": {"soc.alert.due_24h": {"lt": minute}}}]}}
        case "closed":
            return {"term": {"soc.alert.status": "closed"}}
        case "all":
            return {"match_all": {}}
    return unclosed
