"""web_requests: what every line of a request says, whatever server wrote it.

In:   `url.original`, `url.domain`, `http.request.method`, `http.response.status_code`
Out:  `url.*` split, `event.outcome`, `event.action`, `event.category`, `event.type`
Docs: ECS event.category "web"; RFC 9110 §15
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import typed
from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import urls


def complete(columns: Columns) -> Columns:
    """A host or port that the server names goes before the target's own; a CONNECT has a host for a target."""
    target = columns["url.original"]
    rows = len(target)
    nothing = pa.scalar(None, TEXT)
    connect = pc.equal(columns["http.request.method"], "CONNECT").fill_null(False)
    url = urls.split(pc.if_else(connect, nothing, target))
    aim = urls.authority(pc.if_else(connect, target, nothing))
    named = urls.authority(columns["url.domain"])
    failed = pc.greater_equal(typed(columns["http.response.status_code"], LONG), 400)
    kinds = pa.array([["access"], ["access", "error"]], TEXTS)
    return {
        **url,
        "url.domain": pc.coalesce(named["url.domain"], url["url.domain"], aim["url.domain"]),
        "url.port": pc.coalesce(columns["url.port"].cast(TEXT), named["url.port"], url["url.port"], aim["url.port"]),
        "url.scheme": pc.coalesce(columns["url.scheme"], url["url.scheme"]),
        "event.action": pa.repeat(pa.scalar("http-request"), rows),
        "event.category": pa.array([["web"]] * rows, TEXTS),
        "event.outcome": pc.if_else(failed, "failure", "success"),
        "event.type": kinds.take(failed.fill_null(False).cast(pa.int8())),
        "network.protocol": pa.repeat(pa.scalar("http"), rows),
    }
