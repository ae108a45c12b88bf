r"""zeek: Zeek's logs as JSON -> ECS network fields.

In:   messages that are one JSON object with a `ts` and a `uid`, `id.orig_h` or the keys of a log without connection
Out:  `source.*`, `destination.*`, `network.*`, `http.*`, `url.*`, `dns.*`, `tls.*`, `user.name`, `file.*`, `rule.*`;
      the rest as `zeek.LOG.*`
Docs: Zeek documentation, "Log Files", "Log Formats and Inspection" (JSON)
"""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from ingest import entities
from ingest.event import TEXT, Columns
from ingest.formats import epochs, flows, json_lines, urls
from ingest.formats.directions import directions
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser
from ingest.vendors.zeek_logs import ENDS, LOGS, OTHER, Log

# conn_state -> event.type beside `connection`.
STATES = {
    **dict.fromkeys(("S0", "S1"), ("start",)),
    "SF": ("start", "end"),
    "REJ": ("start", "denied"),
}
SIP_URI = re.compile(r"(?P<scheme>\w+):(?:(?P<username>[^@\s]+)@)?(?P<domain>[\w.-]+)(?::(?P<port>\d{1,5}))?")
BY_NAME = {log.name: log for log in LOGS} | {"conn": LOGS[0]}


def read(messages: pa.Array, context: Context) -> Parsed:
    datasets: list[str] = []

    def accept(document: Document) -> Document | None:
        log = _log(document)
        stamp = epochs.iso_text(document.get("ts"))
        if log is None or stamp is None:
            return None
        datasets.append(f"zeek.{log.name}")
        return {**_event(log, document), "@timestamp": stamp}

    rows, columns = json_lines.read(messages, context.zone, accept)
    return rows, columns | {"event.dataset": pa.array(datasets, TEXT)}


def _event(log: Log, document: Document) -> Document:
    event = renamed(document, ENDS | log.names, f"zeek.{log.name}")
    event |= {"event.category": list(log.category), "event.type": list(log.type)}
    for name, value in (("network.protocol", log.protocol), ("network.transport", log.transport)):
        if value:
            event.setdefault(name, value)
    if log.success and isinstance(document.get(log.success), bool):
        event["event.outcome"] = "success" if document[log.success] else "failure"
    if special := SPECIAL.get(log.name):
        special(event, document)
    return event


def _log(document: Document) -> Log | None:
    """By `_path`, which Zeek adds when asked to; else by its keys."""
    if "ts" not in document:
        return None
    if isinstance(path := document.get("_path"), str):
        return BY_NAME.get(path, OTHER)
    return _of_keys(frozenset(document))


# A sensor's lines of one log have few different sets of keys.
@lru_cache(maxsize=4096)
def _of_keys(keys: frozenset[str]) -> Log | None:
    known = next((log for log in LOGS if log.has(keys)), None)
    return known or (OTHER if {"uid", "id.orig_h"} <= keys else None)


def _connection(event: Document, document: Document) -> None:
    event["event.type"] += STATES.get(str(document.get("conn_state")), ("info",))
    duration = document.get("duration")
    if isinstance(duration, int | float) and 0 <= duration < 1e9:
        event["event.duration"] = round(duration * 1e9)
    inside, aim = document.get("local_orig"), document.get("local_resp")
    if isinstance(inside, bool) and isinstance(aim, bool):
        event["network.direction"] = DIRECTIONS[inside, aim]


DIRECTIONS = {(True, True): "internal", (True, False): "outbound", (False, True): "inbound", (False, False): "external"}


def _dns(event: Document, document: Document) -> None:
    answers = document.get("answers")
    event["dns.type"] = "answer" if "rcode" in document or answers else "query"
    if document.get("qtype_name") in ("A", "AAAA") and isinstance(answers, list):
        event["dns.resolved_ip"] = [text for text in answers if isinstance(text, str) and entities.ip(text)]
    code = document.get("rcode_name")
    if code is not None:
        event["event.outcome"] = "success" if code == "NOERROR" else "failure"


