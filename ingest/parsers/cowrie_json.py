r"""cowrie_json: what clients do in the honeypot Cowrie, as its JSON log writes it.

In:   messages that are one JSON object with an `eventid` of `cowrie.`
Out:  `source.*`, `destination.*`, `user.name`, `process.command_line`, `url.*`, `file.*`; the rest as `cowrie.*`
Docs: Cowrie documentation, "Output Event Code Reference"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines, urls
from ingest.formats.json_lines import Document
from ingest.formats.labels import mapped, when
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "timestamp": "@timestamp",
    "eventid": "event.code",
    "message": "message",
    "src_ip": "source.address",
    "src_port": "source.port",
    "dst_ip": "destination.address",
    "dst_port": "destination.port",
    "protocol": "network.protocol",
    "username": "user.name",
    "input": "process.command_line",
    "url": "url.original",
    "shasum": "file.hash.sha256",
    "outfile": "file.path",
    "filename": "file.name",
    "sensor": "observer.name",
}
ACTIONS = {
    "cowrie.session.connect": "ssh-connect",
    "cowrie.session.closed": "ssh-disconnect",
    "cowrie.login.success": "ssh-login",
    "cowrie.login.failed": "ssh-login",
    "cowrie.command.input": "ssh-command",
    "cowrie.command.success": "ssh-command",
    "cowrie.command.failed": "ssh-command",
    "cowrie.client.version": "ssh-version",
    "cowrie.direct-tcpip.request": "ssh-forward",
    "cowrie.direct-tcpip.data": "ssh-forward",
    "cowrie.session.file_download": "ssh-download",
    "cowrie.session.file_upload": "ssh-upload",
}
NETWORK, LOGIN, FILE, SESSION = range(4)
KINDS = {
    "ssh-connect": NETWORK, "ssh-disconnect": NETWORK, "ssh-forward": NETWORK, "ssh-login": LOGIN,
    "ssh-download": FILE, "ssh-upload": FILE,
}  # fmt: skip
CATEGORIES = [["network"], ["authentication"], ["file"], ["session"]]
TYPES = [["connection"], ["start"], ["creation"], ["info"]]


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not str(document.get("eventid")).startswith("cowrie."):
        return None
    event = renamed(document, NAMES, "cowrie")
    if isinstance(lines := event.get("message"), list):
        event["message"] = " ".join(str(line) for line in lines)
    return event


def finish(columns: Columns, context: Context) -> Columns:
    action = pc.coalesce(mapped(columns["event.code"], ACTIONS), pa.scalar("ssh-note"))
    kind = pa.array([KINDS.get(name, SESSION) for name in action.to_pylist()])
    failed = pc.ends_with(columns["event.code"], ".failed")
    login = pc.equal(action, "ssh-login")
    return {
        **urls.split(columns["url.original"]),
        "event.action": action,
        "event.category": pa.array(CATEGORIES, TEXTS).take(kind),
        "event.type": pa.array(TYPES, TEXTS).take(kind),
        "event.outcome": when(login, pc.if_else(failed, "failure", "success")),
    }


PARSER = Parser(
    module="cowrie", dataset="cowrie.log", signature=r'\s*\{.*"eventid" ?: ?"cowrie\.', read=read, finish=finish
)
