r"""traefik: the access log of Traefik as JSON -> http and url fields.

In:   messages that are one JSON object with a `ClientHost`; its common log format is read by web_access.py
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `event.duration`; the rest as `traefik.access.*`
Docs: Traefik documentation, "Access Logs"
"""

from __future__ import annotations

import pyarrow as pa

from ingest.event import Columns
from ingest.formats import json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "StartUTC": "@timestamp",
    "ClientPort": "source.port",
    "ClientUsername": "user.name",
    "RequestMethod": "http.request.method",
    "RequestPath": "url.original",
    "RequestHost": "url.domain",
    "RequestPort": "url.port",
    "RequestScheme": "url.scheme",
    "RequestContentSize": "http.request.body.bytes",
    "DownstreamStatus": "http.response.status_code",
    "DownstreamContentSize": "http.response.body.bytes",
    "Duration": "event.duration",
    "request_User-Agent": "user_agent.original",
    "request_Referer": "http.request.referrer",
    "TLSVersion": "tls.version",
    "TLSCipher": "tls.cipher",
    "ServiceURL": "traefik.access.backend_url",
    "RouterName": "traefik.access.frontend_name",
    "RequestCount": "traefik.access.request_count",
}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(client := document.get("ClientHost"), str):
        return None
    event = renamed(document, NAMES, "traefik.access")
    # Of a list of forwarders the last is the one that Traefik's own entry point saw.
    event["source.address"] = client.rpartition(",")[2].strip()
    event["http.version"] = str(document.get("RequestProtocol", "")).removeprefix("HTTP/") or None
    event.setdefault("@timestamp", document.get("time"))
    return {name: value for name, value in event.items() if value is not None}


def finish(columns: Columns, context: Context) -> Columns:
    return web_requests.complete(columns)


PARSER = Parser(
    module="traefik", dataset="traefik.access", signature=r'\s*\{.*"ClientHost" ?: ?"', read=read, finish=finish
)
