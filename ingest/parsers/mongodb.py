r"""mongodb: the log of MongoDB 4.4 and later (JSON) -> ECS database fields.

In:   messages that are one JSON object with `t.$date`, `s`, `c` and `msg`
Out:  `log.level`, `user.name`, `source.*`, `event.outcome`; `mongodb.log.*`; `message` is the log's own
Docs: MongoDB manual, "Log Messages"
"""

from __future__ import annotations

import pyarrow as pa

from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "t.$date": "@timestamp",
    "s": "log.level",
    "c": "mongodb.log.component",
    "ctx": "mongodb.log.context",
    "id": "mongodb.log.id",
    "msg": "message",
    "attr.principalName": "user.name",
    "attr.user": "user.name",
    "attr.error": "event.reason",
}
LOGINS = {
    "Authentication succeeded": "success",
    "Successfully authenticated": "success",
    "Authentication failed": "failure",
    "Failed to authenticate": "failure",
    "Checking authorization failed": "failure",
}
CONNECTIONS = {"Connection accepted": ("database-connect", "start"), "Connection ended": ("database-disconnect", "end")}
TYPES = {"ACCESS": "access", "WRITE": "change"}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("t.$date"), str) or not isinstance(message := document.get("msg"), str):
        return None
    event = renamed(document, NAMES, "mongodb.log")
    category, kinds = ["database"], [TYPES.get(str(document.get("c")), "info")]
    remote = document.get("attr.remote") or document.get("attr.client")
    if isinstance(remote, str) and ":" in remote:
        address, _, event["source.port"] = remote.rpartition(":")
        event["source.address"] = address.strip("[]")
    if outcome := LOGINS.get(message):
        category.append("authentication")
        event |= {"event.action": "database-login", "event.outcome": outcome}
        kinds = ["start"]
    elif message in CONNECTIONS:
        category.append("network")
        event["event.action"], kind = CONNECTIONS[message]
        kinds = ["connection", kind]
    if document.get("s") in ("F", "E"):
        kinds.append("error")
    return event | {"event.category": category, "event.type": kinds}


PARSER = Parser(
    module="mongodb",
    dataset="mongodb.log",
    programs=("mongod", "mongos"),
    signature=r'\s*\{"t" ?: ?\{ ?"\$date"',
    read=read,
)
