"""rule_counts: what came of each rule's alerts.

In:   alerts of the last days
Out:  by rule id: alerts, closed ones, false positives, when it last fired
"""

from __future__ import annotations

from dataclasses import dataclass

from opensearchpy import OpenSearch

MOST = 10_000
"""Rules."""


@dataclass(frozen=True)
class Counted:
    alerts: int = 0
    closed: int = 0
    false_positives: int = 0
    last_seen: str = ""

    @property
    def false_share(self) -> float | None:
        """Of the closed ones; None while nobody has judged any."""
        return self.false_positives / self.closed if self.closed else None


def read(client: OpenSearch, alias: str, days: int) -> dict[str, Counted]:
    body = {
        "size": 0,
        "query": {"range": {"soc.alert.last_seen": {"gte": f"now-{days}d/h"}}},
        "aggs": {
            "rules": {
                "terms": {"field": "rule.id", "size": MOST},
                "aggs": {
                    "closed": {"filter": {"term": {"soc.alert.status": "closed"}}},
                    "false": {"filter": {"term": {"soc.alert.verdict": "false_positive"}}},
                    "last": {"max": {"field": "soc.alert.last_seen"}},
                },
            }
        },
    }
    buckets = client.search(index=alias, body=body, request_cache=True)["aggregations"]["rules"]["buckets"]
    return {
        one["key"]: Counted(
            one["doc_count"],
            one["closed"]["doc_count"],
            one["false"]["doc_count"],
            one["last"].get("value_as_string", ""),
        )
        for one in buckets
    }
