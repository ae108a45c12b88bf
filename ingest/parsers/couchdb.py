r"""couchdb: the log of Apache CouchDB -> http and url fields.

In:   `[notice] 2026-03-05T01:15:02.113522Z node@host <0.176.12> ID host 198.51.100.7 an GET /db 404 ok 1`
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `event.duration`; `couchdb.server.*`
Docs: CouchDB documentation, "Logging"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import LONG, TEXTS, Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

HEAD = (
    r"\[(?P<log__level>debug|info|notice|warning|error|critical|alert|emergency)\] "
    r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{1,6}Z) (?P<couchdb__server__node>[^ ]+) <[0-9.]+> "
)
REQUEST = (
    r"(?P<http__request__id>[0-9a-f]{10}) (?P<url__domain>[^ ]+) (?P<source__address>[^ ]+) (?P<user__name>[^ ]+) "
    r"(?P<http__request__method>[A-Z]{3,16}) (?P<url__original>.*) (?P<http__response__status_code>[0-9]{3}) [^ ]+ "
    r"(?P<_milliseconds>[0-9]{1,12})"
)


def finish(columns: Columns, context: Context) -> Columns:
    request = columns["http.request.method"].is_valid()
    web = web_requests.complete(columns)
    kept = {name: pc.if_else(request, values, pa.scalar(None, values.type)) for name, values in web.items()}
    return kept | {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.category": pc.coalesce(kept["event.category"], pa.scalar(["database"], TEXTS)),
        "event.type": pc.coalesce(kept["event.type"], pa.scalar(["info"], TEXTS)),
        "event.duration": pc.multiply(columns["_milliseconds"].cast(LONG), 1_000_000),
    }


PARSER = Parser(
    module="couchdb",
    dataset="couchdb.server",
    programs=("couchdb",),
    signature=r"\[[a-z]+\] [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{1,6}Z [^ ]+@[^ ]+ <",
    lines=(Line(HEAD + REQUEST), Line(HEAD + r"[^ ]+ (?P<message>.*)")),
    finish=finish,
)
