"""ledger: which alerts have gone out by which channel.

In:   a channel's name, an alert's id
Out:  `soc-notified`, one document a (channel, alert)
Docs: OpenSearch index API, `op_type=create`

Promise: at least once. A process that is killed between sending and noting it sends once more; no other repetition.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime

from opensearchpy import ConflictError, OpenSearch

from detectors.alert import iso

REMEMBERED = 100_000
"""An alert comes again whenever it grows; those lately sent need no look at OpenSearch."""


class Ledger:
    def __init__(self, client: OpenSearch, channel: str, index: str = "soc-notified") -> None:
        self._client = client
        self._channel = channel
        self._index = index
        self._done: OrderedDict[str, None] = OrderedDict()

    def claim(self, alert: str) -> bool:
        """Whether it is still to be sent."""
        if alert in self._done:
            return False
        name = f"{self._channel}:{alert}"
        body = {"channel": self._channel, "alert": alert, "sent": False, "@timestamp": iso(datetime.now(UTC))}
        try:
            self._client.index(index=self._index, id=name, body=body, op_type="create")
        except ConflictError:
            sent: bool = self._client.get(index=self._index, id=name)["_source"]["sent"]
            if sent:
                self._remember(alert)
            return not sent
        return True

    def sent(self, alert: str, why_not: str = "") -> None:
        """It is done with; `why_not` when the receiver refused it for good."""
        body = {
            "channel": self._channel,
            "alert": alert,
            "sent": True,
            "refused": why_not,
            "@timestamp": iso(datetime.now(UTC)),
        }
        self._client.index(index=self._index, id=f"{self._channel}:{alert}", body=body)
        self._remember(alert)

    def _remember(self, alert: str) -> None:
        self._done[alert] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
