r"""authentik: events and requests of authentik (single sign-on) in JSON.

In:   messages that are one JSON object with `event` and a `logger` of `authentik.`
Out:  `user.name`, `user.id`, `user.email`, `source.ip`, `event.action`, `url.*`, `http.*`; the rest as `authentik.*`
Docs: authentik documentation, "Events"; authentik/events/models.py, EventAction; flows/stage.py
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines, urls
from ingest.formats.json_lines import Document
from ingest.formats.labels import one_of, when
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "timestamp": "@timestamp",
    "event": "message",
    "level": "log.level",
    "logger": "log.logger",
    "pid": "process.pid",
    "client_ip": "source.address",
    "remote": "source.address",
    "host": "url.domain",
    "domain_url": "url.domain",
    "action": "event.action",
    "user.username": "user.name",
    "user.pk": "user.id",
    "user.email": "user.email",
    "identifier": "user.name",
    "context.username": "user.name",
    "username": "user.name",
    "method": "http.request.method",
    "context.http_request.method": "http.request.method",
    "context.http_request.path": "url.original",
    "scheme": "url.scheme",
    "status": "http.response.status_code",
    "user_agent": "user_agent.original",
    "request_id": "http.request.id",
}
FAILED = ("login_failed", "invalid_identifier", "suspicious_request", "policy_exception", "system_exception")
LOGIN = ("login", "login_failed", "invalid_identifier", "authorize_application", "source_linked")


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not str(document.get("logger")).startswith("authentik.") or not isinstance(document.get("event"), str):
        return None
    if isinstance(user := document.get("user"), str):
        document = {**document, "user.username": user}
        document.pop("user")
    event = renamed(document, NAMES, "authentik")
    if "status" in document and document["event"].startswith("/"):  # a request, whose text is its target
        event["url.original"] = document["event"]
    return event


def finish(columns: Columns, context: Context) -> Columns:
    action = columns["event.action"]
    status = columns["http.response.status_code"]
    request = pc.and_(action.is_null(), status.is_valid())
    login, ended = one_of(action, *LOGIN), one_of(action, "logout")
    refused = pc.or_(one_of(action, *FAILED), pc.greater_equal(status.cast(pa.int64()), 400).fill_null(False))
    kind = pc.if_else(login, 0, pc.if_else(ended, 1, pc.if_else(request, 2, 3)))
    return {
        **{
            name: column
            for name, column in urls.split(columns["url.original"]).items()
            if name not in ("url.domain", "url.scheme")
        },
        "event.action": pc.coalesce(action, when(request, "http-request")),
        "event.category": pa.array([["authentication"], ["session"], ["web"], None], TEXTS).take(kind),
        "event.type": pa.array([["start"], ["end"], ["access"], ["info"]], TEXTS).take(kind),
        "event.outcome": when(
            pc.or_(pc.or_(login, ended), pc.or_(request, refused)), pc.if_else(refused, "failure", "success")
        ),
    }


PARSER = Parser(
    module="authentik",
    dataset="authentik.log",
    signature=r'\s*\{.*"event" ?: ?".*"logger" ?: ?"authentik\.',
    read=read,
    finish=finish,
)
