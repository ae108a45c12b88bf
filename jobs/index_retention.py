"""index_retention: what lies in OpenSearch, no longer than it should.

In:   the monthly indices of alerts, of what sources sent, and of the audit
Out:  the same without what has been kept long enough
Docs: docs/guide/deploy.md, "How long"; OpenSearch delete by query

An alert is kept by the level of its system, and never dropped before it is closed. Each step may be killed and run
again: what is gone stays gone, and the next run does the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch, OpenSearchException

from hamrong.config import Config
from hamrong.config import OpenSearch as Settings
from hamrong.errors import ServiceError
from triage import store

AUDIT = "soc-audit"
CLOSED = {"term": {"soc.alert.status": "closed"}}


@dataclass(frozen=True)
class Kept:
    """What was done to the indices of one name."""

    name: str
    indices_dropped: tuple[str, ...]
    alerts_deleted: int = 0

    def __str__(self) -> str:
        dropped = ", ".join(self.indices_dropped) or "none"
        return f"{self.name}: indices dropped: {dropped}; alerts deleted: {self.alerts_deleted:,}"


def months_of_level(settings: Settings) -> dict[int, int]:
    """Asset level -> months that its closed alerts are kept; 0 = for ever."""
    return {
        1: settings.keep_months_level_1,
        2: settings.keep_months_level_2,
        3: settings.keep_months_level_3,
        4: settings.keep_months_level_4,
        5: settings.keep_months_level_5,
    }


def keep(cfg: Config, now: datetime) -> list[Kept]:
    """Once over all indices. Raises ServiceError when OpenSearch is away or refuses."""
    settings = cfg.opensearch
    try:
        with store.client(settings) as client:
            return [
                *(
                    _alerts(client, alias, months_of_level(settings), now)
                    for alias in (settings.alerts_alias, settings.shadow_alias)
                ),
                _whole(client, settings.sources_index, settings.keep_months_sources, now),
                _whole(client, AUDIT, settings.keep_months_audit, now),
            ]
    except OpenSearchException as error:
        raise ServiceError(f"{settings.url}: old indices cannot be dropped: {error}") from error


def months_before(now: datetime, months: int) -> datetime:
    """The first moment that is kept: whole months, so that each calendar month goes at once."""
    number = now.year * 12 + now.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _alerts(client: OpenSearch, alias: str, levels: Mapping[int, int], now: datetime) -> Kept:
    indices = _months(client, alias)
    longest = 0 if 0 in levels.values() else max(levels.values())
    deleted = sum(
        _delete(client, _older(indices, months, now), [CLOSED, {"term": {"soc.alert.asset_level": level}}])
        for level, months in levels.items()
    )
    last = _older(indices, longest, now)
    # Of no known level too. One by one, as OpenSearch deletes none that an analyst reopens at this moment.
    deleted += _delete(client, last, [CLOSED])
    dropped = [index for index in last if not client.count(index=index)["count"]]
    for index in dropped:
        client.indices.delete(index=index)
    return Kept(alias, tuple(dropped), deleted)


def _delete(client: OpenSearch, indices: list[str], filters: list[dict[str, Any]]) -> int:
    if not indices:
        return 0
    body = {"query": {"bool": {"filter": filters}}}
    answer = client.delete_by_query(
        index=",".join(indices), body=body, conflicts="proceed", refresh=True, request_timeout=600
    )
    return int(answer["deleted"])


def _whole(client: OpenSearch, prefix: str, months: int, now: datetime) -> Kept:
    old = _older(_months(client, prefix), months, now)
    for index in old:
        client.indices.delete(index=index)
    return Kept(prefix, tuple(old))


def _months(client: OpenSearch, prefix: str) -> dict[str, datetime]:
    """Indices `prefix-YYYY.MM` by name, and the month that each holds; others of a like name are not ours."""
    found: dict[str, Any] = client.indices.get_settings(index=f"{prefix}-*", allow_no_indices=True)
    months = {}
    for name in sorted(found):
        if match := re.fullmatch(re.escape(prefix) + r"-(\d{4})\.(0[1-9]|1[0-2])", name):
            months[name] = datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)
    return months


def _older(indices: Mapping[str, datetime], months: int, now: datetime) -> list[str]:
    """Indices whose whole month is no longer kept; 0 months = for ever."""
    if not months:
        return []
    first_kept = months_before(now, months)
    return [name for name, month in indices.items() if month < first_kept]
