r"""m365_audit: the unified audit log of Microsoft 365, one record a line -> ECS.

In:   `{"CreationTime": ..., "Operation": ..., "Workload": ..., "UserId": ...}`
Out:  `event.action`, `event.provider`, `user.*`, `source.*`; all else as `o365.audit.*`
Docs: Office 365 Management Activity API schema; Filebeat's o365 module
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "CreationTime": "@timestamp", "Operation": "event.action", "Workload": "event.provider", "UserId": "user.id",
    "UserAgent": "user_agent.original", "ResultReason": "event.reason", "SourceFileName": "file.name",
}  # fmt: skip
OUTCOMES = {
    "success": "success", "succeeded": "success", "true": "success", "failed": "failure",
    "partiallysucceeded": "failure",
    "false": "failure",
}  # fmt: skip
# 192.0.2.1, 192.0.2.1:443, [2001:db8::1]:443
CLIENT = re.compile(
    r"\[?((?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]?(?::([0-9]{1,5}))?"
)
LOGINS = pa.array(["UserLoggedIn", "UserLoginFailed", "PasswordLogonInitialAuthUsingPassword"])


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, pa.repeat(pa.scalar("UTC"), len(messages)), _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("Operation"), str) or not isinstance(document.get("Workload"), str):
        return None
    event = renamed(document, NAMES, "o365.audit")
    user = document.get("UserId")
    if isinstance(user, str) and "@" in user:
        event["user.name"], _, event["user.domain"] = user.partition("@")
    client = document.get("ClientIP") or document.get("ActorIpAddress") or document.get("ClientIPAddress")
    if isinstance(client, str) and (found := CLIENT.fullmatch(client)):
        event["source.address"], event["source.port"] = found[1], found[2]
    outcome = OUTCOMES.get(str(document.get("ResultStatus")).lower())
    event["event.outcome"] = "failure" if document["Operation"] == "UserLoginFailed" else outcome or "success"
    return {name: value for name, value in event.items() if value is not None}


def finish(columns: Columns, context: Context) -> Columns:
    login = pc.is_in(columns["event.action"], LOGINS).cast(pa.int8())
    return {
        "event.category": pa.array([["web"], ["authentication"]], TEXTS).take(login),
        "event.type": pa.array([["info"], ["start"]], TEXTS).take(login),
    }


PARSER = Parser(
    module="o365",
    dataset="o365.audit",
    signature=r'\s*\{.*"Operation" ?: ?".*"Workload" ?: ?"|\s*\{.*"Workload" ?: ?".*"Operation" ?: ?"',
    read=read,
    finish=finish,
)
