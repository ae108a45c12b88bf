r"""checkpoint: Check Point's log exporter in its own syslog form -> ECS fields.

In:   `[action:"Accept"; flags:"150784"; ifdir:"inbound"; ...]`, which is no RFC 5424 structured data, or the newer
      `[Fields@1.3.6.1.4.1.2620 action="Accept" ...]`, which is; CEF and LEEF of it are read by their own parsers
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `rule.*`, `user.name`, `url.*`; `checkpoint.*`
Docs: Check Point sk122323 (Log Exporter), sk144192 (fields); Elastic's integration "Check Point", exported fields
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Rows, is_true, is_valid
from ingest.event import TEXT, Columns
from ingest.formats import cef, flows, key_value, structured, urls
from ingest.formats.key_value import Pairs
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser

FIELDS: dict[str, tuple[str, ...]] = {
    "source.ip": ("src", "client_ip"),
    "source.port": ("s_port", "sport_svc"),
    "source.mac": ("mac_source_address",),
    "source.domain": ("src_machine_name",),
    "source.bytes": ("client_outbound_bytes", "sent_bytes", "sent_byte"),
    "source.packets": ("client_outbound_packets",),
    "source.nat.ip": ("xlatesrc",),
    "source.nat.port": ("xlatesport", "xlatesport_svc"),
    "source.user.name": ("administrator", "source_user_name", "src_user_name"),
    "source.user.id": ("uid",),
    "destination.ip": ("dst",),
    "destination.port": ("service", "svc"),
    "destination.mac": ("mac_destination_address",),
    "destination.domain": ("destination_dns_hostname", "dst_machine_name"),
    "destination.bytes": ("server_outbound_bytes", "received_bytes"),
    "destination.packets": ("server_outbound_packets",),
    "destination.nat.ip": ("xlatedst",),
    "destination.nat.port": ("xlatedport", "xlatedport_svc"),
    "network.name": ("layer_name",),
    "network.iana_number": ("proto",),
    "network.direction": ("ifdir",),
    "network.application": ("app_name", "appi_name", "service_id"),
    "network.bytes": ("bytes",),
    "network.packets": ("packets",),
    "observer.name": ("origin",),
    "observer.ip": ("origin_ip", "endpoint_ip"),
    "observer.product": ("product", "ProductName"),
    "observer.type": ("type",),
    "observer.version": ("update_version",),
    "observer.ingress.interface.name": ("client_inbound_interface",),
    "observer.egress.interface.name": ("client_outbound_interface",),
    "observer.ingress.zone": ("inzone", "security_inzone"),
    "observer.egress.zone": ("outzone", "security_outzone"),
    "rule.id": ("malware_rule_id", "app_rule_id", "rule"),
    "rule.name": ("objectname", "rule_name", "malware_rule_name", "app_rule_name", "dlp_rule_name"),
    "rule.uuid": ("rule_uid", "dlp_rule_uid"),
    "rule.category": ("matched_category", "categories"),
    "rule.ruleset": ("smartdefense_profile", "policy", "policy_name"),
    "event.severity": ("severity",),
    "event.reason": ("reason", "message", "subject"),
    "http.request.method": ("method",),
    "http.request.referrer": ("referrer",),
    "url.original": ("url", "resource"),
    "url.domain": ("http_host",),
    "user_agent.original": ("user_agent",),
    "file.name": ("file_name", "dlp_file_name"),
    "file.size": ("file_size",),
    "file.hash.sha256": ("file_sha256",),
    "process.name": ("process_name",),
    "process.hash.md5": ("process_md5",),
    "dns.question.name": ("domain_name",),
    "dns.question.type": ("dns_type",),
    "email.subject": ("email_subject",),
}
HELD = {key for keys in FIELDS.values() for key in keys} - {"reason", "policy_name", "rule", "severity"}
ACTIONS = {"Log In": "logged-in", "Failed Log In": "logon-failed", "Log Out": "logged-out"}
NEVER = pa.array(["0.0.0.0", "0"])  # noqa: S104
# Where the exporter writes its offset as `--5:00`, the header has a fault and is part of the message.
HEADER = r"[0-9T:.-]{19,32} [^ ]+ [^ ]+ - (?:Log )?"
BRACKETED = rf"(?:\s*|{HEADER})\[(?:[A-Za-z0-9_]+:[^;]*; |[Ff]ields@1\.3\.6\.1\.4\.1\.2620 )"


def read(messages: pa.Array, context: Context) -> Parsed:
    data = context.structured_data
    told = is_true(pc.or_(structured.begins(data, "fields@"), structured.begins(data, "Fields@")))
    bracketed = is_true(pc.match_substring_regex(messages, f"(?s)^{BRACKETED}.*\\]\\s*$")) & ~told
    pieces = []
    for mask, pairs_of in ((told, _of_data), (bracketed, _of_text)):
        rows = np.flatnonzero(mask)
        if len(rows):
            pairs = pairs_of(messages, context, rows)
            known = np.flatnonzero(is_valid(pairs.column("action", "src", "product", "ProductName", "origin")))
            rows = rows[known]
            if len(rows):
                pieces.append((rows, _columns(pairs.take(known), context.take(rows))))
    if not pieces:
        return np.empty(0, dtype=np.int64), {}
    rows = np.sort(np.concatenate([rows for rows, _ in pieces]))
    return rows, joined(len(rows), [(np.searchsorted(rows, part), columns) for part, columns in pieces])


def _of_data(messages: pa.Array, context: Context, rows: Rows) -> Pairs:
    return structured.pairs(context.structured_data.take(pa.array(rows)))


def _of_text(messages: pa.Array, context: Context, rows: Rows) -> Pairs:
    text = pc.replace_substring_regex(
        messages.take(pa.array(rows)), rf"^(?:\s*|{HEADER})\[(?:[Ff]ields@[0-9.]+ )?|\]\s*$", ""
    )
    return key_value.split(text, sign=b":=", separators=b"; ")


def _columns(pairs: Pairs, context: Context) -> Columns:
    columns = pairs.columns(FIELDS)
    for side in ("source", "destination"):
        for field in (f"{side}.nat.ip", f"{side}.nat.port"):
            if field in columns:
                columns[field] = when(pc.invert(pc.is_in(columns[field], NEVER)), columns[field])
    columns |= _meaning(pairs, columns)
    nothing = pa.nulls(pairs.count, TEXT)
    if "url.original" in columns:
        parts = urls.split(columns["url.original"])
        columns |= parts | {"url.domain": pc.coalesce(columns.get("url.domain", nothing), parts["url.domain"])}
    interface, direction = pairs.column("ifname"), columns.get("network.direction", nothing)
    for side, word in (("ingress", "inbound"), ("egress", "outbound")):
        field = f"observer.{side}.interface.name"
        columns[field] = pc.coalesce(columns.get(field, nothing), when(pc.equal(direction, word), interface))
    columns["@timestamp"] = cef.times(pairs.column("time"), context)
    columns["vendor"] = pairs.others("checkpoint.", HELD)
    return flows.complete(columns)


def _meaning(pairs: Pairs, columns: Columns) -> Columns:
    action = pairs.column("action")
    rule = pc.coalesce(pairs.column("rule_action"), action)
    accepted = one_of(rule, "Accept", "Allow", "Bypass", "Inform")
    refused = one_of(rule, "Drop", "Reject", "Block", "Prevent")
    login = pc.or_(one_of(pairs.column("operation"), "Log In"), one_of(action, *ACTIONS))
    status = mapped(pairs.column("audit_status"), {"Success": "success", "Failure": "failure"})
    nothing = pa.nulls(pairs.count, TEXT)
    every = pa.repeat(pa.scalar(True), pairs.count)
    return {
        "event.action": pc.coalesce(mapped(action, ACTIONS), action),
        "event.outcome": pc.coalesce(
            mapped(action, {"Log In": "success", "Failed Log In": "failure"}),
            status,
            when(pc.or_(accepted, refused), "success"),
        ),
        "event.category": all_of(
            {
                "network": pc.invert(login),
                "authentication": login,
                "malware": pairs.column("malware_action").is_valid(),
                "intrusion_detection": one_of(rule, "Detect", "Prevent"),
            }
        ),
        "event.type": all_of(
            {
                "connection": pc.or_(accepted, refused),
                "allowed": pc.or_(accepted, one_of(action, "Log In")),
                "denied": pc.or_(refused, one_of(action, "Failed Log In")),
                "info": pc.and_(every, pc.invert(pc.or_(pc.or_(accepted, refused), login))),
            }
        ),
        "observer.vendor": pa.repeat(pa.scalar("Checkpoint"), pairs.count),
        "observer.type": pc.coalesce(columns.get("observer.type", nothing), "firewall"),
        "user.name": columns.get("source.user.name", nothing),
    }


PARSER = Parser(
    module="checkpoint",
    dataset="checkpoint.firewall",
    programs=("checkpoint",),
    signature=BRACKETED,
    read=read,
)
