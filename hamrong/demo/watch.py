"""watch: the alerts that come up in OpenSearch, as an analyst's screen would find them.

In:   OpenSearch's search, asked several times a second
Out:  the alerts raised since a moment, each with the time at which a search first found it
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from opensearchpy import OpenSearch, OpenSearchException

POLL_SECONDS = 0.2
SHOWN = ("@timestamp", "rule.id", "rule.name", "service.name", "soc.alert.*")


class Watch:
    """Polls in a thread of its own inside `with`. `alerts` holds (alert, when found) by alert id."""

    def __init__(
        self, client: OpenSearch, alias: str, since: datetime, found: Callable[[dict[str, Any]], None]
    ) -> None:
        self.alerts: dict[str, tuple[dict[str, Any], float]] = {}
        self._client, self._alias, self._since, self._found = client, alias, since, found
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            for alert in self._search():
                self._take(alert)

    def moments(self) -> dict[tuple[str, str], float]:
        """(rule id, entity value) -> when a search first found it, in seconds of `time.monotonic`."""
        moments: dict[tuple[str, str], float] = {}
        for alert, moment in list(self.alerts.values()):
            key = (alert["rule"]["id"], alert["soc"]["alert"]["entity"]["value"])
            moments[key] = min(moment, moments.get(key, moment))
        return moments

    def _search(self) -> list[dict[str, Any]]:
        """Those not seen before, oldest first; nothing while OpenSearch is busy."""
        raised = {"gte": self._since.isoformat()}
        body = {
            "size": 1000,
            "query": {"bool": {
                "filter": {"range": {"soc.alert.raised_at": raised}},
                "must_not": {"ids": {"values": list(self.alerts)}},
            }},
            "sort": [{"soc.alert.raised_at": "asc"}],
            "_source": {"includes": SHOWN, "excludes": ["soc.alert.evidence"]},
        }  # fmt: skip
        try:
            answer = self._client.search(index=f"{self._alias}*", body=body)
        except OpenSearchException:
            return []
        return [hit["_source"] for hit in answer["hits"]["hits"]]

    def _take(self, alert: dict[str, Any]) -> None:
        self.alerts[alert["soc"]["alert"]["id"]] = (alert, time.monotonic())
        self._found(alert)
