r"""suricata: EVE JSON of Suricata 4 to 8 -> ECS network, http, dns, tls and rule fields.

In:   messages that are one JSON object with an `event_type`
Out:  `source.*`, `destination.*`, `network.*`, `rule.*`, `http.*`, `url.*`, `dns.*`, `tls.*`; the rest as
      `suricata.eve.*`
Docs: Suricata user guide, "Eve JSON Format"; Community ID flow hashing 1.0
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import LONG, TEXT, TIMESTAMP, Columns
from ingest.formats import flows, json_lines, urls
from ingest.formats.directions import directions
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "timestamp": "@timestamp",
    "src_ip": "source.address",
    "src_port": "source.port",
    "dest_ip": "destination.address",
    "dest_port": "destination.port",
    "proto": "network.transport",
    "community_id": "network.community_id",
    "in_iface": "observer.ingress.interface.name",
    "host": "observer.name",
    "ether.src_mac": "source.mac",
    "ether.dest_mac": "destination.mac",
    "alert.signature_id": "rule.id",
    "alert.signature": "rule.name",
    "alert.category": "rule.category",
    "alert.severity": "event.severity",
    "flow.pkts_toserver": "source.packets",
    "flow.pkts_toclient": "destination.packets",
    "flow.bytes_toserver": "source.bytes",
    "flow.bytes_toclient": "destination.bytes",
    "flow.start": "event.start",
    "flow.end": "event.end",
    "http.http_method": "http.request.method",
    "http.status": "http.response.status_code",
    "http.hostname": "url.domain",
    "http.http_port": "url.port",
    "http.url": "url.original",
    "http.http_refer": "http.request.referrer",
    "http.http_user_agent": "user_agent.original",
    "http.http_content_type": "http.response.mime_type",
    "http.length": "http.response.body.bytes",
    "fileinfo.filename": "file.path",
    "fileinfo.size": "file.size",
    "fileinfo.md5": "file.hash.md5",
    "fileinfo.sha1": "file.hash.sha1",
    "fileinfo.sha256": "file.hash.sha256",
    "dns.rrname": "dns.question.name",
    "dns.rrtype": "dns.question.type",
    "dns.rcode": "dns.response_code",
    "dns.type": "dns.type",
    "dns.id": "dns.id",
    "tls.subject": "tls.server.subject",
    "tls.issuerdn": "tls.server.issuer",
    "tls.fingerprint": "tls.server.hash.sha1",
    "tls.sni": "tls.client.server_name",
    "tls.ja3.hash": "tls.client.ja3",
    "tls.ja3s.hash": "tls.server.ja3s",
    "smtp.helo": "source.domain",
    "smtp.mail_from": "email.from.address",
    "smtp.rcpt_to": "email.to.address",
    "email.subject": "email.subject",
    "email.message_id": "email.message_id",
    "krb5.cname": "user.name",
    "ftp.command": "event.action",
    "smb.command": "event.action",
    "smb.filename": "file.path",
}
PROTOCOL = "protocol"
# event_type -> event.category, event.type; types that are not here are of the network, without a type.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "alert": (("network", "intrusion_detection"), ()),
    "drop": (("network",), ("denied",)),
    "flow": (("network",), ("connection",)),
    "netflow": (("network",), ("connection",)),
    "http": (("network", "web"), ("access", PROTOCOL)),
    "http2": (("network", "web"), ("access", PROTOCOL)),
    "fileinfo": (("network", "file"), ()),
    "smtp": (("network", "email"), (PROTOCOL,)),
    **dict.fromkeys(
        (
            *(
                "dns",
                "mdns",
                "ftp",
                "ftp_data",
                "tls",
                "tftp",
                "smb",
                "ssh",
                "rdp",
                "krb5",
                "dhcp",
                "nfs",
                "sip",
                "snmp",
            ),
            *("rfb", "mqtt", "ike", "dcerpc", "modbus", "dnp3", "pgsql", "quic", "telnet", "ldap"),
        ),
        (("network",), (PROTOCOL,)),
    ),
}
NO_FLOW = ("stats", "engine")
FLOW_ENDS = {"new": ("start",), "closed": ("end",)}
UNKNOWN_PROTOCOLS = ("failed", "template", "template-rust", "unknown")


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    kind = document.get("event_type")
    if not isinstance(kind, str) or "timestamp" not in document:
        return None
    kind = kind.lower()
    event = renamed(document, NAMES, "suricata.eve")
    event["suricata.eve.event_type"] = kind
    _categorise(event, document, kind)
    _dns(event, document)
    _tls(event, document)
    if domain := event.get("url.domain") or event.get("tls.client.server_name"):
        event.setdefault("destination.domain", domain)
    if protocol := _protocol(document, kind):
        event["network.protocol"] = protocol
    return event


def _categorise(event: Document, document: Document, kind: str) -> None:
    category, sort = KINDS.get(kind, ((), ()) if kind in NO_FLOW else (("network",), ()))
    if kind == "alert":
        allowed = document.get("alert.action") != "blocked"
        sort = ("allowed" if allowed else "denied",)
        event.setdefault("event.action", "alert")
    if kind == "flow":
        sort += FLOW_ENDS.get(str(document.get("flow.state")), ())
    event["event.category"], event["event.type"] = list(category), list(sort)
    event.setdefault("event.action", kind)


def _protocol(document: Document, kind: str) -> str | None:
    said = document.get("app_proto")
    if isinstance(said, str) and said.lower() not in UNKNOWN_PROTOCOLS:
        return said.lower().removesuffix("-data")
    return kind.removesuffix("_data") if PROTOCOL in KINDS.get(kind, ((), ()))[1] else None


def _dns(event: Document, document: Document) -> None:
    """The question of version 3 (Suricata 8) and the answers of versions 2 and 3."""
    questions, answers = document.get("dns.queries"), document.get("dns.answers")
    if isinstance(questions, list) and questions and isinstance(first := questions[0], dict):
        event.setdefault("dns.question.name", first.get("rrname"))
        event.setdefault("dns.question.type", first.get("rrtype"))
    if isinstance(answers, list):
        told = [answer for answer in answers if isinstance(answer, dict) and isinstance(answer.get("rdata"), str)]
        event["dns.answers.data"] = [answer["rdata"] for answer in told]
        event["dns.resolved_ip"] = [answer["rdata"] for answer in told if answer.get("rrtype") in ("A", "AAAA")]
    elif isinstance(data := document.get("dns.rdata"), str):
        event["dns.answers.data"] = [data]
        if document.get("dns.rrtype") in ("A", "AAAA"):
            event["dns.resolved_ip"] = [data]


def _tls(event: Document, document: Document) -> None:
    name, _, version = str(document.get("tls.version", "")).partition(" ")
    if version:
        event["tls.version"], event["tls.version_protocol"] = version, name.lower()
    if isinstance(digest := event.get("tls.server.hash.sha1"), str):
        event["tls.server.hash.sha1"] = digest.replace(":", "").upper()


def finish(columns: Columns, context: Context) -> Columns:
    web = pc.equal(columns["event.action"], "http")
    failed = pc.greater_equal(columns["http.response.status_code"].cast(LONG), 400)
    url = urls.split(columns["url.original"])
    return {
        **flows.complete(dict(columns)),
        **url,
        "url.domain": pc.coalesce(columns["url.domain"], url["url.domain"]),
        "url.port": pc.coalesce(columns["url.port"].cast(TEXT), url["url.port"]),
        "network.direction": directions(columns["source.address"], columns["destination.address"]),
        "event.duration": _nanoseconds(columns["event.start"], columns["event.end"]),
        "event.outcome": pc.if_else(web, pc.if_else(failed, "failure", "success"), pa.scalar(None, TEXT)),
        **{f"observer.{name}": pa.repeat(pa.scalar(text), len(web)) for name, text in OBSERVER.items()},
    }


def _nanoseconds(start: pa.Array, end: pa.Array) -> pa.Array:
    """Null where the clock was set back between the two."""
    lasted = pc.multiply(pc.subtract(end.cast(TIMESTAMP), start.cast(TIMESTAMP)).cast(LONG), 1_000)
    return pc.if_else(pc.greater_equal(lasted, 0), lasted, pa.scalar(None, LONG))


OBSERVER = {"vendor": "OISF", "product": "Suricata", "type": "ids"}

PARSER = Parser(
    module="suricata", dataset="suricata.eve", signature=r'\s*\{.*"event_type" ?: ?"', read=read, finish=finish
)
