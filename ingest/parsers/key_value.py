r"""key_value: `key=value` lines of devices that no other parser knows -> addresses, users, actions.

In:   `src=192.0.2.10 dst=... action=deny ...`, with or without quotes and commas
Out:  `source.*`, `destination.*`, `user.name`, `event.action`, `url.original`; every pair as `key_value.*`
Docs: none: the names that firewalls, proxies and VPN gateways have in common
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, Columns
from ingest.formats import cef, flows, key_value, unknown_device, urls
from ingest.formats.key_value import Pairs
from ingest.formats.labels import when
from ingest.lines import Context, Parsed, Parser


def _spelt(*names: str) -> tuple[str, ...]:
    """A key as devices spell it: src_ip, srcip, src-ip, srcIp, SRC_IP."""
    spellings: dict[str, None] = {}
    for name in names:
        words = name.split("_")
        joined = "".join(words)
        camel = words[0] + "".join(word.capitalize() for word in words[1:])
        spellings |= dict.fromkeys(
            (name, joined, "-".join(words), camel, camel[0].upper() + camel[1:], name.upper(), joined.upper())
        )
    return tuple(spellings)


FIELDS: dict[str, tuple[str, ...]] = {
    "source.address": _spelt(
        "src_ip", "src", "source_ip", "source_address", "src_addr", "client_ip", "remote_ip", "saddr", "srcv6"
    ),
    "source.port": _spelt("src_port", "source_port", "spt", "sport", "s_port"),
    "source.mac": _spelt("src_mac", "source_mac"),
    "source.bytes": _spelt("sent_byte", "sent_bytes", "bytes_sent", "sent"),
    "source.packets": _spelt("sent_pkt", "packets_sent"),
    "destination.address": _spelt(
        "dst_ip", "dst", "destination_ip", "dest_ip", "destination_address", "dst_addr", "dest", "daddr"
    ),
    "destination.port": _spelt("dst_port", "destination_port", "dest_port", "dpt", "dport", "d_port"),
    "destination.mac": _spelt("dst_mac", "destination_mac", "dest_mac"),
    "destination.bytes": _spelt("rcvd_byte", "rcvd_bytes", "bytes_received", "recv_bytes", "rcvd"),
    "destination.packets": _spelt("rcvd_pkt", "packets_received"),
    "network.transport": _spelt("proto", "protocol", "ip_proto", "transport"),
    "network.application": _spelt("app", "application", "app_name"),
    "user.name": _spelt("user", "user_name", "username", "usr", "uname", "login", "account", "src_user"),
    "event.action": _spelt("action", "act", "fw_action", "disposition", "log_subtype"),
    "event.reason": _spelt("reason", "msg", "message"),
    "event.code": _spelt("event_id", "msg_id", "log_id", "id"),
    "rule.id": _spelt("policy_id", "rule_id"),
    "rule.name": _spelt("policy_name", "rule_name", "policy", "rule"),
    "url.original": _spelt("url", "uri", "request_url"),
    "observer.name": _spelt("dev_name", "device_name", "dvc_host", "fw"),
    "observer.ingress.interface.name": _spelt("src_intf", "in_interface", "in_intf", "src_zone"),
    "observer.egress.interface.name": _spelt("dst_intf", "out_interface", "out_intf", "dst_zone"),
}
TIME = _spelt("time", "timestamp", "date_time", "event_time")
TELLING = ("source.address", "destination.address", "user.name", "event.action", "url.original")
FEWEST = 3
"""Fewer pairs than this are a sentence with an equals sign in it."""


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(messages, separators=b" \t,;|")
    counts = np.bincount(pairs.rows, minlength=pairs.count)
    telling = np.zeros(pairs.count, dtype=np.bool_)
    for field in TELLING:
        telling |= pairs.column(*FIELDS[field]).is_valid().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(telling & (counts >= FEWEST))
    return rows, _columns(pairs.take(rows), context.take(rows)) if len(rows) else {}


def _columns(pairs: Pairs, context: Context) -> Columns:
    columns = {name: when(pc.not_equal(column, "N/A"), column) for name, column in pairs.columns(FIELDS).items()}
    nothing = pa.nulls(pairs.count, TEXT)
    if "url.original" in columns:
        columns |= urls.split(columns["url.original"])
    date = pc.binary_join_element_wise(pairs.column("date"), pairs.column("time"), " ")
    columns |= {
        "@timestamp": pc.coalesce(cef.times(date, context), cef.times(pairs.column(*TIME), context)),
        "event.outcome": pc.coalesce(
            unknown_device.outcome(pairs.column("status", "result", "outcome")),
            unknown_device.outcome(columns.get("event.action", nothing)),
        ),
        "vendor": pairs.others("key_value."),
    }
    columns |= unknown_device.categories(_ends(columns))
    return flows.complete(columns)


def _ends(columns: Columns) -> Columns:
    return columns | {
        f"{end}.ip": columns[f"{end}.address"] for end in ("source", "destination") if f"{end}.address" in columns
    }


PARSER = Parser(
    module="key_value",
    dataset="key_value.log",
    signature=r"[A-Za-z][A-Za-z0-9_.-]{0,40}=",
    generic=True,
    read=read,
)
