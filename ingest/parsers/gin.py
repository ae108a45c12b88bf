r"""gin: access lines of web services written with Gin (Go).

In:   `[GIN] 2026/03/05 - 08:15:02 | 401 |     505.3µs |       192.0.2.8 | POST     "/client"`
Out:  `source.address`, `http.*`, `url.*`; `gin.access.latency`
Docs: gin logger.go, defaultLogFormatter
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser

REFUSED = 400


def finish(columns: Columns, context: Context) -> Columns:
    stamp = pc.replace_substring(columns["_stamp"], " - ", " ")
    refused = pc.greater_equal(columns["http.response.status_code"].cast(pa.int64()), REFUSED)
    return {
        **urls.split(columns["url.original"]),
        "@timestamp": stamps.iso(stamp, context.zone),
        "event.timezone": context.zone,
        "event.type": pa.array([["access"], ["access", "error"]], TEXTS).take(refused.cast(pa.int8())),
        "event.outcome": pc.if_else(refused, "failure", "success"),
    }


PARSER = Parser(
    module="gin",
    dataset="gin.access",
    signature=r"\[GIN\] [0-9]{4}/",
    lines=(
        Line(
            r"\[GIN\] (?P<_stamp>[0-9]{4}/[0-9]{2}/[0-9]{2} - [0-9:]{8}) \|\s*"
            r"(?P<http__response__status_code>[0-9]{3})\s*\| +"
            r"(?P<gin__access__latency>[^ |]+) \| +(?P<source__address>[^ |]+) \|\s*"
            r'(?P<http__request__method>[A-Z]+) +"(?P<url__original>.*)"',
            action="http-request",
            category=("web",),
        ),
    ),
    finish=finish,
)
