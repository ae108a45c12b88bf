r"""filterlog: the packet filter of pfSense and OPNsense, comma-separated -> network fields.

In:   messages of filterlog: `5,,,1000000103,igb1,match,block,in,4,0x0,,64,...`
Out:  `source.*`, `destination.*`, `network.*`, `rule.id`, `observer.*`, `event.action`; `pfsense.*`
Docs: pfSense documentation, "Raw Filter Log Format"; OPNsense filterlog(8); Elastic's integration "pfSense"
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Rows, is_true
from ingest.event import Columns
from ingest.formats import flows
from ingest.formats.csv_fields import Fields
from ingest.formats.directions import directions
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser

COMMON = ("_", "_", "_", "rule.id", "observer.ingress.interface.name", "event.reason", "event.action", "_direction")
VERSION = len(COMMON)
# What follows the version of IP, and then what follows the addresses.
HEADERS = {
    "4": "pfsense.ip.tos pfsense.ip.ecn pfsense.ip.ttl pfsense.ip.id pfsense.ip.offset pfsense.ip.flags "
    "network.iana_number network.transport network.bytes source.ip destination.ip",
    "6": "pfsense.ip.tos pfsense.ip.flow_label pfsense.ip.ttl network.transport network.iana_number network.bytes "
    "source.ip destination.ip",
}
TRANSPORTS = {
    "tcp": "source.port destination.port pfsense.tcp.length pfsense.tcp.flags pfsense.tcp.seq pfsense.tcp.ack "
    "pfsense.tcp.window pfsense.tcp.urg pfsense.tcp.options",
    "udp": "source.port destination.port pfsense.udp.length",
    "icmp": "pfsense.icmp.type pfsense.icmp.id pfsense.icmp.seq",
    "carp": "pfsense.carp.type pfsense.carp.ttl pfsense.carp.vhid pfsense.carp.version pfsense.carp.advskew "
    "pfsense.carp.advbase",
}
DIRECTIONS = {"in": "inbound", "out": "outbound"}


def read(messages: pa.Array, context: Context) -> Parsed:
    fields = Fields(messages)
    version = fields.column(VERSION)
    pieces: list[tuple[Rows, Columns]] = []
    for number, header in HEADERS.items():
        names = (*COMMON, "_version", *header.split())
        rows = np.flatnonzero(is_true(pc.equal(version, number)) & (fields.counts >= len(names)))
        if len(rows):
            at = pa.array(rows)
            pieces.append((rows, _columns(Fields(messages.take(at)), names, context.host.take(at))))
    if not pieces:
        return np.empty(0, dtype=np.int64), {}
    known = np.sort(np.concatenate([rows for rows, _ in pieces]))
    return known, joined(len(known), [(np.searchsorted(known, rows), columns) for rows, columns in pieces])


def _columns(fields: Fields, names: tuple[str, ...], host: pa.Array) -> Columns:
    columns = {name: fields.column(place) for place, name in enumerate(names) if name != "_"}
    transport = pc.utf8_lower(columns["network.transport"])
    pieces = []
    for name, tail in TRANSPORTS.items():
        rows = np.flatnonzero(is_true(pc.starts_with(transport, name)))
        if len(rows):
            at = pa.array(rows)
            places = enumerate(tail.split(), start=len(names))
            pieces.append((rows, {field: fields.column(place).take(at) for place, field in places}))
    columns |= joined(len(transport), pieces)
    return flows.complete(columns | _meaning(columns, host))


def _meaning(columns: Columns, host: pa.Array) -> Columns:
    action, rule = columns["event.action"], columns["rule.id"]
    interface = columns["observer.ingress.interface.name"]
    blocked, passed = one_of(action, "block", "reject"), one_of(action, "pass")
    # pfSense numbers its rules, OPNsense names them by a hash.
    opnsense = pc.match_substring_regex(rule, "^[0-9a-f-]{32,36}$").fill_null(False)
    every = pa.repeat(pa.scalar(True), len(action))
    vlan = pc.replace_substring_regex(when(pc.match_substring_regex(interface, r"\.[0-9]+$"), interface), r"^.*\.", "")
    return {
        "network.direction": _direction(columns),
        "network.type": mapped(columns["_version"], {"4": "ipv4", "6": "ipv6"}),
        "network.vlan.id": vlan,
        "observer.ingress.vlan.id": vlan,
        "event.provider": pa.repeat(pa.scalar("filterlog"), len(action)),
        "event.category": all_of({"network": every}),
        "event.type": all_of({"connection": every, "denied": blocked, "allowed": passed}),
        "event.outcome": pc.coalesce(when(passed, "success"), when(blocked, "failure")),
        "observer.name": host,
        "observer.vendor": pc.if_else(opnsense, "Deciso", "netgate"),
        "observer.product": pc.if_else(opnsense, "OPNsense", "pfSense"),
        "observer.type": pa.repeat(pa.scalar("firewall"), len(action)),
    }


def _direction(columns: Columns) -> pa.Array:
    """`in` is into the firewall, on whichever side: what comes in from the inside goes out."""
    by_address = directions(columns["source.ip"], columns["destination.ip"])
    told = mapped(columns["_direction"], DIRECTIONS)
    return pc.coalesce(when(pc.not_equal(by_address, "external"), by_address), told)


PARSER = Parser(module="pfsense", dataset="pfsense.firewall", programs=("filterlog",), read=read)
