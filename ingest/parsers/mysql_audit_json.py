r"""mysql_audit_json: the audit logs of MySQL Enterprise and Percona Server as JSON -> ECS database fields.

In:   messages that are one JSON object with `class` and `event`, or with an `audit_record`
Out:  `event.action`, `event.outcome`, `user.name`, `server.user.name`, `source.*`; the rest as
      `mysqlenterprise.audit.*` or `mysql.audit.*`
Docs: MySQL reference manual, "Audit Log File Formats", JSON; Percona Server, "Audit Log Plugin", JSON
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

ENTERPRISE = {
    "timestamp": "@timestamp",
    "account.user": "server.user.name",
    "account.host": "client.domain",
    "login.user": "user.name",
    "login.os": "client.user.name",
    "login.ip": "source.address",
    "connection_data.connection_attributes._pid": "process.pid",
    "startup_data.mysql_version": "service.version",
}
PERCONA = {
    "audit_record.timestamp": "@timestamp",
    "audit_record.user": "user.name",
    "audit_record.ip": "source.address",
    "audit_record.host": "source.domain",
    "audit_record.db": "mysql.database",
    "audit_record.connection_id": "mysql.thread_id",
}
# What begins and ends a session, in the words of both.
SESSION = {"connect": "start", "disconnect": "end", "quit": "end", "change_user": "start", "change user": "start"}


def read(messages: pa.Array, context: Context) -> Parsed:
    # Enterprise's file is one array, so that a comma ends each of its lines. Both write UTC without saying so.
    messages = pc.replace_substring_regex(messages, r",\s*$", "")
    return json_lines.read(messages, pa.repeat(pa.scalar("UTC"), len(messages)), _accept)


def _accept(document: Document) -> Document | None:
    event, name, status = _enterprise(document) or _percona(document) or ({}, "", None)
    if not name:
        return None
    action = name.lower()
    login = action in SESSION
    outcome = "unknown" if not isinstance(status, int) else "failure" if status else "success"
    return event | {
        "process.name": "mysqld",
        "event.action": f"mysql-{action}",
        "event.category": ["database", "authentication" if SESSION.get(action) == "start" else "session"]
        if login
        else ["database"],
        "event.type": [SESSION[action]] if login else ["access"],
        "event.outcome": outcome,
    }


def _enterprise(document: Document) -> tuple[Document, str, object] | None:
    name = document.get("event")
    if not isinstance(name, str) or not isinstance(document.get("class"), str):
        return None
    event = renamed(document, ENTERPRISE, "mysqlenterprise.audit")
    if "source.address" in event:
        event["client.address"] = event["source.address"]
    return event, name, document.get("connection_data.status", document.get("general_data.status"))


def _percona(document: Document) -> tuple[Document, str, object] | None:
    name = document.get("audit_record.name")
    if not isinstance(name, str):
        return None
    event = renamed(document, PERCONA, "mysql.audit")
    event["@timestamp"] = str(event.get("@timestamp", "")).removesuffix(" UTC")
    # Until a client is let in its name stands in another place, with the host behind it.
    if "user.name" in event:
        event["user.name"] = str(event["user.name"]).partition("[")[0]
    return event, name, document.get("audit_record.status")


PARSER = Parser(
    module="mysql",
    dataset="mysql.audit",
    programs=("mysqld", "percona-audit"),
    signature=r'\s*\{.*"(?:class" ?: ?"(?:connection|general|table_access|audit|query|message)|audit_record" ?: ?\{)',
    read=read,
)
