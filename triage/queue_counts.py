"""queue_counts: how many alerts there are, by view, severity and system.

In:   a view of the queue and who looks at it
Out:  `Counts`
Docs: OpenSearch aggregations, shard request cache; docs/decisions/0011-triage.md

To count is to look at all that waits, which no analyst does for themselves: one answer serves all of them for
`KEPT_SECONDS`. The request cache answers for the indices that did not change; it keeps nothing that hangs on `now`,
so a view that does is told the minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from opensearchpy import OpenSearch

from detectors.alert import SEVERITIES
from hamrong.errors import ServiceError
from triage.queue import in_view

KEPT_SECONDS = 2.0
MOST = 1_000
"""People, and answers that are kept."""
COUNTED = ("waiting", "unassigned", "reopened", "overdue")
"""Views of what waits that are everybody's."""


@dataclass(frozen=True)
class Counts:
    severity: dict[str, int]
    """Of the view that is shown."""
    service: dict[str, int]
    """The same; its fifty largest."""
    view: dict[str, int]
    """Of `COUNTED`, whatever is shown; and of `mine`."""


class Counter:
    def __init__(self, client: OpenSearch, alias: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._alias = alias
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Counts, dict[str, int]]] = {}
        """Until when, what, and how many of the waiting ones each person has."""

    def count(self, view: str, who: str) -> Counts:
        """As it was within the last seconds; longer ago while one thread counts anew."""
        key = (view, who if view == "mine" else "")
        until, counts, mine = self._kept.get(key, (0.0, None, {}))
        if counts is None or self._clock() >= until:
            if counts is not None:
                # The others go on with what was.
                self._kept[key] = (self._clock() + KEPT_SECONDS, counts, mine)
            if len(self._kept) >= MOST:
                self._kept.clear()
            counts, mine = self._ask(view, who)
            self._kept[key] = (self._clock() + KEPT_SECONDS, counts, mine)
        return replace(counts, view={**counts.view, "mine": mine.get(who, 0)})

    def forget(self) -> None:
        """Something was changed here, and who changed it looks at once."""
        self._kept.clear()

    def _ask(self, view: str, who: str) -> tuple[Counts, dict[str, int]]:
        shown = {
            "severity": {"terms": {"field": "soc.alert.severity", "size": len(SEVERITIES)}},
            "service": {"terms": {"field": "service.name", "size": 50}},
        }
        waiting = {
            "view": {"filters": {"filters": {name: in_view(name, who) for name in COUNTED}}},
            "mine": {"terms": {"field": "soc.alert.assignee", "size": MOST}},
        }
        asked: list[dict[str, Any]] = []
        for query, groups in ((in_view(view, who), shown), (in_view("waiting", who), waiting)):
            asked.append({"index": self._alias, "request_cache": True})
            asked.append({"query": query, "aggs": groups, "size": 0, "track_total_hits": False})
        answers = self._client.msearch(body=asked)["responses"]
        for answer in answers:
            if "error" in answer:
                raise ServiceError(f"OpenSearch cannot count the alerts: {answer['error']}")
        of_view, of_waiting = (answer["aggregations"] for answer in answers)
        counted = {name: one["doc_count"] for name, one in of_waiting["view"]["buckets"].items()}
        counts = Counts(_by_key(of_view["severity"]), _by_key(of_view["service"]), counted)
        return counts, _by_key(of_waiting["mine"])


def _by_key(group: dict[str, Any]) -> dict[str, int]:
    return {one["key"]: one["doc_count"] for one in group["buckets"]}
