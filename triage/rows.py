"""rows: alerts as lists show them, read from columns.

In:   a search that asks for `ASKED`
Out:  sources with no more in them than a list shows
Docs: OpenSearch, docvalue_fields, ignore_above; docs/decisions/0011-triage.md

A source is read and parsed whole, and nine tenths of an alert are its sample events. A text longer than its field's
`ignore_above` is in no column: of such an alert the source is read after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opensearchpy import OpenSearch

NEEDED = ("soc.alert.entity.value", "soc.alert.reason.keyword", "soc.alert.reason_vi.keyword")
"""What every alert has, however long it is."""
COLUMNS = (
    *("soc.alert.id", *NEEDED),
    *("soc.alert.status", "soc.alert.verdict", "soc.alert.severity", "soc.alert.risk_score", "soc.alert.count"),
    *("soc.alert.first_seen", "soc.alert.last_seen", "soc.alert.assignee", "soc.alert.entity.type", "service.name"),
)
REVISION = "soc.alert.history.when"
"""As many as there are entries."""
_PATHS = {name: name.removesuffix(".keyword").split(".") for name in (*COLUMNS, REVISION)}
ASKED: Mapping[str, Any] = {"_source": False, "stored_fields": "_none_", "docvalue_fields": [*COLUMNS, REVISION]}
"""To be merged into a search's body."""


def of(client: OpenSearch, index: str, hits: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `hits`, in their order."""
    found = {hit["fields"]["soc.alert.id"][0]: hit["fields"] for hit in hits}
    long = [identity for identity, fields in found.items() if any(name not in fields for name in NEEDED)]
    whole = _sources(client, index, long) if long else {}
    return [whole.get(identity) or _row(fields) for identity, fields in found.items()]


def _row(fields: Mapping[str, list[Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in COLUMNS:
        if name in fields:
            _put(row, _PATHS[name], fields[name][0])
    row["soc"]["alert"]["history"] = [{"when": when} for when in fields.get(REVISION, ())]
    return row


def _put(row: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        row = row.setdefault(part, {})
    row[path[-1]] = value


def _sources(client: OpenSearch, index: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    shown = [".".join(path) for path in _PATHS.values()]
    body = {"query": {"ids": {"values": ids}}, "size": len(ids), "_source": shown}
    return {hit["_id"]: hit["_source"] for hit in client.search(index=index, body=body)["hits"]["hits"]}
