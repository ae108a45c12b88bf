r"""upsun: lines of containers that Upsun (Platform.sh) forwards in JSON.

In:   an object with `timestamp_ns`, `container` and a `message` as syslog would give it:
      `frontend.0 nginx: 198.51.100.7 - - [...] "GET / HTTP/1.1" 200 ...`
Out:  `host.name`, `process.name`, `log.level`; of an access line what web_access.py gives; the rest as `upsun.*`
Docs: Upsun documentation, "Forward Upsun logs"
"""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.event import TEXT, Columns
from ingest.formats import inner, json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser
from ingest.parsers import web_access

NAMES = {
    "level": "log.level",
    "container.pid": "process.pid",
    "container.hostname": "host.name",
    "container.service": "upsun.service",
    "container.project": "upsun.project",
    "container.environment": "upsun.environment",
    "container.region": "upsun.region",
}
TAGGED = r"(?s)^(?P<host>[A-Za-z0-9_.-]+) (?P<program>[A-Za-z0-9_./-]+)(?:\[[0-9]+\])?: (?P<rest>.*)$"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
FARTHEST = 4_102_444_800 * 10**9
"""The year 2100 in nanoseconds."""


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    nanoseconds, message = document.get("timestamp_ns"), document.get("message")
    if not isinstance(nanoseconds, int) or not 0 <= nanoseconds < FARTHEST or not isinstance(message, str):
        return None
    event = renamed({name: value for name, value in document.items() if name in NAMES}, NAMES, "upsun")
    stamp = EPOCH + datetime.timedelta(microseconds=nanoseconds // 1000)
    return event | {"@timestamp": stamp.isoformat(), "message": message}


def finish(columns: Columns, context: Context) -> Columns:
    tag = captured(pc.extract_regex(columns["message"], TAGGED))
    message = pc.coalesce(tag["rest"], columns["message"])
    access = inner.columns_of(message, web_access.PARSER, context)
    found = columns | access
    nothing = pa.nulls(len(message), TEXT)
    return access | {
        "@timestamp": pc.coalesce(access.get("@timestamp", columns["@timestamp"]), columns["@timestamp"]),
        "message": message,
        "process.name": tag["program"],
        "event.module": pa.repeat(pa.scalar("upsun"), len(message)),
        "event.dataset": pc.if_else(found.get("event.action", nothing).is_valid(), "upsun.access", "upsun.log"),
    }


PARSER = Parser(
    module="upsun",
    dataset="upsun.log",
    signature=r'\s*\{.*"timestamp_ns" ?: ?[0-9].*"container" ?: ?\{',
    read=read,
    finish=finish,
)
