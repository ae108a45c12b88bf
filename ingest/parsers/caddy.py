r"""caddy: the access log and the handlers' messages of Caddy, Coraza's among them -> http, url and rule fields.

In:   messages that are one JSON object with a `logger` and a `msg`
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `tls.*`, `event.duration`; of Coraza `rule.*`; the rest as
      `caddy.log.*`
Docs: Caddy documentation, "How Logging Works"; Coraza, "Error log format"
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import epochs, json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "request.remote_port": "source.port",
    "request.method": "http.request.method",
    "request.host": "url.domain",
    "request.uri": "url.original",
    "request.tls.server_name": "tls.client.server_name",
    "user_id": "user.name",
    "status": "http.response.status_code",
    "size": "http.response.body.bytes",
    "bytes_read": "http.request.body.bytes",
    "level": "log.level",
    "logger": "log.logger",
    "error": "error.message",
}
TLS_VERSIONS = {769: "1.0", 770: "1.1", 771: "1.2", 772: "1.3"}
# Coraza writes the client first, and escapes quotes in what it quotes of a request.
CORAZA = re.compile(r'\[client "(?P<client>[^"]*)"\] Coraza: (?P<verdict>[^\[]*)')
TAG = {name: re.compile(rf' \[{name} "((?:[^"\\]|\\.)*)"\]') for name in ("id", "msg", "severity", "uri", "unique_id")}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("logger"), str) or not isinstance(message := document.get("msg"), str):
        return None
    if "t" in document and "ts" not in document:  # Grafana's stamp
        return None
    event = renamed(document, NAMES, "caddy.log")
    event["message"] = message
    if stamp := epochs.iso_text(document.get("ts")):
        event["@timestamp"] = stamp
    if isinstance(seconds := document.get("duration"), int | float) and 0 <= seconds < 1e9:
        event["event.duration"] = round(seconds * 1e9)
    _client(event, document)
    _headers(event, document)
    if coraza := CORAZA.match(message):
        _coraza(event, coraza, message)
    return event


def _client(event: Document, document: Document) -> None:
    """`client_ip` is Caddy's own judgement of the forwarded addresses; before 2.5 there was one address with a port."""
    address = document.get("request.client_ip") or document.get("request.remote_ip")
    if not address and isinstance(both := document.get("request.remote_addr"), str):
        address, _, event["source.port"] = both.rpartition(":")
    if isinstance(address, str):
        event["source.address"] = address.strip("[]")
    protocol = document.get("request.proto")
    if isinstance(protocol, str):
        event["http.version"] = protocol.removeprefix("HTTP/")
    if version := TLS_VERSIONS.get(document.get("request.tls.version", 0)):
        event["tls.version"] = version


def _headers(event: Document, document: Document) -> None:
    for name, field in (("User-Agent", "user_agent.original"), ("Referer", "http.request.referrer")):
        values = document.get(f"request.headers.{name}")
        if isinstance(values, list) and values:
            event[field] = values[0]


def _coraza(event: Document, start: re.Match[str], message: str) -> None:
    found = {name: match[1] for name, pattern in TAG.items() if (match := pattern.search(message))}
    event["source.address"] = start["client"]
    event["event.reason"] = start["verdict"].strip()
    names = {"id": "rule.id", "msg": "rule.name", "severity": "log.level", "uri": "url.original"}
    event |= {names.get(name, f"caddy.log.{name}"): value for name, value in found.items() if value}


def finish(columns: Columns, context: Context) -> Columns:
    request = columns["http.request.method"].is_valid()
    web = web_requests.complete(columns)
    ruled = columns["rule.id"].is_valid()
    denied = pc.starts_with(columns["event.reason"], "Access denied").fill_null(False)
    alert = pa.array([["allowed"], ["denied"]], TEXTS).take(denied.cast(pa.int8()))
    kept = {name: pc.if_else(request, values, pa.scalar(None, values.type)) for name, values in web.items()}
    return kept | {
        **{name: web[name] for name in web if name.startswith("url.")},
        "event.action": pc.if_else(ruled, "waf-alert", kept["event.action"]),
        "event.category": pc.if_else(ruled, pa.scalar(["web", "intrusion_detection"], TEXTS), kept["event.category"]),
        "event.type": pc.if_else(ruled, alert, kept["event.type"]),
        "event.dataset": pc.if_else(request, "caddy.access", pa.scalar("caddy.log", TEXT)),
    }


PARSER = Parser(
    module="caddy",
    dataset="caddy.log",
    programs=("caddy",),
    signature=r'\s*\{.*"logger" ?: ?".*"msg" ?: ?"',
    read=read,
    finish=finish,
)
