r"""wso2_api: the calls that WSO2 API Manager passes on: who asked which service, with what answer -> ECS.

In:   API logs, `... {API_LOG} name - {"sourceIP": ...}`, and analytics events, `... apim:response, properties :{...}`
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `wso2.api.*`; citizens' identity numbers masked
Docs: WSO2 API Manager, "Monitoring API Logs", "ELK Based Analytics Installation Guide"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import identity, json_lines, urls
from ingest.formats.json_lines import Document
from ingest.lines import Context, Parsed, Parser

# What stands before the object: the stamp of an API log, or the kind of an analytics event.
FORM = (
    r"(?s)^[^{]*?(?:\[(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[.,][0-9]{3})\])?[^{]*?"
    r"(?:\{API_LOG\} (?P<name>.*?) - |apim:(?P<kind>response|faulty), properties ?: ?)(?P<object>\{.*\})\s*$"
)
NAMES = {
    "userIp": "source.address", "sourceIP": "source.address", "userName": "user.name",
    "userAgent": "user_agent.original", "apiMethod": "http.request.method", "verb": "http.request.method",
    "proxyResponseCode": "http.response.status_code", "statusCode": "http.response.status_code",
    "correlationId": "http.request.id", "apiTo": "url.original", "requestTimestamp": "@timestamp",
    "errorMessage": "event.reason", "destination": "wso2.api.destination", "apiName": "wso2.api.name",
    "apiVersion": "wso2.api.version", "apiContext": "wso2.api.context", "apiResourceTemplate": "wso2.api.resource",
    "applicationName": "wso2.application.name", "applicationOwner": "wso2.application.owner",
    "errorType": "wso2.api.error.type", "errorCode": "wso2.api.error.code", "flow": "wso2.api.flow",
    "targetResponseCode": "wso2.api.target.status_code", "keyType": "wso2.api.key_type",
    "responseLatency": "wso2.api.latency",
}  # fmt: skip
UNSAID = ("", "null", "UNKNOWN", "UNAUTHENTICATED", "undefined")


def read(messages: pa.Array, context: Context) -> Parsed:
    parts = captured(pc.extract_regex(messages, FORM))
    rows, columns = json_lines.read(parts["object"], context.zone, _renamed)
    at = pa.array(rows)
    stamp = stamps.iso(parts["stamp"].take(at), context.zone.take(at))
    own = columns.get("@timestamp")
    name = parts["name"].take(at)
    columns |= {
        "@timestamp": stamp if own is None else pc.coalesce(own, stamp),
        "wso2.api.name": name,
        "message": messages.take(at),
        **_answer(columns, len(rows), parts["kind"].take(at)),
    }
    return rows, columns | identity.masked(columns)


def _renamed(document: Document) -> Document | None:
    """A gateway's API log writes the target without its first slash."""
    named = {NAMES[key]: value for key, value in document.items() if key in NAMES and value not in UNSAID}
    if isinstance(target := named.get("url.original"), str) and not target.startswith("/"):
        named["url.original"] = f"/{target}"
    if "url.original" not in named and isinstance(context := document.get("apiContext"), str):
        named["url.original"] = f"{context}{document.get('apiResourceTemplate') or ''}"
    return named if "http.request.method" in named or "http.response.status_code" in named else None


def _answer(columns: Columns, rows: int, kind: pa.Array) -> Columns:
    status = columns.get("http.response.status_code", pa.nulls(rows, pa.int64()))
    faulty = pc.if_else(pc.equal(kind, "faulty"), "failure", pa.scalar(None, TEXT))
    target = columns.get("url.original", pa.nulls(rows, TEXT))
    user = columns.get("user.name", pa.nulls(rows, TEXT))
    return {
        **urls.split(target),
        "event.action": pa.repeat(pa.scalar("api-call"), rows),
        "event.category": pa.array([["api", "web"]] * rows, TEXTS),
        "event.type": pa.array([["access"]] * rows, TEXTS),
        "event.outcome": pc.coalesce(faulty, pc.if_else(pc.greater_equal(status, 400), "failure", "success")),
        "network.protocol": pa.repeat(pa.scalar("http"), rows),
        "user.name": pc.replace_substring_regex(user, r"@[^@]*$", ""),
        "user.domain": pc.struct_field(pc.extract_regex(user, r"@(?P<domain>[^@]+)$"), "domain"),
    }


PARSER = Parser(
    module="wso2",
    dataset="wso2.api",
    signature=r"[^{]*(?:\{API_LOG\} [^{]*- \{|apim:(?:response|faulty), properties ?: ?\{)",
    read=read,
)
