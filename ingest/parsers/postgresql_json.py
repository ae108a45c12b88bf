r"""postgresql_json: the `jsonlog` of PostgreSQL 15 and later.

In:   messages that are one JSON object with an `error_severity`
Out:  as postgresql.py
Docs: PostgreSQL manual, "Using JSON-Format Log Output"
"""

from __future__ import annotations

import pyarrow as pa

from ingest.event import TEXT, Columns
from ingest.formats import json_lines, zone_names
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser
from ingest.vendors.postgres_messages import told

NAMES = {
    "user": "user.name",
    "dbname": "postgresql.log.database",
    "pid": "process.pid",
    "remote_host": "source.address",
    "remote_port": "source.port",
    "error_severity": "log.level",
    "state_code": "postgresql.log.sql_state_code",
    "line_num": "postgresql.log.session_line_number",
    "ps": "postgresql.log.command_tag",
    "statement": "postgresql.log.query",
    "message": "message",
}


def read(messages: pa.Array, context: Context) -> Parsed:
    stamps: list[list[str | None]] = []

    def accept(document: Document) -> Document | None:
        if not isinstance(stamp := document.get("timestamp"), str) or "error_severity" not in document:
            return None
        day, _, rest = stamp.partition(" ")
        time, _, zone = rest.partition(" ")
        stamps.append([f"{day} {time}", zone or None])
        return {name: value for name, value in renamed(document, NAMES, "postgresql.log").items() if value != "[local]"}

    rows, columns = json_lines.read(messages, context.zone, accept)
    local, zones = (pa.array([stamp[at] for stamp in stamps], TEXT) for at in (0, 1))
    return rows, columns | {
        "@timestamp": zone_names.utc(local, zones, context.take(rows).zone),
        "event.timezone": zones,
    }


def finish(columns: Columns, context: Context) -> Columns:
    return told(columns["message"], columns, context)


PARSER = Parser(
    module="postgresql",
    dataset="postgresql.log",
    programs=("postgres", "postgresql", "postmaster"),
    signature=r'\s*\{.*"error_severity" ?: ?"',
    read=read,
    finish=finish,
)
