r"""netflow: flows as JSON, as goflow2 and nfdump write them -> network fields.

In:   goflow2 `{"type":"NETFLOW_V9","src_addr":...}` (version 1: `{"Type":...,"SrcAddr":...}`); nfdump
      `{"type":"FLOW","first":...}`
Out:  `source.*`, `destination.*`, `network.*`, `event.start`, `event.end`, `observer.ip`; `netflow.*`
Docs: goflow2 docs/protocols.md; nfdump(1), output format json; Elastic's integration "NetFlow Records"
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import epochs, flows, json_lines, native_json
from ingest.formats.directions import directions
from ingest.formats.json_lines import Document
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "src_addr": "source.ip", "SrcAddr": "source.ip", "src4_addr": "source.ip", "src6_addr": "source.ip",
    "dst_addr": "destination.ip", "DstAddr": "destination.ip",
    "dst4_addr": "destination.ip", "dst6_addr": "destination.ip",
    "src_port": "source.port", "SrcPort": "source.port", "dst_port": "destination.port", "DstPort": "destination.port",
    "src_mac": "source.mac", "SrcMac": "source.mac", "in_src_mac": "source.mac",
    "dst_mac": "destination.mac", "DstMac": "destination.mac", "out_dst_mac": "destination.mac",
    "bytes": "source.bytes", "Bytes": "source.bytes", "in_bytes": "source.bytes",
    "packets": "source.packets", "Packets": "source.packets", "in_packets": "source.packets",
    "out_bytes": "destination.bytes", "out_packets": "destination.packets",
    "src4_xlt_ip": "source.nat.ip", "dst4_xlt_ip": "destination.nat.ip",
    "src_xlt_port": "source.nat.port", "dst_xlt_port": "destination.nat.port",
    "in_if": "observer.ingress.interface.name", "InIf": "observer.ingress.interface.name",
    "input_snmp": "observer.ingress.interface.name",
    "out_if": "observer.egress.interface.name", "OutIf": "observer.egress.interface.name",
    "output_snmp": "observer.egress.interface.name",
    "sampler_address": "observer.ip", "SamplerAddress": "observer.ip", "ip4_router": "observer.ip",
    "ip6_router": "observer.ip",
    "proto": "network.transport", "Proto": "network.transport",
    "first": "event.start", "last": "event.end",
}  # fmt: skip
# Times since 1970, by the units that the versions write.
TIMES = {
    "time_flow_start_ns": ("event.start", 10**9), "time_flow_start_ms": ("event.start", 1000),
    "time_flow_start": ("event.start", 1), "TimeFlowStart": ("event.start", 1),
    "TimeFlowStartMs": ("event.start", 1000),
    "time_flow_end_ns": ("event.end", 10**9), "time_flow_end_ms": ("event.end", 1000),
    "time_flow_end": ("event.end", 1), "TimeFlowEnd": ("event.end", 1), "TimeFlowEndMs": ("event.end", 1000),
    "time_received_ns": ("event.created", 10**9), "time_received": ("event.created", 1),
    "TimeReceived": ("event.created", 1),
}  # fmt: skip


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    renamed = native_json.renamed(document, NAMES, "netflow")
    for count in ("source.bytes", "source.packets", "destination.bytes", "destination.packets"):
        counted = renamed.get(count)
        if isinstance(counted, int | float) and counted < 0:
            del renamed[count]
    if "source.ip" not in renamed and "destination.ip" not in renamed:
        return None
    for name, (field, unit) in TIMES.items():
        value: Any = renamed.pop(f"netflow.{name}", None)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:19])
        if isinstance(value, int | float) and not isinstance(value, bool) and (stamp := epochs.iso_text(value / unit)):
            renamed.setdefault(field, stamp)
    return renamed


def finish(columns: Columns, context: Context) -> Columns:
    rows = len(context.program)
    columns = dict(columns)
    # A flow is one way: what its sender sent is all that its record counts.
    for unit in ("bytes", "packets"):
        if f"source.{unit}" in columns:
            columns[f"network.{unit}"] = pc.add(
                columns[f"source.{unit}"], _or_zero(columns.get(f"destination.{unit}"), rows)
            )
    start, end = columns.get("event.start"), columns.get("event.end")
    if start is not None and end is not None:
        columns["event.duration"] = pc.multiply(pc.microseconds_between(start, end), 1000)
    known = [column for column in (end, start, columns.get("event.created")) if column is not None]
    if known:
        columns["@timestamp"] = pc.coalesce(*known)
    nothing = pa.nulls(rows, TEXT)
    columns |= {
        "network.direction": directions(columns.get("source.ip", nothing), columns.get("destination.ip", nothing)),
        "event.action": pa.repeat(pa.scalar("netflow_flow"), rows),
        "event.category": pa.array([["network"]], TEXTS).take(pa.repeat(pa.scalar(0), rows)),
        "event.type": pa.array([["connection"]], TEXTS).take(pa.repeat(pa.scalar(0), rows)),
        "observer.type": pa.repeat(pa.scalar("netflow"), rows),
    }
    return flows.complete(columns)


def _or_zero(column: pa.Array | None, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(0, pa.int64()), rows) if column is None else column.fill_null(0)


PARSER = Parser(
    module="netflow",
    dataset="netflow.log",
    signature=r'\s*\{"(?:type|Type)" ?: ?"?(?:NETFLOW|IPFIX|SFLOW|FLOW|EVENT|[0-9])',
    read=read,
    finish=finish,
)
