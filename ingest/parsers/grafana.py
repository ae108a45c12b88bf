r"""grafana: what Grafana's server logs: log-ins and requests.

In:   `logger=context userId=0 orgId=0 uname= t=2026-03-05T08:15:02.113+07:00 level=error msg="..." ...`, and the same
      as JSON
Out:  `source.*`, `user.name`, `user.id`, `http.*`, `url.*`, `log.*`, `event.reason`; the rest as `grafana.log.*`
Docs: Grafana documentation, "Configure Grafana", [log]; pkg/services/contexthandler
"""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_true
from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import key_value, urls
from ingest.formats.key_value import Pairs
from ingest.formats.labels import when
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "source.address": ("remote_addr",),
    "user.name": ("uname", "User", "user", "username"),
    "user.id": ("userId",),
    "log.level": ("level", "lvl"),
    "log.logger": ("logger",),
    "message": ("msg",),
    "http.request.method": ("method",),
    "http.response.status_code": ("status",),
    "http.response.body.bytes": ("size",),
    "http.request.referrer": ("referer",),
    "url.original": ("path",),
}
FAILED_LOGIN = r"(?i)invalid username or password|failed to authenticate|login failed|failed login|too many .*login"
LOGGED_IN = r"(?i)^successful login"


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(_as_pairs(messages))
    rows = np.flatnonzero(is_true(pc.and_(pairs.column("logger").is_valid(), pairs.column("msg").is_valid())))
    return rows, _columns(pairs.take(rows), context.take(rows)) if len(rows) else {}


def _as_pairs(messages: pa.Array) -> pa.Array:
    """Of JSON the same pairs, as Grafana's own console form would write them."""
    begins = is_true(pc.starts_with(pc.utf8_ltrim_whitespace(messages), "{"))
    if not begins.any():
        return messages
    texts = [_pairs_of(text) if json else text for text, json in zip(messages.to_pylist(), begins, strict=True)]
    return pa.array(texts, TEXT)


def _pairs_of(text: str) -> str | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    # Only Grafana's pairs have its stamp `t`: Caddy and others have a `logger` and a `msg` too.
    if not isinstance(document, dict) or not isinstance(document.get("t"), str):
        return None
    return " ".join(f"{name}={_written(value)}" for name, value in document.items() if value is not None)


def _written(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return '"' + text.replace('"', '\\"') + '"'


def _columns(pairs: Pairs, context: Context) -> Columns:
    columns = pairs.columns(NAMES)
    message = columns["message"]
    failed = pc.match_substring_regex(message, FAILED_LOGIN)
    login = pc.or_(failed, pc.match_substring_regex(message, LOGGED_IN))
    status = columns.get("http.response.status_code", pa.nulls(pairs.count, TEXT))
    request = pc.match_substring_regex(status, "^[1-5][0-9]{2}$").fill_null(False)
    code = when(request, status).cast(LONG)
    denied = pc.or_(failed, pc.greater_equal(code, 400).fill_null(False))
    kind = pc.if_else(login, 0, pc.if_else(request, 1, 2))
    if "url.original" in columns:
        columns |= urls.split(columns["url.original"])
    if "user.id" in columns:
        columns["user.id"] = when(pc.not_equal(columns["user.id"], "0"), columns["user.id"])
    return columns | {
        "http.response.status_code": code,
        "@timestamp": stamps.iso(pairs.column("t"), context.zone),
        "event.action": pa.array(["login", "http-request", "grafana-note"], TEXT).take(kind),
        "event.category": pa.array([["authentication"], ["web"], None], TEXTS).take(kind),
        "event.type": pa.array([["start"], ["access"], ["info"]], TEXTS).take(kind),
        "event.outcome": when(pc.or_(login, request), pc.if_else(denied, "failure", "success")),
        "event.reason": pairs.column("error"),
        "vendor": pairs.others("grafana.log.", [name for names in NAMES.values() for name in names] + ["t", "error"]),
    }


PARSER = Parser(
    module="grafana",
    dataset="grafana.log",
    signature=r'logger=[a-zA-Z0-9_.-]+ |\s*\{.*"logger" ?: ?".*"msg" ?: ?".*"t" ?: ?"',
    programs=("grafana", "grafana-server"),
    read=read,
)
