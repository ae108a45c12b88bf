r"""snort_json: Snort 3's alert_json -> rule and network fields.

In:   messages that are one JSON object with a `sid` or `rule`, and a `msg`
Out:  as snort.py
Docs: Snort 3 reference, alert_json
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, TIMESTAMP, Columns
from ingest.formats import epochs, flows, json_lines
from ingest.formats.directions import directions
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser
from ingest.parsers import snort

NAMES = {
    "src_addr": "source.address",
    "src_port": "source.port",
    "dst_addr": "destination.address",
    "dst_port": "destination.port",
    "eth_src": "source.mac",
    "eth_dst": "destination.mac",
    "proto": "network.transport",
    "iface": "observer.ingress.interface.name",
    "sid": "rule.id",
    "rev": "rule.version",
    "msg": "rule.name",
    "class": "rule.category",
    "priority": "event.severity",
    "pkt_len": "network.bytes",
}
DENIED = ("drop", "block", "reject", "can_drop", "can_block")


def read(messages: pa.Array, context: Context) -> Parsed:
    stamps: list[str | None] = []

    def accept(document: Document) -> Document | None:
        if "msg" not in document or not ("sid" in document or "rule" in document):
            return None
        written = document.get("timestamp")
        stamps.append(written if isinstance(written, str) else None)
        return _event(document)

    rows, columns = json_lines.read(messages, context.zone, accept)
    local = snort.stamp(pa.array(stamps, TEXT), context.take(rows))
    given = columns.get("@timestamp", pa.nulls(len(rows), TIMESTAMP))
    return rows, columns | {"@timestamp": pc.coalesce(given, local)}


def _event(document: Document) -> Document:
    event = renamed(document, NAMES, "snort")
    if isinstance(rule := document.get("rule"), str) and rule.count(":") == 2:
        event["snort.gid"], event["rule.id"], event["rule.version"] = rule.split(":")
    for key, side in (("src_ap", "source"), ("dst_ap", "destination")):
        if isinstance(end := document.get(key), str):
            address, _, port = end.rpartition(":")
            event.setdefault(f"{side}.address", address.strip("[]"))
            if port.isdigit() and port != "0":
                event.setdefault(f"{side}.port", port)
    if isinstance(service := document.get("service"), str) and service != "unknown":
        event["network.protocol"] = service
    if "timestamp" not in document and (stamp := epochs.iso_text(document.get("seconds"))):
        event["@timestamp"] = stamp
    denied = document.get("action") in DENIED
    return event | {
        "event.action": "alert",
        "event.category": ["network", "intrusion_detection"],
        "event.type": ["denied" if denied else "allowed"],
    }


def finish(columns: Columns, context: Context) -> Columns:
    return {
        **flows.complete(dict(columns)),
        "network.direction": directions(columns["source.address"], columns["destination.address"]),
        **{f"observer.{name}": pa.repeat(pa.scalar(text), len(context.zone)) for name, text in snort.OBSERVER.items()},
    }


PARSER = Parser(
    module="snort",
    dataset="snort.log",
    programs=("snort", "snort3"),
    signature=r'\s*\{.*"(?:sid|rule)" ?: ?["0-9].*',
    read=read,
    finish=finish,
)
