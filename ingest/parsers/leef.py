r"""leef: Log Event Extended Format of any device -> ECS fields.

In:   `LEEF:1.0|Vendor|Product|Version|ID|src=192.0.2.10<tab>dst=...`, or 2.0 with a separator of its own
Out:  `source.*`, `destination.*`, `user.name`, `event.*`, `observer.*`, `url.*`; `leef.*`
Docs: QRadar Log Event Extended Format 1.0 and 2.0, "Predefined LEEF event attributes"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, Columns
from ingest.formats import cef, flows, unknown_device, urls
from ingest.lines import Context, Parsed, Parser

FIELDS: dict[str, tuple[str, ...]] = {
    "source.address": ("src", "identSrc", "identHostName"),
    "source.ip": ("src", "identSrc"),
    "source.port": ("srcPort",),
    "source.mac": ("srcMAC", "identMAC"),
    "source.bytes": ("srcBytes", "bytesOut"),
    "source.packets": ("srcPackets",),
    "source.nat.ip": ("srcPostNAT",),
    "source.nat.port": ("srcPostNATPort",),
    "destination.address": ("dst",),
    "destination.ip": ("dst",),
    "destination.port": ("dstPort",),
    "destination.mac": ("dstMAC",),
    "destination.bytes": ("dstBytes", "bytesIn"),
    "destination.packets": ("dstPackets",),
    "destination.nat.ip": ("dstPostNAT",),
    "destination.nat.port": ("dstPostNATPort",),
    "network.transport": ("proto",),
    "network.packets": ("totalPackets",),
    "user.name": ("usrName", "accountName"),
    "user.domain": ("domain",),
    "event.severity": ("sev",),
    "event.action": ("action", "act"),
    "event.reason": ("reason", "msg"),
    "rule.name": ("policy",),
    "rule.category": ("cat",),
    "url.original": ("url", "resource"),
}


def read(messages: pa.Array, context: Context) -> Parsed:
    events = cef.read_leef(messages)
    return events.rows, columns_of(events, context.take(events.rows)) if len(events.rows) else {}


def columns_of(events: cef.Events, context: Context) -> Columns:
    pairs, header = events.pairs, events.header
    columns = pairs.columns(FIELDS)
    nothing = pa.nulls(pairs.count, TEXT)
    if "url.original" in columns:
        columns |= urls.split(columns["url.original"])
    action = pc.coalesce(columns.get("event.action", nothing), header["code"])
    columns |= {
        "@timestamp": cef.times(pairs.column("devTime"), context),
        "event.action": action,
        "event.code": header["code"],
        "event.outcome": unknown_device.outcome(action),
        "observer.vendor": header["vendor"],
        "observer.product": header["product"],
        "observer.version": header["version"],
        "vendor": pairs.others("leef.", {key for keys in FIELDS.values() for key in keys}),
    }
    columns |= unknown_device.categories(columns) | unknown_device.dataset(header["vendor"])
    return flows.complete(columns)


PARSER = Parser(
    module="leef",
    dataset="leef.log",
    signature=r"LEEF: ?[0-9.]+\|",
    generic=True,
    read=read,
)
