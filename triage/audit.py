"""audit: who looked at whose data, and who changed what.

In:   one act of a person at the alert pages
Out:  a document in `soc-audit-YYYY.MM`, which no page changes or deletes
Docs: Law on Personal Data Protection 91/2025/QH15; ECS event.kind "event", event.category "iam" and "database"

Written before the answer is given: what cannot be audited is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch, OpenSearchException

from detectors.alert import iso
from hamrong.errors import ServiceError


@dataclass(frozen=True)
class Act:
    who: str
    action: str
    """A view or a change: `queue-view`, `alert-view`, `alert-close`, `entity-view`, `log-in` …"""
    address: str
    outcome: str = "success"
    about: Mapping[str, str] | None = None
    """Dotted fields: `soc.alert.id`, `soc.alert.entity.value` …"""
    note: str = ""


class Audit:
    def __init__(self, client: OpenSearch, prefix: str = "soc-audit") -> None:
        self._client = client
        self._prefix = prefix

    def record(self, act: Act, now: datetime | None = None) -> None:
        """Raises ServiceError when it cannot be written."""
        moment = (now or datetime.now(UTC)).astimezone(UTC)
        document: dict[str, Any] = {
            "@timestamp": iso(moment),
            "event.kind": "event",
            "event.dataset": "soc.audit",
            "event.category": ["iam"] if act.action.startswith("log-") else ["database"],
            "event.action": act.action,
            "event.outcome": act.outcome,
            "user.name": act.who,
            "client.ip": act.address,
            "message": act.note,
            **(act.about or {}),
        }
        try:
            self._client.index(
                index=f"{self._prefix}-{moment:%Y.%m}",
                body={name: value for name, value in document.items() if value not in ("", None)},
            )
        except OpenSearchException as error:
            raise ServiceError(f"the audit trail cannot be written, so nothing is shown: {error}") from error
