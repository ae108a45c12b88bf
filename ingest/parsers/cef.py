r"""cef: Common Event Format of any device -> ECS fields.

In:   `CEF:0|Vendor|Product|Version|ID|Name|Severity|src=192.0.2.10 ...`, bare or behind a syslog header
Out:  `source.*`, `destination.*`, `user.name`, `event.*`, `observer.*`, `url.*`, `file.*`; `cef.extensions.*`
Docs: ArcSight Common Event Format, version 26 (2022); Elastic's "Common Event Format", exported fields
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, Columns
from ingest.formats import cef, flows, unknown_device, urls
from ingest.formats.labels import mapped
from ingest.lines import Context, Parsed, Parser

FIELDS: dict[str, tuple[str, ...]] = {
    "source.address": ("src", "sourceAddress", "c6a2", "shost", "sourceHostName"),
    "source.ip": ("src", "sourceAddress"),
    "source.port": ("spt", "sourcePort"),
    "source.domain": ("shost", "sourceHostName"),
    "source.mac": ("smac", "sourceMacAddress"),
    "source.bytes": ("in", "bytesIn"),
    "source.nat.ip": ("sourceTranslatedAddress",),
    "source.nat.port": ("sourceTranslatedPort",),
    "source.user.name": ("suser", "sourceUserName"),
    "source.user.id": ("suid", "sourceUserId"),
    "source.user.group.name": ("spriv", "sourceUserPrivileges"),
    "source.service.name": ("sourceServiceName",),
    "destination.address": ("dst", "destinationAddress", "c6a3", "dhost", "destinationHostName"),
    "destination.ip": ("dst", "destinationAddress"),
    "destination.port": ("dpt", "destinationPort"),
    "destination.domain": ("dhost", "destinationHostName"),
    "destination.mac": ("dmac", "destinationMacAddress"),
    "destination.bytes": ("out", "bytesOut"),
    "destination.nat.ip": ("destinationTranslatedAddress",),
    "destination.nat.port": ("destinationTranslatedPort",),
    "destination.user.name": ("duser", "destinationUserName"),
    "destination.user.id": ("duid", "destinationUserId"),
    "destination.user.group.name": ("dpriv", "destinationUserPrivileges"),
    "destination.service.name": ("destinationServiceName",),
    "network.transport": ("proto", "transportProtocol"),
    "network.protocol": ("app", "applicationProtocol"),
    "observer.ip": ("dvc", "deviceAddress"),
    "observer.hostname": ("dvchost", "deviceHostName"),
    "observer.name": ("deviceExternalId",),
    "observer.ingress.interface.name": ("deviceInboundInterface",),
    "observer.egress.interface.name": ("deviceOutboundInterface",),
    # Check Point's exporter writes these beside the standard's keys.
    "observer.ingress.zone": ("inzone", "security_inzone"),
    "observer.egress.zone": ("outzone", "security_outzone"),
    "rule.uuid": ("rule_uid",),
    "event.action": ("act", "deviceAction"),
    "event.reason": ("reason", "msg", "message"),
    "url.original": ("request", "requestUrl"),
    "http.request.method": ("requestMethod",),
    "http.request.referrer": ("requestContext",),
    "user_agent.original": ("requestClientApplication",),
    "file.name": ("fname", "fileName"),
    "file.path": ("filePath",),
    "file.size": ("fsize", "fileSize"),
    "process.name": ("sproc", "sourceProcessName"),
}
OUTCOMES = {"success": "success", "successful": "success", "failure": "failure", "failed": "failure", "fail": "failure"}
DIRECTIONS = {"0": "inbound", "1": "outbound", "inbound": "inbound", "outbound": "outbound"}


def read(messages: pa.Array, context: Context) -> Parsed:
    events = cef.read_cef(messages)
    return events.rows, columns_of(events, context.take(events.rows)) if len(events.rows) else {}


def columns_of(events: cef.Events, context: Context) -> Columns:
    pairs, header = events.pairs, events.header
    columns = pairs.columns(FIELDS)
    nothing = pa.nulls(pairs.count, TEXT)
    if "url.original" in columns:
        columns |= urls.split(columns["url.original"])
    outcome = pc.coalesce(
        mapped(pc.utf8_lower(pairs.column("outcome", "eventOutcome")), OUTCOMES),
        unknown_device.outcome(columns.get("event.action", nothing)),
    )
    user = pc.coalesce(columns.get("source.user.name", nothing), columns.get("destination.user.name", nothing))
    columns |= {
        "@timestamp": cef.times(pairs.column("rt", "deviceReceiptTime", "end", "endTime", "start"), context),
        "event.start": cef.times(pairs.column("start", "startTime"), context),
        "event.end": cef.times(pairs.column("end", "endTime"), context),
        "event.code": header["code"],
        "event.severity": cef.severity(header["severity"]),
        "event.outcome": outcome,
        "rule.name": header["name"],
        "user.name": user,
        "network.direction": mapped(pc.utf8_lower(pairs.column("deviceDirection")), DIRECTIONS),
        "observer.vendor": header["vendor"],
        "observer.product": header["product"],
        "observer.version": header["version"],
        "cef.name": header["name"],
        "vendor": pairs.others("cef.extensions.", {key for keys in FIELDS.values() for key in keys}),
    }
    columns |= unknown_device.categories(columns) | unknown_device.dataset(header["vendor"])
    return flows.complete(columns)


PARSER = Parser(
    module="cef",
    dataset="cef.log",
    programs=("cef",),
    signature=r"(?:ASM: ?)?CEF: ?[0-9]+(?:\.[0-9]+)?\|",
    generic=True,
    read=read,
)
