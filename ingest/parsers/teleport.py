r"""teleport: audit events of Teleport (access to servers, databases and clusters) in JSON.

In:   messages that are one JSON object with `event`, `cluster_name` and a `code` of Teleport
Out:  `event.action`, `user.name`, `source.*`, `event.outcome`; the rest as `teleport.audit.*`
Docs: Teleport, "Audit Events and Records"; api/types/events, lib/events/codes.go
"""

from __future__ import annotations

import re

import pyarrow as pa

from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "time": "@timestamp",
    "event": "event.action",
    "code": "event.code",
    "user": "user.name",
    "login": "user.effective.name",
    "user_agent": "user_agent.original",
    "server_hostname": "host.name",
    "message": "event.reason",
    "error": "event.reason",
    "command": "process.command_line",
}
CODE = re.compile(r"T[A-Z0-9]{3,8}")
CATEGORIES = {
    "user.login": ["authentication", "session"],
    "auth": ["authentication"],
    "session.start": ["session"],
    "session.end": ["session"],
    "user.create": ["iam"],
    "user.update": ["iam"],
    "user.delete": ["iam"],
}
TYPES = {
    "create": "creation",
    "start": "start",
    "login": "start",
    "delete": "deletion",
    "end": "end",
    "update": "change",
}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    action, code = document.get("event"), document.get("code")
    if not isinstance(action, str) or not isinstance(code, str) or not CODE.fullmatch(code):
        return None
    event = renamed(document, NAMES, "teleport.audit")
    remote = document.get("addr.remote")
    if isinstance(remote, str):
        address, _, port = remote.rpartition(":")
        event["source.address"] = address.strip("[]") or remote
        event["source.port"] = port
    # The last letter of a code is I, W or E: of severity, and W of a log-in that was refused.
    succeeded = document.get("success")
    failed = succeeded is False or (succeeded is None and ("error" in document or code.endswith(("W", "E"))))
    event["event.outcome"] = "failure" if failed else "success"
    event["event.category"] = CATEGORIES.get(action, ["api"])
    event["event.type"] = [TYPES.get(action.rpartition(".")[2], "info")]
    return event


PARSER = Parser(
    module="teleport",
    dataset="teleport.audit",
    signature=r'\s*\{.*"code" ?: ?"T[A-Z0-9]{3,8}".*"cluster_name" ?: ?"',
    read=read,
)
