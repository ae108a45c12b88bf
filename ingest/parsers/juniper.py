r"""juniper: Junos of SRX firewalls, structured or in words -> sessions, threats, log-ins, changes.

In:   RFC 5424 whose structured data says all (`RT_FLOW - RT_FLOW_SESSION_CREATE [junos@2636.1.1.1.2.40 ...]`), or the
      same in words (`RT_FLOW_SESSION_CREATE: session created 192.0.2.10/51034->198.51.100.80/80 ...`)
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.name`, `rule.*`, `url.*`; `juniper.srx.*`
Docs: Junos OS System Log Explorer; Elastic's integration "Juniper SRX", exported fields
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.columns import is_true, is_valid
from ingest.event import TEXT, Columns
from ingest.formats import flows, structured, urls
from ingest.formats.key_value import Pairs, split
from ingest.formats.labels import all_of, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser
from ingest.vendors.junos_messages import LINES

FIELDS: dict[str, tuple[str, ...]] = {
    "source.ip": ("source_address", "sourceip", "client_ip"),
    "source.port": ("source_port",),
    "source.bytes": ("bytes_from_client", "outbound_bytes"),
    "source.packets": ("packets_from_client", "outbound_packets"),
    "source.nat.ip": ("nat_source_address",),
    "source.nat.port": ("nat_source_port",),
    "source.user.name": ("username", "user"),
    "source.domain": ("hostname",),
    "source.mac": ("mac_address",),
    "destination.ip": ("destination_address", "server_ip"),
    "destination.port": ("destination_port",),
    "destination.bytes": ("bytes_from_server", "inbound_bytes"),
    "destination.packets": ("packets_from_server", "inbound_packets"),
    "destination.nat.ip": ("nat_destination_address",),
    "destination.nat.port": ("nat_destination_port",),
    "network.iana_number": ("protocol_id",),
    "network.protocol": ("protocol_name", "protocol"),
    "observer.ingress.interface.name": ("packet_incoming_interface", "source_interface_name", "interface_name"),
    "observer.egress.interface.name": ("destination_interface_name",),
    "observer.ingress.zone": ("source_zone_name", "source_zone"),
    "observer.egress.zone": ("destination_zone_name", "destination_zone"),
    "rule.name": ("rulebase_name", "policy_name", "attack_name"),
    "rule.id": ("rule_id", "rule_name"),
    "event.reason": ("reason",),
    "url.domain": ("url", "http_host"),
    "url.path": ("obj", "http_uri"),
    "file.name": ("filename", "file_name"),
    "file.hash.sha256": ("sample_sha256",),
    "process.command_line": ("command",),
}
NOTHING = pa.array(["None", "UNKNOWN", "N/A", "-", ""])
# What the second half of a tag says of a session.
STARTED = r"(?:SESSION_CREATE|ROUTE_UPDATE|VOL_UPDATE|SESSION_UPDATE)(?:_LS)?$"
CLOSED = r"SESSION_CLOSE(?:_LS)?$"
LOGIN_FAILED = r"^(?:SSHD_|UI_)?LOGIN_(?:FAILED|PAM_ERROR)$"
REFUSED = r"(?:DENY(?:_LS)?|BLOCKED|_DROP)$"
THREATS = r"^(?:SRX_)?(?:IDP_|RT_SCREEN_|AV_|ANTISPAM_|CONTENT_FILTERING_|AAMW_|SECINTEL_|WEBFILTER_)"
# Only Junos has these; others' programs say with structured data, a tag or their form that they run on it.
OWN = (
    *("rt_flow", "rt_ids", "rt_utm", "rt_idp", "rt_aamw", "rt_secintel", "rt_action", "rt_system"),
    *("mgd", "kmd", "rmopd", "mib2d", "jsrpd", "chassisd", "dcd", "pfed", "dot1xd", "rpd", "eventd"),
)
SHARED = ("sshd", "snmpd", "login")
# Where the packet forwarding engine writes itself, its place stands before its name.
ENGINE = r"(?:(?:[^ ]+ |\(FPC Slot [0-9]+, PIC Slot [0-9]+\) )?PFE_FW_SYSLOG_IP[0-9]*: )?FW: [^ ]+ +[A-Z] +[a-z0-9]+ "
TAGGED = (
    r"(?:RT|RTLOG|UI|SSHD|LOGIN|IDP|WEBFILTER|AV|ANTISPAM|CONTENT_FILTERING|AAMW|SECINTEL|APPTRACK|PFE|KMD|PING|SNMP"
    r"|SNMPD|RPD|CHASSISD|DCD|JSRPD)_[A-Z0-9_]+: "
)
# Some versions leave the offset of the stamp away: the header has a fault then, and is part of the message.
HEADER = r"[0-9T:.-]{19,26} [^ ]+ [^ ]+ [^ ]+ "
SIGNATURE = rf"(?:{TAGGED}|{ENGINE}|(?:{HEADER})?(?:[A-Z0-9_]+ )?\[junos@)"
# The same in words, or data with a quote too many, which is no RFC 5424.
LOOSE = (
    r"(?s)^(?:(?P<stamp>[0-9T:.-]{19,26}) (?P<host>[^ ]+) (?P<program>[^ ]+) [^ ]+ )?(?:(?P<tag>[A-Z0-9_]+) )?"
    r"\[junos@[^ ]+ (?P<data>.*?)\]?\s*$"
)


def read(messages: pa.Array, context: Context) -> Parsed:
    pieces = []
    told_here = is_true(pc.and_(context.msgid.is_valid(), structured.begins(context.structured_data, "junos@")))
    said_here = is_true(pc.match_substring_regex(messages, f"^{SIGNATURE}"))
    own = is_true(pc.is_in(context.program, pa.array(OWN)))
    if not (told_here | said_here | own).any():
        return np.empty(0, dtype=np.int64), {}
    told = np.flatnonzero(told_here)
    if len(told):
        at = pa.array(told)
        pairs = _renamed(structured.pairs(context.structured_data.take(at)))
        pieces.append((told, _columns(pairs, context.msgid.take(at), context.host.take(at))))
        words = pc.binary_join_element_wise(context.msgid, messages, ": ").take(at)
        known, columns = MESSAGES.parse(words, context.take(told))
        pieces.append((told[known], columns))
    loose = captured(pc.extract_regex(messages, LOOSE))
    broken = np.flatnonzero(is_valid(loose["data"]) & ~told_here)
    if len(broken):
        at = pa.array(broken)
        tag = pc.coalesce(loose["tag"], context.msgid).take(at)
        host = pc.coalesce(context.host, loose["host"]).take(at)
        headers = {
            "@timestamp": stamps.iso(loose["stamp"], context.zone).take(at),
            "host.name": loose["host"].take(at),
            "process.name": loose["program"].take(at),
        }
        pieces.append((broken, headers | _columns(_renamed(split(loose["data"].take(at))), tag, host)))
    others = np.setdiff1d(np.flatnonzero(said_here | own), np.concatenate([told, broken]))
    at = pa.array(others)
    known, columns = MESSAGES.parse(messages.take(at), context.take(others))
    pieces.append((others[known], columns))
    rows = np.unique(np.concatenate([rows for rows, _ in pieces]))
    return rows, joined(len(rows), [(np.searchsorted(rows, part), columns) for part, columns in pieces])


def _renamed(pairs: Pairs) -> Pairs:
    """`source-address` as Elastic names it, `source_address`."""
    names = pc.replace_substring(pairs.keys.dictionary, "-", "_")
    keys = names.take(pairs.keys.indices).dictionary_encode()
    return Pairs(pairs.count, pairs.rows, keys, pairs.values)


def _columns(pairs: Pairs, tag: pa.Array, host: pa.Array) -> Columns:
    columns = {
        name: when(pc.invert(pc.is_in(column, NOTHING)), column) for name, column in pairs.columns(FIELDS).items()
    }
    columns["vendor"] = pairs.others("juniper.srx.")
    columns["event.duration"] = _nanoseconds(pairs.column("elapsed_time"))
    return _finished(columns, tag, host)


def _nanoseconds(seconds: pa.Array) -> pa.Array:
    return pc.multiply(when(pc.match_substring_regex(seconds, "^[0-9]{1,9}$"), seconds).cast(pa.int64()), 1_000_000_000)


def finish(columns: Columns, context: Context) -> Columns:
    tag = columns["event.code"]
    columns = dict(columns) | {"event.duration": _nanoseconds(columns["_seconds"])}
    user = columns.get("source.user.name")
    if user is not None:
        columns["source.user.name"] = when(pc.invert(pc.is_in(user, NOTHING)), user)
    return _finished(columns, tag, context.host)


def _finished(columns: Columns, tag: pa.Array, host: pa.Array) -> Columns:
    """What the tag of a message means, whichever way the message was written."""
    rows = len(tag)
    started, closed = (pc.match_substring_regex(tag, expression) for expression in (STARTED, CLOSED))
    flow = pc.match_substring_regex(tag, "^(?:RT_FLOW|APPTRACK)_")
    refused = pc.match_substring_regex(tag, REFUSED)
    threat = pc.match_substring_regex(tag, THREATS)
    session = pc.or_(pc.or_(started, closed), refused)
    login_failed = pc.match_substring_regex(tag, LOGIN_FAILED)
    action = pc.coalesce(
        when(started, "flow_started"),
        when(closed, "flow_close"),
        when(pc.and_(flow, refused), "flow_deny"),
        when(login_failed, "logon-failed"),
    )
    nothing = pa.nulls(rows, TEXT)
    found: Columns = {
        "event.code": tag,
        "event.action": pc.coalesce(columns.get("event.action", nothing), action, pc.utf8_lower(tag)),
        "event.outcome": pc.coalesce(
            columns.get("event.outcome", nothing),
            when(pc.or_(flow, threat), "success"),
            when(login_failed, "failure"),
        ),
        "juniper.srx.tag": tag,
        "observer.name": host,
        "observer.vendor": pa.repeat(pa.scalar("Juniper"), rows),
        "observer.product": pa.repeat(pa.scalar("SRX"), rows),
        "observer.type": pa.repeat(pa.scalar("firewall"), rows),
        "user.name": pc.coalesce(columns.get("user.name", nothing), columns.get("source.user.name", nothing)),
    }
    if "event.category" not in columns:
        columns["event.category"] = pa.nulls(rows, pa.list_(TEXT))
        columns["event.type"] = pa.nulls(rows, pa.list_(TEXT))
    by_tag = {
        "event.category": all_of(
            {"network": pc.or_(flow, threat), "intrusion_detection": threat, "authentication": login_failed}
        ),
        "event.type": all_of(
            {
                "start": pc.or_(started, login_failed),
                "end": closed,
                "allowed": pc.or_(started, closed),
                "denied": refused,
                "connection": pc.and_(flow, session),
                "info": pc.invert(pc.or_(session, login_failed)),
            }
        ),
    }
    found |= {name: pc.coalesce(columns[name], column) for name, column in by_tag.items()}
    path = columns.get("url.path")
    if path is not None:
        parts = urls.split(path)
        domain = columns.get("url.domain", nothing)
        found |= {name: parts[name] for name in ("url.path", "url.query", "url.extension")}
        found["url.original"] = pc.binary_join_element_wise(domain.fill_null(""), path, "")
    return flows.complete(columns | found)


MESSAGES = Parser(module="juniper", dataset="juniper.srx", lines=LINES, finish=finish)
PARSER = Parser(
    module="juniper",
    dataset="juniper.srx",
    programs=OWN + SHARED,
    signature=SIGNATURE,
    read=read,
)
