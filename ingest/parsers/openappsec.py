r"""openappsec: what the open-appsec WAF (Check Point) has judged -> http, url and rule fields.

In:   messages that are one JSON object with `eventName` and `eventData`
Out:  `source.*`, `http.*`, `url.*`, `rule.*`, `event.outcome`; the rest as `openappsec.*`
Docs: open-appsec documentation, "Track Agent Web/API Events", log fields
"""

from __future__ import annotations

import pyarrow as pa

from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "eventTime": "@timestamp",
    "eventSeverity": "log.level",
    "eventData.sourceIP": "source.address",
    "eventData.sourcePort": "source.port",
    "eventData.httpHostName": "url.domain",
    "eventData.httpMethod": "http.request.method",
    "eventData.httpUriPath": "url.original",
    "eventData.httpUriQuery": "url.query",
    "eventData.httpResponseCode": "http.response.status_code",
    "eventData.ruleId": "rule.id",
    "eventData.waapIncidentType": "rule.name",
    "eventData.practiceName": "rule.ruleset",
    "eventData.eventReferenceId": "http.request.id",
}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, pa.repeat(pa.scalar("UTC"), len(messages)), _accept)


def _accept(document: Document) -> Document | None:
    if "eventName" not in document or "eventData.securityAction" not in document:
        return None
    event = renamed(document, NAMES, "openappsec")
    denied = document["eventData.securityAction"] == "Prevent"
    return event | {
        "event.outcome": "failure" if denied else "success",
        "event.type": ["denied" if denied else "allowed"],
    }


def finish(columns: Columns, context: Context) -> Columns:
    rows = len(columns["event.type"])
    web = web_requests.complete(columns)
    return {
        name: values for name, values in web.items() if name not in ("event.outcome", "event.type", "url.query")
    } | {
        "event.action": pa.repeat(pa.scalar("waf-alert"), rows),
        "event.category": pa.array([["web", "intrusion_detection"]] * rows, TEXTS),
        "observer.type": pa.repeat(pa.scalar("waf", TEXT), rows),
    }


PARSER = Parser(
    module="openappsec",
    dataset="openappsec.event",
    programs=("open-appsec", "cp-nano"),
    signature=r'\s*\{.*"eventName" ?:.*"eventData" ?: ?\{',
    read=read,
    finish=finish,
)
