r"""cisco_asa: messages of Cisco's firewalls (ASA, FTD, PIX, FWSM) -> connections, refusals, log-ins, VPN.

In:   `%ASA-6-302013: Built outbound TCP connection ...`; what stands before the sign is the header's
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.name`, `event.code`; `cisco.asa.*`, `cisco.ftd.*`
Docs: Cisco Secure Firewall ASA Series Syslog Messages; Firepower Threat Defense Syslog Messages, 430001 to 430005
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.columns import is_true, is_valid
from ingest.event import Columns
from ingest.formats import flows, urls
from ingest.formats.labels import mapped, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser
from ingest.vendors import asa_logins, asa_messages, asa_vpn, ftd_events

HEADER = (
    r"(?s)^:? *%(?P<product>ASA|FTD|PIX|FWSM|NGIPS)-"
    r"(?:[^0-9-]+-)?-?(?P<severity>[0-7])-(?P<code>[0-9]{6}):? *(?P<text>.*)$"
)
LEVELS = dict(
    zip("01234567", ("unknown", "alert", "critical", "error", "warning", "notification", "informational", "debug"),
        strict=True)
)  # fmt: skip
USER = r"^(?:LOCAL\\)?(?:(?P<domain>[^\\@,]+)\\)?(?P<name>[^\\,]*?)\$?(?:, *[0-9].*)?$"


def read(messages: pa.Array, context: Context) -> Parsed:
    header = captured(pc.extract_regex(messages, HEADER))
    bare = when(header["code"].is_null(), ftd_events.guessed(messages))
    header["code"] = pc.coalesce(header["code"], bare)
    header["text"] = pc.if_else(bare.is_valid(), messages, header["text"])
    header["product"] = pc.if_else(bare.is_valid(), "FTD", header["product"])
    rows = np.flatnonzero(is_valid(header["code"]))
    if not len(rows):
        return rows, {}
    header = {name: column.take(pa.array(rows)) for name, column in header.items()}
    code, text = header["code"], header["text"]
    is_event = is_true(ftd_events.is_event(code, text))
    events, others = np.flatnonzero(is_event), np.flatnonzero(~is_event)
    pieces = [(np.arange(len(rows)), _of_header(header) | {"observer.hostname": context.host.take(pa.array(rows))})]
    if len(events):
        at = pa.array(events)
        pieces.append((events, ftd_events.read(code.take(at), text.take(at))))
    message = pc.binary_join_element_wise(code, text.fill_null(""), " ").take(pa.array(others))
    known, columns = MESSAGES.parse(message, context.take(rows[others]))
    pieces.append((others[known], columns))
    return rows, joined(len(rows), pieces)


def _of_header(header: Columns) -> Columns:
    rows = len(header["code"])
    ftd = pc.equal(header["product"], "FTD")
    return {
        "event.code": header["code"],
        "event.severity": header["severity"],
        "log.level": mapped(header["severity"], LEVELS),
        "event.module": pa.repeat(pa.scalar("cisco"), rows),
        "event.dataset": pc.if_else(ftd, "cisco.ftd", "cisco.asa"),
        "observer.vendor": pa.repeat(pa.scalar("Cisco"), rows),
        "observer.product": pc.if_else(ftd, "ftd", "asa"),
        "observer.type": pa.repeat(pa.scalar("firewall"), rows),
    }


def finish(columns: Columns, context: Context) -> Columns:
    found = _users(columns) | _nat(columns) | _blame(columns)
    found["network.direction"] = pc.utf8_lower(columns["network.direction"])
    found["network.protocol"] = pc.utf8_lower(columns["network.protocol"])
    found["event.duration"] = _nanoseconds(columns["_duration"])
    found["tls.version"] = when(
        columns["_tls"].is_valid(), pc.replace_substring_regex(columns["_tls"], "^[A-Za-z]+v?", "")
    )
    if columns["url.original"].null_count < len(columns["url.original"]):
        found |= urls.split(columns["url.original"])
    return flows.complete(columns | found | flows.icmp(columns, "cisco.asa.icmp_type", "cisco.asa.icmp_code"))


def _users(columns: Columns) -> Columns:
    """Behind an address stands the user `LOCAL\\name`, `DOMAIN\\name`, or with a security group tag, or that alone."""
    found: Columns = {}
    for side in ("source", "destination"):
        spoken = pc.coalesce(columns[f"{side}.user.name"], columns[f"_{side}_user"])
        parts = captured(pc.extract_regex(spoken, USER))
        tag = pc.match_substring_regex(parts["name"], r"^[0-9]+(?::.*)?$")
        found[f"{side}.user.name"] = when(pc.invert(tag), parts["name"])
        found[f"{side}.user.domain"] = parts["domain"]
    names = (
        columns["user.name"],
        found["destination.user.name"],
        found["source.user.name"],
        columns["server.user.name"],
    )
    found["user.name"] = pc.replace_substring_regex(pc.coalesce(*names), "^['\"]|['\"]$", "")
    return found


def _nat(columns: Columns) -> Columns:
    """The device writes both always; only what differs was translated."""
    found: Columns = {}
    for side in ("source", "destination"):
        for part, name in (("", "address"), ("_port", "port")):
            real, seen = columns[f"{side}.{name}"], columns[f"_{side}_nat{part}"]
            field = f"{side}.nat.{'port' if part else 'ip'}"
            found[field] = when(pc.not_equal(real, seen), seen)
    return found


def _blame(columns: Columns) -> Columns:
    """Of a dynamic filter's message the name that is on the list, and whether the packet went through."""
    found, side = columns["_found"], columns["_blamed"]
    named = when(pc.match_substring_regex(found, r"[A-Za-z]"), found)
    domains: Columns = {
        f"{name}.domain": pc.coalesce(columns[f"{name}.domain"], when(pc.equal(side, name), named))
        for name in ("source", "destination")
    }
    return domains | {"server.domain": named}


def _nanoseconds(durations: pa.Array) -> pa.Array:
    """`1:02:03`, `1h:02m:03s` or `2d 1h:02m:03s`."""
    parts = captured(
        pc.extract_regex(durations, r"^(?:(?P<d>[0-9]+)d ?)?(?P<h>[0-9]+)h?:(?P<m>[0-9]+)m?:(?P<s>[0-9]+)s?$")
    )
    seconds = pa.nulls(len(durations), pa.int64())
    for name, each in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        part = pc.multiply(when(pc.less_equal(pc.utf8_length(parts[name]), 6), parts[name]).cast(pa.int64()), each)
        seconds = part if name == "d" else pc.add(seconds.fill_null(0), part)
    return pc.multiply(seconds, 1_000_000_000)


LINES = asa_messages.LINES + asa_logins.LINES + asa_vpn.LINES + asa_messages.OTHERS
MESSAGES = Parser(module="cisco", dataset="cisco.asa", lines=LINES, finish=finish)
# FTD's events of before 6.3 have no sign and no id: some keys, and the address among them.
SIGNATURE = r"(?::? *%(?:ASA|FTD|PIX|FWSM|NGIPS)-|(?:[A-Za-z_ ]+: [^,]*, )*SrcIP: )"
PARSER = Parser(module="cisco", dataset="cisco.asa", signature=SIGNATURE, read=read)
