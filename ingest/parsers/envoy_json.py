r"""envoy_json: access logs of Envoy, Istio and Contour as JSON -> http and url fields.

In:   messages that are one JSON object with `response_code`, and `response_flags` or `downstream_remote_address`
Out:  as envoy.py
Docs: Envoy documentation, "Access logging", JSON format; Istio and Envoy Gateway, default JSON format
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "start_time": "@timestamp",
    "timestamp": "@timestamp",
    "@timestamp": "@timestamp",
    "method": "http.request.method",
    "path": "url.original",
    "x-envoy-origin-path": "url.original",
    ":authority": "url.domain",
    "authority": "url.domain",
    "response_code": "http.response.status_code",
    "bytes_received": "http.request.body.bytes",
    "bytes_sent": "http.response.body.bytes",
    "user_agent": "user_agent.original",
    "user-agent": "user_agent.original",
    "request_id": "http.request.id",
    "x-request-id": "http.request.id",
    "requested_server_name": "tls.client.server_name",
}
OWN = {"response_flags", "downstream_remote_address"}
"""Either is enough: the format is for each operator to choose, and these names are Envoy's alone."""
SIGN = r'"(?:response_(?:code|flags)|downstream_remote_address)" ?:'
ENDS = {"downstream_remote_address": "source", "upstream_host": "destination"}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if "response_code" not in document or not document.keys() & OWN:
        return None
    event = renamed(document, NAMES, "envoyproxy")
    for key, side in ENDS.items():
        if isinstance(end := document.get(key), str):
            address, _, port = end.removeprefix("tcp://").rpartition(":")
            event[f"{side}.address"], event[f"{side}.port"] = address.strip("[]"), port
    forwarded = document.get("x_forwarded_for") or document.get("x-forwarded-for")
    if isinstance(forwarded, str) and forwarded != "-":
        event["source.address"] = forwarded.split(",")[0].strip()
    if isinstance(protocol := document.get("protocol"), str):
        event["http.version"] = protocol.removeprefix("HTTP/")
    if isinstance(duration := document.get("duration"), int):
        event["event.duration"] = duration * 1_000_000
    return event


def finish(columns: Columns, context: Context) -> Columns:
    web = web_requests.complete(columns)
    http = columns["http.request.method"].is_valid()
    kept = {name: pc.if_else(http, values, pa.scalar(None, values.type)) for name, values in web.items()}
    network = {"event.category": pa.scalar(["network"], TEXTS), "event.type": pa.scalar(["connection"], TEXTS)}
    return kept | {
        **{name: pc.coalesce(kept[name], value) for name, value in network.items()},
        "event.action": pc.coalesce(kept["event.action"], "connection"),
        "network.transport": pa.repeat(pa.scalar("tcp"), len(http)),
    }


PARSER = Parser(
    module="envoyproxy",
    dataset="envoyproxy.log",
    programs=("envoy", "istio-proxy"),
    signature=rf"\s*\{{.*{SIGN}.*{SIGN}",
    read=read,
    finish=finish,
)