def _http(event: Document, document: Document) -> None:
    status = document.get("status_code")
    if isinstance(status, int):
        event["event.outcome"] = "failure" if status >= 400 else "success"
    if isinstance(method := event.get("http.request.method"), str):
        event["event.action"] = method.lower()
    if isinstance(kinds := event.get("http.response.mime_type"), list) and kinds:
        event["http.response.mime_type"] = kinds[0]
    event.setdefault("url.port", document.get("id.resp_p"))


def _ssl(event: Document, document: Document) -> None:
    name, _, number = str(document.get("version", "")).partition("v")
    if number.isdigit():
        event["tls.version"] = f"{number[0]}.{number[1:] or '0'}"
        event["tls.version_protocol"] = name.lower()
    if server := event.get("tls.client.server_name"):
        event["destination.domain"] = server


def _kerberos(event: Document, document: Document) -> None:
    name, slash, realm = str(document.get("client", "")).partition("/")
    if name:
        event["user.name"] = name
    if slash:
        event["user.domain"] = realm


def _files(event: Document, document: Document) -> None:
    for key, side in (("tx_hosts", "server.address"), ("rx_hosts", "client.address")):
        hosts = document.get(key)
        if isinstance(hosts, list) and hosts:
            event[side] = hosts[0]
    if isinstance(uids := document.get("conn_uids"), list) and uids:
        event.setdefault("zeek.session_id", uids[0])


def _dhcp(event: Document, document: Document) -> None:
    event.setdefault("source.port", 68)
    event.setdefault("destination.port", 67)
    if "source.address" in event:
        event["client.address"] = event["source.address"]
    if "destination.address" in event:
        event["server.address"] = event["destination.address"]


def _notice(event: Document, document: Document) -> None:
    if "id.orig_h" in document:
        event["source.address"], event["destination.address"] = document["id.orig_h"], document.get("id.resp_h")
    event["rule.description"] = document.get("msg")


def _sip(event: Document, document: Document) -> None:
    status = document.get("status_code")
    if isinstance(status, int):
        event["event.outcome"] = "failure" if status >= 400 else "success"
    if isinstance(uri := document.get("uri"), str) and (parts := SIP_URI.match(uri)):
        event |= {f"url.{name}": value for name, value in parts.groupdict().items() if value}


def _radius(event: Document, document: Document) -> None:
    if isinstance(result := document.get("result"), str):
        event["event.outcome"] = "success" if result == "success" else "failure"


SPECIAL = {
    "sip": _sip,
    "radius": _radius,
    "connection": _connection,
    "dns": _dns,
    "http": _http,
    "ssl": _ssl,
    "kerberos": _kerberos,
    "files": _files,
    "dhcp": _dhcp,
    "notice": _notice,
}


def finish(columns: Columns, context: Context) -> Columns:
    url = urls.split(columns["url.original"])
    rows = len(columns["@timestamp"])
    return {
        **flows.complete(dict(columns)),
        **url,
        **{f"url.{name}": pc.coalesce(columns[f"url.{name}"], url[f"url.{name}"]) for name in ("scheme", "username")},
        "url.domain": pc.coalesce(columns["url.domain"], url["url.domain"]),
        "url.port": pc.coalesce(columns["url.port"].cast(TEXT), url["url.port"]),
        "network.direction": pc.coalesce(
            columns["network.direction"], directions(columns["source.address"], columns["destination.address"])
        ),
        "observer.vendor": pa.repeat(pa.scalar("Zeek"), rows),
    }


PARSER = Parser(
    module="zeek",
    dataset="zeek.log",
    programs=("zeek", "bro"),
    signature=r'\s*\{.*"ts" ?: ?(?:[0-9]{9,10}[.,}]|"[0-9]{4}-)',
    read=read,
    finish=finish,
)
