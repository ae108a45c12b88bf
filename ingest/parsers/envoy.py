r"""envoy: access logs of Envoy and Istio, as text and as JSON -> http and url fields.

In:   `[2026-03-05T01:15:02.113Z] "GET /a HTTP/1.1" 200 - 0 512 12 11 "198.51.100.7" "curl/8" "ID" "host" "10.0.0.5:80"`
      and Istio's longer form
Out:  `source.*`, `destination.*`, `url.*`, `http.*`, `event.duration`; `envoyproxy.*`
Docs: Envoy documentation, "Access logging"; Istio, "Envoy Access Logs"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

STAMP = r"(?:ACCESS )?\[(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?Z)\] "
# A path may hold a quote; the protocol behind it is Envoy's.
REQUEST = (
    r'"(?:(?P<http__request__method>[A-Z]{3,16}) (?P<url__original>.*?) HTTP/(?P<http__version>[0-9.]{1,5})|- - -)" '
    r"(?P<http__response__status_code>[0-9]{1,3}) (?:-|(?P<envoyproxy__response_flags>[^ ]+)) "
)
ISTIO = r'(?P<envoyproxy__response_code_details>[^ ]+) [^ ]+ "[^"]*" '
NUMBERS = (
    r"(?P<http__request__body__bytes>[0-9]+) (?P<http__response__body__bytes>[0-9]+) (?P<_milliseconds>[0-9]{1,12}|-) "
    r"(?P<envoyproxy__upstream_service_time>[0-9]+|-) "
)
QUOTED = (
    r'"(?:-|(?P<_forwarded>[^"]*))" "(?:-|(?P<user_agent__original>.*?))" "(?:-|(?P<http__request__id>[^"]*))" '
    r'"(?:-|(?P<url__domain>[^"]*))" "(?:-|(?:tcp://)?\[?(?P<destination__address>[^"\]]*?)\]?(?::(?P<destination__port>[0-9]+))?)"'
)
TAIL = (
    r" (?P<envoyproxy__upstream_cluster>[^ ]+) (?P<envoyproxy__upstream_local_address>[^ ]+) [^ ]+ "
    r"(?:-|\[?(?P<source__address>[^ ]+?)\]?:(?P<source__port>[0-9]+)) [^ ]+ [^ ]+"
)


def finish(columns: Columns, context: Context) -> Columns:
    http = columns["http.request.method"].is_valid()
    web = web_requests.complete(columns)
    nothing = pa.scalar(None, TEXT)
    protocol = pc.if_else(http, "http", nothing)
    forwarded = pc.list_element(pc.split_pattern(pc.coalesce(columns["_forwarded"], "-"), ","), 0)
    forwarded = pc.if_else(pc.equal(forwarded, "-"), nothing, forwarded)
    milliseconds = pc.if_else(pc.equal(columns["_milliseconds"], "-"), nothing, columns["_milliseconds"])
    return {
        **web,
        "network.protocol": protocol,
        "network.transport": pa.repeat(pa.scalar("tcp"), len(http)),
        "source.address": pc.coalesce(pc.utf8_trim(forwarded, "[]"), columns["source.address"]),
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.action": pc.if_else(http, "http-request", "connection"),
        "event.category": pc.if_else(http, pa.scalar(["web"], TEXTS), pa.scalar(["network"], TEXTS)),
        "event.type": pc.if_else(http, web["event.type"], pa.scalar(["connection"], TEXTS)),
        "event.duration": pc.multiply(milliseconds.cast(LONG), 1_000_000),
        "event.outcome": pc.if_else(http, web["event.outcome"], nothing),
    }


PARSER = Parser(
    module="envoyproxy",
    dataset="envoyproxy.log",
    programs=("envoy", "istio-proxy"),
    signature=r'(?:ACCESS )?\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?Z\] "',
    lines=(
        Line(STAMP + REQUEST + NUMBERS + QUOTED),
        Line(STAMP + REQUEST + ISTIO + NUMBERS + QUOTED + TAIL),
    ),
    finish=finish,
)
