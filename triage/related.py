"""related: what else is known of the one that an alert is about.

In:   an entity; an alert's id
Out:  alerts, newest first; what they add up to
Docs: OpenSearch aggregations
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch

from hamrong import zone
from triage import rows

AROUND = timedelta(hours=24)
MOST = 100


def around(client: OpenSearch, alias: str, kind: str, value: str, moment: str) -> list[dict[str, Any]]:
    """Alerts of the entity within a day before and after, and those whose evidence names it; oldest first."""
    at = datetime.fromisoformat(moment)
    span = {"gte": (at - AROUND).isoformat(), "lte": (at + AROUND).isoformat()}
    body = {
        "query": {"bool": {"filter": [_of(kind, value), {"range": {"soc.alert.last_seen": span}}]}},
        "sort": [{"soc.alert.last_seen": "desc"}, {"soc.alert.id": "asc"}],
        "size": MOST,
        **rows.ASKED,
    }
    return _found(client, alias, body)[::-1]


def successors(client: OpenSearch, alias: str, identity: str) -> list[dict[str, Any]]:
    """Alerts that were opened because this one had been closed and fired again."""
    body = {"query": {"term": {"soc.alert.previous": identity}}, "size": 10, **rows.ASKED}
    return _found(client, alias, body)


def _found(client: OpenSearch, alias: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    return rows.of(client, alias, client.search(index=alias, body=body)["hits"]["hits"])


def _of(kind: str, value: str) -> dict[str, Any]:
    """An alert about it, or one that names it."""
    should: list[dict[str, Any]] = [{"term": {"soc.alert.entity.value": value}}]
    named = {
        "source.ip": "related.ip",
        "destination.ip": "related.ip",
        "user.name": "related.user",
        "host.name": "related.hosts",
    }.get(kind)
    # An address that is none would make the search of the field of addresses fail.
    if named and (named != "related.ip" or _is_address(value)):
        should.append({"term": {named: value}})
    return {"bool": {"should": should, "minimum_should_match": 1}}


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Known:
    """All that the alerts say of one entity."""

    alerts: list[dict[str, Any]]
    """The newest hundred, newest first."""
    total: int
    first_seen: str
    last_seen: str
    highest_risk: int
    statuses: dict[str, int]
    verdicts: dict[str, int]
    systems: dict[str, int]
    rules: dict[str, int]
    days: list[tuple[str, int, int]]
    """(day, alerts, highest risk), oldest first, at most 90."""


def known(client: OpenSearch, alias: str, kind: str, value: str) -> Known:
    def terms(field: str) -> dict[str, Any]:
        return {"terms": {"field": field, "size": 20}}

    body = {
        "query": {"bool": {"filter": [_of(kind, value)]}},
        "sort": [{"soc.alert.last_seen": "desc"}, {"soc.alert.id": "asc"}],
        "size": MOST,
        **rows.ASKED,
        "track_total_hits": True,
        "aggs": {
            "first": {"min": {"field": "soc.alert.first_seen"}},
            "last": {"max": {"field": "soc.alert.last_seen"}},
            "risk": {"max": {"field": "soc.alert.risk_score"}},
            "statuses": terms("soc.alert.status"),
            "verdicts": terms("soc.alert.verdict"),
            "systems": terms("service.name"),
            "rules": terms("rule.name"),
            "days": {
                "date_histogram": {
                    "field": "soc.alert.first_seen",
                    "calendar_interval": "day",
                    "time_zone": zone.NAME,
                    "min_doc_count": 1,
                    "format": "yyyy-MM-dd",
                },
                "aggs": {"risk": {"max": {"field": "soc.alert.risk_score"}}},
            },
        },
    }
    answer = client.search(index=alias, body=body)
    made = answer["aggregations"]

    def counted(name: str) -> dict[str, int]:
        return {one["key"]: one["doc_count"] for one in made[name]["buckets"]}

    return Known(
        rows.of(client, alias, answer["hits"]["hits"]),
        answer["hits"]["total"]["value"],
        made["first"].get("value_as_string", ""),
        made["last"].get("value_as_string", ""),
        int(made["risk"]["value"] or 0),
        counted("statuses"),
        counted("verdicts"),
        counted("systems"),
        counted("rules"),
        [(day["key_as_string"], day["doc_count"], int(day["risk"]["value"] or 0)) for day in made["days"]["buckets"]][
            -90:
        ],
    )
