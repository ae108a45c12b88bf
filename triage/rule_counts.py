"""rule_counts: what came of each rule's alerts.

In:   alerts, of one index pattern or of several with commas between
Out:  by rule id: alerts and verdicts since a moment, and when it last fired at all

A false share is of the alerts that were judged: a duplicate says nothing of its rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch

MOST = 10_000
"""Buckets: more rules than anybody has."""
JUDGED = ("true_positive", "false_positive", "benign_expected")


@dataclass(frozen=True)
class Counted:
    alerts: int = 0
    """Raised since then; as are the next three."""
    closed: int = 0
    judged: int = 0
    false_positives: int = 0
    last_fired: str = ""
    """ISO 8601; "" = never, as far as alerts are kept."""

    @property
    def false_share(self) -> float | None:
        """None while nobody has judged any."""
        return self.false_positives / self.judged if self.judged else None


def read(client: OpenSearch, index: str, since: datetime) -> dict[str, Counted]:
    filters: dict[str, Any] = {
        "closed": {"term": {"soc.alert.status": "closed"}},
        "judged": {"terms": {"soc.alert.verdict": JUDGED}},
        "false_positives": {"term": {"soc.alert.verdict": "false_positive"}},
    }
    lately = {"range": {"soc.alert.raised_at": {"gte": since.isoformat()}}}
    groups = {
        "last": {"max": {"field": "soc.alert.last_seen"}},
        "lately": {"filter": lately, "aggs": {name: {"filter": query} for name, query in filters.items()}},
    }
    body = {"size": 0, "aggs": {"rules": {"terms": {"field": "rule.id", "size": MOST}, "aggs": groups}}}
    params = {"ignore_unavailable": "true", "allow_no_indices": "true", "request_cache": "true"}
    # Without any index there are no aggregations.
    found = client.search(index=index, body=body, params=params).get("aggregations", {})
    return {one["key"]: _counted(one, filters) for one in found.get("rules", {}).get("buckets", ())}


def _counted(bucket: dict[str, Any], filters: dict[str, Any]) -> Counted:
    last = datetime.fromtimestamp(bucket["last"]["value"] / 1000, UTC).isoformat(timespec="seconds")
    verdicts = {name: bucket["lately"][name]["doc_count"] for name in filters}
    return Counted(alerts=bucket["lately"]["doc_count"], last_fired=last, **verdicts)
