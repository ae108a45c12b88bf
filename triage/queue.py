"""queue: which alerts wait, the worst first.

In:   what an analyst filters by
Out:  one page of alerts
Docs: OpenSearch query DSL; docs/decisions/0011-triage.md

The indices lie in the order of the queue (`index.sort` in dashboards/templates/soc-alerts.json), so that a search by
risk ends as soon as the page is full; the rows come from columns (`triage.rows`), the counts from elsewhere
(`triage.queue_counts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch

from triage import rows
from triage.life import STATES

PAGE = 50
DEEPEST = 10_000
"""Alerts that OpenSearch pages through; nobody turns so many pages, one filters."""
COUNTED = 1_000
"""Alerts that fit, as far as they are counted: to count on would be to look at all of them, which the order saves."""
SORTS: Mapping[str, list[dict[str, Any]]] = {
    "risk": [{"soc.alert.risk_score": "desc"}, {"soc.alert.last_seen": "desc"}],
    "newest": [{"soc.alert.raised_at": "desc"}],
    "oldest": [{"soc.alert.raised_at": "asc"}],
    "count": [{"soc.alert.count": "desc"}, {"soc.alert.last_seen": "desc"}],
}


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
    """Sources, with what `triage.rows` reads of them."""
    total: int
    more_than: bool
    """`total` is a lower bound."""


def read(client: OpenSearch, alias: str, query: Query, who: str) -> Page:
    found = client.search(index=alias, body=body(query, who))["hits"]
    total = found["total"]
    return Page(rows.of(client, alias, found["hits"]), total["value"], total["relation"] == "gte")


def body(query: Query, who: str) -> dict[str, Any]:
    page = min(max(query.page, 1), DEEPEST // PAGE)
    return {
        "query": condition(query, who),
        "sort": order(query),
        "from": (page - 1) * PAGE,
        "size": PAGE,
        # One more than the page shows says that there is a next one.
        "track_total_hits": max(COUNTED, page * PAGE + 1),
        **rows.ASKED,
    }


def order(query: Query) -> list[dict[str, str]]:
    """The fields by which alerts follow each other; the id settles what is equal in all others."""
    return [*SORTS.get(query.sort, SORTS["risk"]), {"soc.alert.id": "asc"}]


def condition(query: Query, who: str) -> dict[str, Any]:
    terms = {
        "soc.alert.severity": query.severity,
        "service.name": query.service,
        "organization.name": query.owner,
        "rule.id": query.rule,
        "soc.alert.entity.value": query.entity,
        "soc.alert.tags": query.tag,
    }
    filters = [in_view(query.view, who), *({"term": {name: value}} for name, value in terms.items() if value)]
    if query.text:
        fields = ["soc.alert.reason_vi", "soc.alert.reason", "rule.name.text"]
        filters.append({"multi_match": {"query": query.text, "fields": fields, "type": "phrase_prefix"}})
    return {"bool": {"filter": filters}}


def in_view(name: str, who: str) -> dict[str, Any]:
    """The filter of one of `VIEWS`."""
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
