r"""ftd_events: the security events of Firepower Threat Defense, `Key: Value, Key: Value` -> columns.

In:   texts of messages 430001 to 430005
Out:  ECS fields of connections, intrusions and files; `cisco.ftd.security.*`
Docs: Cisco Secure Firewall Threat Defense Syslog Messages, "Security Event Syslog Messages"; Elastic's "Cisco FTD"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats import flows, key_value, urls
from ingest.formats.key_value import Pairs
from ingest.formats.labels import mapped, when

# id -> event.action, event.category, event.type
KINDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "430001": ("intrusion-detected", ("network", "intrusion_detection"), ("info",)),
    "430002": ("connection-started", ("network",), ("connection", "start")),
    "430003": ("connection-finished", ("network",), ("connection", "end")),
    "430004": ("file-detected", ("network", "file"), ("info",)),
    "430005": ("malware-detected", ("network", "malware"), ("info",)),
}
FIELDS: dict[str, tuple[str, ...]] = {
    "source.address": ("SrcIP",),
    "source.ip": ("SrcIP",),
    "source.port": ("SrcPort",),
    "source.bytes": ("InitiatorBytes",),
    "source.packets": ("InitiatorPackets",),
    "source.nat.ip": ("NAT_InitiatorIP",),
    "source.nat.port": ("NAT_InitiatorPort",),
    "destination.address": ("DstIP",),
    "destination.ip": ("DstIP",),
    "destination.port": ("DstPort",),
    "destination.bytes": ("ResponderBytes",),
    "destination.packets": ("ResponderPackets",),
    "destination.nat.ip": ("NAT_ResponderIP",),
    "destination.nat.port": ("NAT_ResponderPort",),
    "client.address": ("originalClientSrcIP",),
    "network.transport": ("Protocol",),
    "network.protocol": ("ApplicationProtocol",),
    "network.application": ("Client", "WebApplication"),
    "observer.ingress.interface.name": ("IngressInterface",),
    "observer.egress.interface.name": ("EgressInterface",),
    "observer.ingress.zone": ("IngressZone",),
    "observer.egress.zone": ("EgressZone",),
    "rule.name": ("AccessControlRuleName", "IntrusionPolicy", "FilePolicy"),
    "rule.ruleset": ("ACPolicy",),
    "rule.id": ("SID",),
    "user.name": ("User",),
    "user.id": ("User",),
    "user_agent.original": ("UserAgent",),
    "http.request.referrer": ("HTTPReferer",),
    "http.response.status_code": ("HTTPResponse",),
    "url.domain": ("ReferencedHost",),
    "dns.question.name": ("DNSQuery",),
    "file.name": ("FileName", "ArchiveFileName"),
    "file.size": ("FileSize",),
    "file.hash.sha256": ("FileSHA256", "ArchiveSHA256"),
    "server.domain": ("SSLServerName",),
    "event.reason": ("AccessControlRuleReason", "Message"),
}
RECORDS = {
    "a host address": "A",
    "ip6 address": "AAAA",
    "text strings": "TXT",
    "a domain name pointer": "PTR",
    "an authoritative name server": "NS",
    "the canonical name for an alias": "CNAME",
    "marks the start of a zone of authority": "SOA",
    "mail exchange": "MX",
    "server selection": "SRV",
}
ANSWERS = {
    "non-existent domain": "NXDOMAIN",
    "server failure": "SERVFAIL",
    "query refused": "REFUSED",
    "no error": "NOERROR",
}
# A key is a word before ": " and behind ", "; these are more than one.
OF_TWO_WORDS = r"\b(Prefilter|Endpoint|Security|Tunnel|Intrusion) (Policy|Profile|Group|or Prefilter Rule): "
KEY = r", ([A-Za-z0-9_]+): "
UNIT, SIGN = "\x1f", "\x1e"


def guessed(text: pa.Array) -> pa.Array:
    """The id of an event that FTD before 6.3 wrote without a message header, by the keys that it has; else null."""
    connection = pc.and_(*(pc.match_substring(text, f"{end}: ") for end in ("SrcIP", "DstIP")))
    has = {key: pc.match_substring_regex(text, rf"\b{key}: ") for key in ("SID|IntrusionPolicy", "FileSHA256|FileName")}
    ended = pc.match_substring_regex(text, r"\b(?:ConnectionDuration|ResponderBytes|ConnectType: End)")
    intrusion, file = has.values()
    malware = pc.match_substring_regex(text, r"\b(?:ThreatName|SHA_Disposition: Malware)")
    kinds = pc.make_struct(intrusion, pc.and_(file, malware), file, ended)
    return when(connection, pc.case_when(kinds, "430001", "430005", "430004", "430003", "430002"))


def is_event(code: pa.Array, text: pa.Array) -> pa.Array:
    """Is it `Key: Value, ...`?"""
    return pc.and_(pc.is_in(code, pa.array(KINDS)), pc.match_substring_regex(text, "^[A-Za-z0-9_ ]+: ")).fill_null(
        False
    )


def read(code: pa.Array, text: pa.Array) -> Columns:
    """The fields of each event, row by row."""
    pairs = _pairs(text)
    columns = pairs.columns(FIELDS)
    if "network.protocol" in columns:
        columns["network.protocol"] = pc.utf8_lower(columns["network.protocol"])
    if "network.application" in columns:
        columns["network.application"] = pc.utf8_lower(columns["network.application"])
    url = pairs.column("URL", "URI")
    parts = urls.split(url)
    domain = pc.coalesce(columns.get("url.domain", pa.nulls(len(url), pa.string())), parts["url.domain"])
    columns |= parts | {"url.original": url, "url.domain": domain}
    columns |= _dns(pairs) | _outcome(code, pairs)
    columns["vendor"] = pairs.others("cisco.ftd.security.")
    return flows.complete(columns)


def _pairs(text: pa.Array) -> Pairs:
    text = pc.replace_substring_regex(text, OF_TWO_WORDS, r"\1_\2: ")
    text = pc.replace_substring(text, "or Prefilter Rule: ", "or_Prefilter_Rule: ")
    text = pc.binary_join_element_wise(", ", text, "")
    text = pc.replace_substring_regex(text, KEY, rf"{UNIT}\1{SIGN}")
    return key_value.split(text, sign=SIGN.encode(), separators=UNIT.encode(), quotes=False)


def _dns(pairs: Pairs) -> Columns:
    kind, answer = pairs.column("DNSRecordType"), pairs.column("DNSResponseType")
    record = pc.coalesce(mapped(pc.utf8_lower(kind), RECORDS), kind)
    code = pc.coalesce(mapped(pc.utf8_lower(answer), ANSWERS), answer, when(kind.is_valid(), "NOERROR"))
    return {"dns.question.type": record, "dns.response_code": code}


def _outcome(code: pa.Array, pairs: Pairs) -> Columns:
    place = pc.index_in(code, pa.array(KINDS))
    action = pc.utf8_lower(pairs.column("AccessControlRuleAction", "InlineResult", "FileAction"))
    blocked = pc.match_substring_regex(action, "block|drop|reset|malware cloud lookup")
    seconds = pairs.column("ConnectionDuration")
    seconds = when(pc.match_substring_regex(seconds, "^[0-9]{1,9}$"), seconds).cast(pa.int64())
    start = pairs.column("FirstPacketSecond")
    return {
        "event.action": pa.array([action for action, _, _ in KINDS.values()]).take(place),
        "event.category": pa.array([category for _, category, _ in KINDS.values()], TEXTS).take(place),
        "event.type": pa.array([kind for _, _, kind in KINDS.values()], TEXTS).take(place),
        "event.outcome": pc.if_else(blocked, "failure", "success"),
        "event.duration": pc.multiply(seconds, 1_000_000_000),
        "event.start": stamps.iso(start, pa.repeat(pa.scalar("UTC"), len(start))),
    }
