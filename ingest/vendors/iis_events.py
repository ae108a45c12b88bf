"""iis_events: the requests that IIS writes as Windows events (event 6200, "Log to ETW") -> http and url fields.

In:   the provider and the data of events, whose names are those of the W3C log
Out:  what ingest/parsers/iis.py gives of the same request, for the rows of that provider
Docs: Microsoft, "Configuring IIS Logging to ETW"; "W3C Logging" of IIS
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, is_true
from ingest.event import LONG, TEXT, Columns
from ingest.formats import web_requests
from ingest.vendors.event_data import EventData, each, where

PROVIDER = "Microsoft-Windows-IIS-Logging"
NAMES = {
    "source.ip": "c-ip",
    "destination.ip": "s-ip",
    "destination.port": "s-port",
    "user.name": "cs-username",
    "http.request.method": "cs-method",
    "http.response.status_code": "sc-status",
    "http.response.body.bytes": "sc-bytes",
    "http.request.body.bytes": "cs-bytes",
    "http.request.referrer": "csReferer",
    "url.domain": "cs-host",
}


def request(provider: pa.Array, known: Columns, data: EventData) -> Columns:
    """The columns of a batch of events with those of IIS' rows filled in; none where the batch has no such row."""
    rows = is_true(pc.equal(provider, PROVIDER))
    if not rows.any():
        return {}
    stem, query = data["cs-uri-stem"], data["cs-uri-query"]
    columns = {name: where(rows, data[said]) for name, said in NAMES.items()}
    columns["url.original"] = where(rows, pc.coalesce(pc.binary_join_element_wise(stem, query, "?"), stem))
    columns |= {"url.port": pa.nulls(data.rows, TEXT), "url.scheme": pa.nulls(data.rows, TEXT)}
    columns |= web_requests.complete(columns)
    columns |= {
        "event.duration": pc.multiply(each(data["time-taken"], _milliseconds).cast(LONG), 1_000_000),
        "user_agent.original": pc.replace_substring(data["csUser-Agent"], "+", " "),
        "http.version": pc.replace_substring(data["cs-version"], "HTTP/", ""),
        "event.module": pa.repeat(pa.scalar("iis"), data.rows),
        "event.dataset": pa.repeat(pa.scalar("iis.access"), data.rows),
    }
    return {name: _over(rows, column, known.get(name)) for name, column in columns.items()}


def _over(rows: Mask, column: pa.Array, known: pa.Array | None) -> pa.Array:
    nothing = pa.nulls(len(column), column.type if known is None else known.type)
    other = nothing if known is None else known
    return pc.if_else(pa.array(rows), column if known is None else column.cast(other.type), other)


def _milliseconds(text: str) -> str | None:
    return text if text.isascii() and text.isdigit() and len(text) <= 12 else None
