"""store: alert documents in OpenSearch, written so that they only grow.

In:   alert documents (`detectors.alert`)
Out:  `soc-alerts-YYYY.MM`, by bulk requests
Docs: OpenSearch update API, scripted upsert; docs/decisions/0006-alerts.md

Promise: a replay changes nothing. `_id` is the alert's id, and of a document that is there values are set when the new
count is larger, never added. What an analyst wrote is never touched. An alert that was closed and fires again stays as
it is: a new one is opened that names it (`soc.alert.previous`); its id follows from the old one's, as a replay needs.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
from opensearchpy import OpenSearch, TransportError
from opensearchpy.helpers import streaming_bulk

from detectors.alert import index_name
from hamrong import config
from hamrong.credentials import basic

GROW = """
def alert = ctx._source.soc.alert;
if (alert.status == 'closed' && params.alert.last_seen.compareTo(alert.closed_at) > 0) { ctx.op = 'none'; return }
if (params.count <= alert.count) { ctx.op = 'none'; return }
if (params.alert.first_seen.compareTo(alert.first_seen) > 0) { params.alert.first_seen = alert.first_seen }
if (params.alert.last_seen.compareTo(alert.last_seen) < 0) { params.alert.last_seen = alert.last_seen }
if (params.alert.evidence.size() < alert.evidence.size()) { params.alert.evidence = alert.evidence }
alert.putAll(params.alert);
ctx._source.message = params.alert.reason_vi;
"""

SET_ONCE = {
    *(
        "id",
        "status",
        "verdict",
        "assignee",
        "history",
        "comments",
        "tags",
        "entity",
        "raised_at",
        "ruleset",
        "due_24h",
        "due_72h",
    ),
    *("acknowledged_at", "acknowledged_by", "closed_at", "closed_by", "incident", "previous"),
}
"""Values of `soc.alert` that only its first writing and the analysts set."""


CHUNK_BYTES = 10 << 20
"""Of one request: 500 alerts that are as large as may be are twenty times that, and a small heap has no room for it."""


def put(
    opensearch: OpenSearch, documents: Iterable[dict[str, Any]], alias: str
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Write each document; yields it with None, or with the reason why OpenSearch refuses it for good.

    Raises TransportError when OpenSearch is away, or does not take a document for a reason that is not the document's:
    then some are written, and all have to be put again.
    """
    kept = list(documents)
    actions = (_action(document, alias) for document in kept)
    answers = streaming_bulk(
        opensearch,
        actions,
        raise_on_error=False,
        max_retries=8,
        initial_backoff=1,
        max_backoff=15,
        chunk_size=500,
        max_chunk_bytes=CHUNK_BYTES,
    )
    again: list[dict[str, Any]] = []
    # What was asked again since OpenSearch had no room for it is answered after the others.
    waiting: dict[str, deque[dict[str, Any]]] = {}
    for document in kept:
        waiting.setdefault(document["soc"]["alert"]["id"], deque()).append(document)
    for accepted, answer in answers:
        result = answer["update"]
        document = waiting[result["_id"]].popleft()
        if not accepted and not _is_its_fault(result):
            raise TransportError(result.get("status", 500), "bulk", result.get("error"))
        if accepted and _fires_again(document, result["get"]["_source"]["soc"]["alert"]):
            again.append(_successor(document))
        else:
            yield document, None if accepted else orjson.dumps(result.get("error")).decode()
    if again:
        yield from put(opensearch, again, alias)


def _is_its_fault(result: dict[str, Any]) -> bool:
    """Whether OpenSearch would never take the document. Everything else passes or has to be mended: no room in its
    queue or on its disk, an index closed to writing, a right that is missing, no more shards allowed, a race that was
    lost too often."""
    error = result.get("error") or {}
    return result.get("status") == 400 and error.get("type") != "validation_exception"


def by_alias(documents: Iterable[dict[str, Any]], settings: config.OpenSearch) -> dict[str, list[dict[str, Any]]]:
    """The documents by where they belong: with the analysts, or in the shadow."""
    found: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        shadow = document["soc"]["alert"].get("shadow")
        found.setdefault(settings.shadow_alias if shadow else settings.alerts_alias, []).append(document)
    return found


def _fires_again(document: dict[str, Any], standing: dict[str, Any]) -> bool:
    """Whether something happened after an analyst had closed the alert, and not only before and was counted late."""
    return standing["status"] == "closed" and str(document["soc"]["alert"]["last_seen"]) > str(standing["closed_at"])


def _successor(document: dict[str, Any]) -> dict[str, Any]:
    old = document["soc"]["alert"]["id"]
    new = hashlib.sha256(f"{old} again".encode()).hexdigest()[:32]
    alert = {**document["soc"]["alert"], "id": new, "previous": old}
    return {**document, "event": {**document["event"], "id": new}, "soc": {**document["soc"], "alert": alert}}


def client(settings: config.OpenSearch) -> OpenSearch:
    """A client; usable in `with`. Retries when a connection breaks, before it raises."""
    return OpenSearch(
        settings.url,
        headers=basic(settings.user, settings.password),
        ca_certs=settings.ca_file or None,
        timeout=settings.timeout_seconds,
        # The alert pages have 40 threads (Starlette's); a connection beyond those that are kept is made for one
        # request.
        pool_maxsize=40,
        max_retries=5,
        retry_on_timeout=True,
    )


def _action(document: dict[str, Any], alias: str) -> dict[str, Any]:
    alert = document["soc"]["alert"]
    grown = {name: value for name, value in alert.items() if name not in SET_ONCE}
    return {
        "_op_type": "update",
        "_index": index_name(alias, datetime.fromisoformat(alert["window_start"]).astimezone(UTC)),
        "_id": alert["id"],
        "retry_on_conflict": 5,
        # The body of the update; what it asks to be told is `_source` there.
        "_source": {
            "script": {"source": GROW, "lang": "painless", "params": {"count": alert["count"], "alert": grown}},
            "upsert": document,
            "_source": ["soc.alert.status", "soc.alert.closed_at"],
        },
    }
