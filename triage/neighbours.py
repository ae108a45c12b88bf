"""neighbours: which alert comes before, and which after one in a queue.

In:   what the queue is filtered and sorted by; an alert, which may have left that queue meanwhile
Out:  ids
Docs: OpenSearch, search_after
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opensearchpy import OpenSearch

from triage.queue import Query, condition, order

DATES = ("last_seen", "raised_at")


@dataclass(frozen=True)
class Neighbours:
    before: str = ""
    """"" at the queue's head."""
    after: str = ""
    """"" at its end."""


def of(client: OpenSearch, alias: str, query: Query, who: str, alert: Mapping[str, Any]) -> Neighbours:
    """By the alert's place in the queue's order: who closes it finds the next one there."""
    forward = order(query)
    names = [name for key in forward for name in key]
    place = [_value(alert, name.removeprefix("soc.alert.")) for name in names]
    turned = [{name: "asc" if way == "desc" else "desc"} for key in forward for name, way in key.items()]
    asked: list[dict[str, Any]] = []
    for sort in (turned, forward):
        # search_after leaves out the place itself: no alert is its own neighbour.
        body = {"query": condition(query, who), "sort": sort, "search_after": place, "size": 1}
        asked += [{"index": alias}, {**body, "_source": False, "track_total_hits": False}]
    answers = client.msearch(body=asked)["responses"]
    found = [[hit["_id"] for hit in answer.get("hits", {}).get("hits", ())] for answer in answers]
    return Neighbours(*(ids[0] if ids else "" for ids in found))


def _value(alert: Mapping[str, Any], name: str) -> Any:
    value = alert[name]
    return int(datetime.fromisoformat(value).timestamp() * 1000) if name in DATES else value
