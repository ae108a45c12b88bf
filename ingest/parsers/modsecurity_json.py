r"""modsecurity_json: ModSecurity's audit log as JSON, of version 2 and 3, and Coraza's -> http, url and rule fields.

In:   messages that are one JSON object with a `transaction`
Out:  as modsecurity.py
Docs: ModSecurity reference manual, SecAuditLogFormat; ModSecurity 3, Transaction::toJSON(); Coraza, JSON audit log
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, TIMESTAMP, Columns
from ingest.formats import json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

# The two versions by turns; where both have a key it means the same.
NAMES = {
    "transaction.client_ip": "source.address",
    "transaction.remote_address": "source.address",
    "transaction.client_port": "source.port",
    "transaction.remote_port": "source.port",
    "transaction.host_ip": "destination.address",
    "transaction.local_address": "destination.address",
    "transaction.host_port": "destination.port",
    "transaction.local_port": "destination.port",
    "transaction.unique_id": "modsecurity.unique_id",
    "transaction.transaction_id": "modsecurity.unique_id",
    "transaction.id": "modsecurity.unique_id",
    "transaction.request.method": "http.request.method",
    "transaction.request.uri": "url.original",
    "transaction.response.http_code": "http.response.status_code",
    "transaction.response.status": "http.response.status_code",
    "response.status": "http.response.status_code",
    "transaction.producer.secrules_engine": "modsecurity.engine",
}
HEADERS = {"user-agent": "user_agent.original", "host": "url.domain", "referer": "http.request.referrer"}
REQUEST_LINE = re.compile(r"([A-Z]{3,16}) (.*?)(?: HTTP/([0-9.]{1,5}))?")
ID, MESSAGE = re.compile(r'\[id "([0-9]+)"\]'), re.compile(r'\[msg "((?:[^"\\]|\\.)*)"\]')


def read(messages: pa.Array, context: Context) -> Parsed:
    written: list[str | None] = []

    def accept(document: Document) -> Document | None:
        if not any(name in document for name in ("transaction.client_ip", "transaction.remote_address")):
            return None
        stamp = document.get("transaction.time_stamp") or document.get("transaction.time")
        written.append(stamp if isinstance(stamp, str) else document.get("transaction.timestamp"))
        return _event(document)

    rows, columns = json_lines.read(messages, context.zone, accept)
    return rows, columns | {"@timestamp": _stamps(pa.array(map(_text, written), TEXT), context.take(rows))}


def _event(document: Document) -> Document:
    event = renamed(document, NAMES, "modsecurity")
    line = document.get("request.request_line")
    if isinstance(line, str) and (request := REQUEST_LINE.fullmatch(line)):
        event["http.request.method"], event["url.original"], event["http.version"] = request.groups()
    elif "transaction.request.http_version" in document:
        event["http.version"] = str(document["transaction.request.http_version"]).removeprefix("HTTP/") or None
    for name, value in document.items():
        _, found, header = name.rpartition("request.headers.")
        if found and (field := HEADERS.get(header.lower())):
            event[field] = value[0] if isinstance(value, list) and value else value
    _rule(event, document)
    intercepted = document.get("audit_data.action.intercepted", document.get("transaction.is_interrupted"))
    denied = intercepted is True or event.get("http.response.status_code") in (403, "403")
    return {name: value for name, value in event.items() if value is not None} | {
        "event.type": ["denied" if denied else "allowed"]
    }


def _rule(event: Document, document: Document) -> None:
    """Of the first message: version 3 has it in parts, version 2 as text."""
    messages: Any = document.get("transaction.messages") or document.get("messages")
    if isinstance(messages, list) and messages and isinstance(first := messages[0], dict):
        details = first.get("details") or first.get("data") or {}
        event["rule.name"] = first.get("message")
        if isinstance(details, dict):
            event["rule.id"] = details.get("ruleId") or details.get("id")
            event["modsecurity.severity"] = details.get("severity")
    texts = document.get("audit_data.messages")
    if isinstance(texts, list) and texts and isinstance(text := texts[0], str):
        event["event.reason"] = text
        for field, pattern in (("rule.id", ID), ("rule.name", MESSAGE)):
            if match := pattern.search(text):
                event[field] = match[1]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _stamps(written: pa.Array, context: Context) -> pa.Array:
    """`Thu Mar  5 08:15:02 2026`, `05/Mar/2026:08:15:02 +0700` (version 2, maybe with a fraction), `2026/03/05 ...`."""
    ctime = pc.replace_substring_regex(written, r"^[A-Z][a-z]{2} ", "")
    access = pc.replace_substring_regex(written, r"\.[0-9]+ ", " ")
    access = pc.if_else(pc.match_substring_regex(access, "^[0-9]{2}/[A-Z]"), access, pa.scalar(None, TEXT))
    readings = (
        stamps.bsd(ctime, context.received, context.zone),
        stamps.access_log(access),
        stamps.iso(written, context.zone),
    )
    return pc.coalesce(*readings, pa.nulls(len(written), TIMESTAMP))


def finish(columns: Columns, context: Context) -> Columns:
    rows = len(columns["event.type"])
    web = web_requests.complete(columns)
    denied = pc.equal(pc.list_element(columns["event.type"], 0), "denied")
    return {
        **web,
        "event.outcome": pc.if_else(denied, "failure", web["event.outcome"]),
        "event.action": pa.repeat(pa.scalar("waf-alert"), rows),
        "event.category": pa.array([["web", "intrusion_detection"]] * rows, TEXTS),
        "event.type": columns["event.type"],
    }


PARSER = Parser(
    module="modsecurity",
    dataset="modsecurity.auditlog",
    signature=r'\s*\{"(?:transaction|request|response|audit_data)" ?: ?\{',
    read=read,
    finish=finish,
)
