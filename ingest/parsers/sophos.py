r"""sophos: Sophos Firewall (XG, SFOS) and Sophos UTM -> traffic, web, threats, log-ins.

In:   `device="SFW" date=2026-03-05 time=08:15:02 ... log_type="Firewall" ...`, since SFOS 18 `device_name="SFW"
      timestamp="..."`; of UTM `id="2001" severity="info" sys="SecureNet" sub="packetfilter" ...`
Docs: Sophos Firewall syslog guide; Sophos UTM log files; Elastic's integration "Sophos", exported fields
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_true
from ingest.event import TEXT, Columns
from ingest.formats import flows, key_value, unknown_device, urls
from ingest.formats.key_value import Pairs
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser

FIELDS: dict[str, tuple[str, ...]] = {
    "source.ip": ("src_ip", "sourceip", "srcip", "remoteinterfaceip", "remote_ip", "ip_address"),
    "source.port": ("src_port", "srcport"),
    "source.mac": ("src_mac", "srcmac"),
    "source.bytes": ("sent_bytes", "bytes_sent", "bytesrcv"),
    "source.packets": ("sent_pkts", "packets_sent"),
    "source.nat.ip": ("tran_src_ip", "src_trans_ip"),
    "source.nat.port": ("tran_src_port", "src_trans_port"),
    "source.user.name": ("user_name", "user", "name", "username"),
    "source.user.group.name": ("user_gp", "user_group", "usergroupname", "group"),
    "source.domain": ("src_domainname",),
    "source.user.email": ("from_email_address",),
    "destination.user.email": ("to_email_address",),
    "destination.ip": ("dst_ip", "destinationip", "dstip", "localinterfaceip", "localip"),
    "destination.domain": ("dstdomain", "dst_domainname"),
    "destination.port": ("dst_port", "dstport"),
    "destination.mac": ("dst_mac", "dstmac"),
    "destination.bytes": ("recv_bytes", "bytes_received", "bytessent"),
    "destination.packets": ("recv_pkts", "packets_received"),
    "destination.nat.ip": ("tran_dst_ip", "dst_trans_ip"),
    "destination.nat.port": ("tran_dst_port", "dst_trans_port"),
    "network.transport": ("protocol", "proto"),
    "network.protocol": ("application", "app_name", "ips_app"),
    "observer.name": ("device_name",),
    "observer.serial_number": ("device_id", "device_serial_id"),
    "observer.ingress.interface.name": ("in_interface", "initf"),
    "observer.egress.interface.name": ("out_interface", "outitf"),
    "observer.ingress.zone": ("srczonetype", "src_zone_type"),
    "observer.egress.zone": ("dstzonetype", "dst_zone_type"),
    "rule.id": ("fw_rule_id", "fwrule", "signature_id", "sid", "idp_policy_id"),
    "rule.name": ("fw_rule_name", "signature_msg", "reason_name"),
    "rule.ruleset": ("policy_type", "idp_policy_name", "policy_name", "av_policy_name", "profile"),
    "rule.category": ("category", "categoryname", "classification"),
    "event.code": ("log_id", "id"),
    "event.reason": ("reason", "message", "hb_status"),
    "url.original": ("url",),
    "url.domain": ("domain", "domainname"),
    "http.request.method": ("method", "httpmethod"),
    "http.request.referrer": ("referer", "http_referer"),
    "http.response.status_code": ("httpresponsecode", "status_code", "statuscode", "http_status", "httpstatus"),
    "http.version": ("ws_protocol", "ver"),
    "user_agent.original": ("user_agent", "useragent", "http_user_agent"),
    "file.name": ("filename", "file_name"),
    "file.size": ("file_size", "filesize"),
    "file.directory": ("file_path",),
    "email.subject": ("subject", "mail_subject"),
}
LEVELS = dict(
    zip("01234567", ("unknown", "alert", "critical", "error", "warning", "notification", "informational", "debug"),
        strict=True)
)  # fmt: skip
INSIDE = ("LAN", "DMZ", "VPN", "WiFi")
EMPTY = pa.array(["", "-", "N/A"])
HELD = {
    "date",
    "time",
    "timestamp",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "srcip",
    "dstip",
    "srcport",
    "dstport",
    "url",
}


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(messages)
    firewall = pc.and_(pairs.column("log_type").is_valid(), pairs.column("log_id").is_valid())
    utm = pc.and_(pairs.column("sys").is_valid(), pairs.column("sub").is_valid())
    pieces = []
    for mask, product in ((firewall, "xg"), (utm, "utm")):
        rows = np.flatnonzero(is_true(mask))
        if len(rows):
            pieces.append((rows, _columns(pairs.take(rows), context.take(rows), product)))
    if not pieces:
        return np.empty(0, dtype=np.int64), {}
    rows = np.unique(np.concatenate([rows for rows, _ in pieces]))
    return rows, joined(len(rows), [(np.searchsorted(rows, part), columns) for part, columns in pieces])


def _columns(pairs: Pairs, context: Context, product: str) -> Columns:
    columns = {name: when(pc.invert(pc.is_in(column, EMPTY)), column) for name, column in pairs.columns(FIELDS).items()}
    nothing = pa.nulls(pairs.count, TEXT)
    if product == "utm":
        # There `name` is what happened, and `user` who did it.
        columns["source.user.name"] = pairs.column("user", "username")
        columns["event.reason"] = pairs.column("name")
    if "url.original" in columns:
        parts = urls.split(columns["url.original"])
        whole = when(pc.match_substring(columns["url.original"], "://"), columns["url.original"])
        domain = pc.coalesce(columns.get("url.domain", nothing), parts["url.domain"])
        columns |= parts | {"url.domain": domain, "url.full": whole}
    columns |= _times(pairs, context) | (_meaning(pairs, columns) if product == "xg" else _meaning_utm(pairs, columns))
    columns |= {
        "event.module": pa.repeat(pa.scalar("sophos"), pairs.count),
        "event.dataset": pa.repeat(pa.scalar(f"sophos.{product}"), pairs.count),
        "observer.vendor": pa.repeat(pa.scalar("Sophos"), pairs.count),
        "observer.product": pa.repeat(pa.scalar(product.upper()), pairs.count),
        "observer.type": pa.repeat(pa.scalar("firewall"), pairs.count),
        "user.name": columns.get("source.user.name", nothing),
        "vendor": pairs.others(f"sophos.{product}.", HELD),
    }
    return flows.complete(columns)


def _times(pairs: Pairs, context: Context) -> Columns:
    local = pc.binary_join_element_wise(pairs.column("date"), pairs.column("time"), " ")
    seconds = pairs.column("duration", "con_duration")
    seconds = when(pc.match_substring_regex(seconds, "^[0-9]{1,9}$"), seconds).cast(pa.int64())
    stamp = pairs.column("timestamp")
    return {
        "@timestamp": pc.coalesce(stamps.iso(stamp, context.zone), stamps.iso(local, context.zone)),
        "event.duration": pc.multiply(seconds, 1_000_000_000),
    }


def _meaning(pairs: Pairs, columns: Columns) -> Columns:
    kind, sub = pairs.column("log_type"), pairs.column("log_subtype")
    status, event = pairs.column("status"), pairs.column("connevent", "con_event")
    code = pc.utf8_slice_codeunits(pairs.column("log_id"), 7)
    firewall, login = pc.equal(kind, "Firewall"), one_of(sub, "Authentication", "Admin")
    nothing = pa.nulls(pairs.count, TEXT)
    ingress, egress = columns.get("observer.ingress.zone", nothing), columns.get("observer.egress.zone", nothing)
    inside, out = one_of(ingress, *INSIDE), one_of(egress, *INSIDE)
    wan_in, wan_out = one_of(ingress, "WAN"), one_of(egress, "WAN")
    denied = pc.or_(one_of(status, "Deny", "Denied"), one_of(sub, "Denied", "Drop", "Dropped", "Virus", "Blocked"))
    started, ended = one_of(event, "Start", "Interim"), one_of(event, "Stop", "End")
    waf = pc.equal(kind, "WAF")
    blocked = pc.not_equal(pairs.column("reason"), "-").fill_null(False)
    severity = pc.utf8_slice_codeunits(pairs.column("log_id"), 6, 7)
    return {
        "event.action": pc.coalesce(pc.utf8_lower(sub), when(waf, pc.if_else(blocked, "denied", "allowed"))),
        "event.severity": severity,
        "log.level": mapped(severity, LEVELS),
        "event.outcome": pc.if_else(
            pc.equal(kind, "Event"),
            mapped(status, {"Successful": "success", "Failed": "failure"}),
            when(pc.or_(sub.is_valid(), waf), "success"),
        ),
        "event.category": all_of(
            {
                "network": pc.not_equal(kind, "Event"),
                "authentication": pc.and_(pc.equal(kind, "Event"), login),
                "malware": one_of(kind, "Anti-Virus", "ATP", "Sandbox"),
                "intrusion_detection": pc.or_(
                    one_of(kind, "IDP", "ATP"), one_of(code, "03001", "05001", "05151", "00003", "00004")
                ),
                "web": one_of(kind, "Content Filtering", "WAF"),
            }
        ),
        "event.type": all_of(
            {
                "start": pc.or_(started, pc.and_(login, one_of(status, "Successful"))),
                "end": ended,
                "allowed": pc.or_(pc.or_(started, ended), one_of(sub, "Allowed")),
                "denied": denied,
                "connection": firewall,
                "info": pc.equal(kind, "Event"),
            }
        ),
        "network.direction": pc.coalesce(
            when(pc.and_(wan_in, out), "inbound"),
            when(pc.and_(inside, wan_out), "outbound"),
            when(pc.and_(inside, out), "internal"),
            when(pc.and_(wan_in, wan_out), "external"),
        ),
    }


def _meaning_utm(pairs: Pairs, columns: Columns) -> Columns:
    action, sub = pairs.column("action"), pairs.column("sub")
    columns["event.action"] = action
    refused = pc.match_substring_regex(action, unknown_device.REFUSED)
    login = one_of(sub, "auth")
    failed = pc.match_substring_regex(pairs.column("name"), r"(?i)fail|denied")
    return {
        "event.action": action,
        "log.level": pairs.column("severity"),
        "event.outcome": pc.if_else(login, pc.if_else(failed, "failure", "success"), unknown_device.outcome(action)),
        "event.category": all_of(
            {
                "network": one_of(sub, "packetfilter", "ips"),
                "web": one_of(sub, "http"),
                "authentication": login,
                "intrusion_detection": one_of(sub, "ips"),
            }
        ),
        "event.type": all_of(
            {"connection": one_of(sub, "packetfilter"), "denied": refused, "info": pc.invert(refused)}
        ),
    }


PARSER = Parser(
    module="sophos",
    dataset="sophos.xg",
    signature=r'(?:device="|device_name="|id="[0-9]+" severity="|log_id=|timestamp=")',
    read=read,
)
