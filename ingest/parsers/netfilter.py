r"""netfilter: packets that iptables, nftables, ufw and their kin log -> connections allowed and denied.

In:   the kernel's `PREFIX IN=... OUT=... SRC=... DST=...`, with any prefix, by any road; Ubiquiti's and Proxmox' too
Out:  `source.*`, `destination.*`, `network.*`, `observer.*.interface.name`; the rest as `iptables.*`
Docs: linux net/netfilter/nf_log_syslog.c; iptables-extensions(8) LOG; Beats, iptables module
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.community_id import community_ids
from ingest.event import TEXTS, Columns
from ingest.formats import flows
from ingest.formats.labels import mapped, one_of, when
from ingest.lines import Context, Line, Parser

CLOCK = r"(?:\[ *[0-9]+\.[0-9]+\] ?)?"
# What the rule's author chose, which ends before the first interface; Ubiquiti's holds the rule's name.
PREFIX = r"(?P<_prefix>.*?)(?:DESCR=\"(?P<rule__description>[^\"]*)\" )?"
IN = r"IN=(?P<observer__ingress__interface__name>[^ ]*)"
OUT = r"OUT=(?P<observer__egress__interface__name>[^ ]*)"
# Proxmox leaves an empty one away.
INTERFACES = (
    rf"(?:{IN} )?(?:{OUT} )?(?:PHYSIN=(?P<iptables__physical_input_device>[^ ]*) )?"
    r"(?:PHYSOUT=(?P<iptables__physical_output_device>[^ ]*) )?"
)
SIX = r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
MAC = (
    rf"(?:MAC=(?:(?P<destination__mac>{SIX}):(?P<source__mac>{SIX}):(?P<_ether>[0-9A-Fa-f]{{2}}:[0-9A-Fa-f]{{2}})"
    r"(?::[0-9A-Fa-f]{2})*|[0-9A-Fa-f:]*) ?)?(?:MACSRC=[^ ]* MACDST=[^ ]* MACPROTO=[^ ]* )?"
    r"(?:VPROTO=[^ ]* VID=(?P<network__vlan__id>[0-9]+) )?"
)
ENDS = r" ?SRC=(?P<source__address>[0-9A-Fa-f.:]+) DST=(?P<destination__address>[0-9A-Fa-f.:]+) "
IPV4 = (
    r"LEN=(?P<iptables__length>[0-9]+) TOS=(?P<iptables__tos>[0-9A-Fa-fx]+) "
    r"PREC=(?P<iptables__precedence_bits>[0-9A-Fa-fx]+) TTL=(?P<iptables__ttl>[0-9]+) ID=(?P<iptables__id>[0-9]+) "
    r"(?P<iptables__fragment_flags>(?:(?:CE|DF|MF) )*)"
    r"(?:FRAG: ?[0-9]+ )?(?:OPT \([0-9A-F]*\) )?"
)
IPV6 = (
    r"LEN=(?P<iptables__length>[0-9]+) TC=(?P<iptables__tos>[0-9]+)"
    r"(?: HOPLIMIT=(?P<iptables__ttl>[0-9]+)| FLOWLBL=(?P<iptables__flow_label>[0-9]+))+ "
    r"(?:FRAG: ?[^ ]+ [^ ]+ |OPT \([^)]*\) )*"
)
PROTO = r"PROTO=(?P<network__transport>[A-Za-z0-9]+)"
PORTS = r"(?: SPT=(?P<source__port>[0-9]+) DPT=(?P<destination__port>[0-9]+))?"
TCP = (
    r"(?: SEQ=(?P<iptables__tcp__seq>[0-9]+) ACK=(?P<iptables__tcp__ack>[0-9]+))?"
    r"(?: WINDOW=(?P<iptables__tcp__window>[0-9]+)(?: RES=0x[0-9A-Fa-f]+)?"
    r"(?P<iptables__tcp__flags>(?: (?:CWR|ECE|URG|ACK|PSH|RST|SYN|FIN))*))?"
)
OTHERS = (
    r"(?: LEN=(?P<iptables__udp__length>[0-9]+))?(?: TYPE=(?P<iptables__icmp__type>[0-9]+)"
    r"(?: CODE=(?P<iptables__icmp__code>[0-9]+))?)?"
)
# The inner packet of an ICMP error, the owner, the mark.
REST = r"(?P<_rest>(?:[ \[].*)?)"
ARP = (
    r"ARP HTYPE=[0-9]+ PTYPE=[^ ]+ OPCODE=(?P<iptables__arp__opcode>[0-9]+) MACSRC=(?P<source__mac>[^ ]+) "
    r"IPSRC=(?P<source__address>[^ ]+) MACDST=(?P<destination__mac>[^ ]+) IPDST=(?P<destination__address>[^ ]+) ?"
)

UBIQUITI = (
    r"^\[(?:(?P<set>[^\]]*)-(?P<number>[^-\]]*)-(?P<action>[ADR])|(?P<newer_set>[^\]]*)-(?P<newer_action>[ADR])-"
    r"(?P<newer_number>[0-9]+))\]"
)
PROXMOX = r"^[0-9]+ [0-9]+ (?P<chain>[^ ]+) (?P<stamp>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}) "
# Ubiquiti's set between two zones, where it is not that of an interface (`WAN_OUT`).
ZONES = r"^(?P<ingress>[^-_]+)-(?P<egress>[^-_]+)$"
LETTERS = {"A": "accept", "D": "drop", "R": "reject"}
DENIED, ALLOWED = ("drop", "reject", "deny", "denied", "block", "invalid"), ("accept", "allow", "pass", "permit")
WORD = r"(?i)(?:^|[^a-z])(?P<word>drop|deny|denied|reject|block|invalid|accept|allow|pass|permit|audit|limit)"
VERDICTS = pa.array([["connection"], ["connection", "denied"], ["connection", "allowed"]], TEXTS)


def finish(columns: Columns, context: Context) -> Columns:
    # `Mar  5 08:00:00 DENY: IN=...` has lost its host: the prefix stands where a program does.
    prefix = pc.coalesce(columns["_prefix"], context.program)
    label, chain = pc.extract_regex(prefix, UBIQUITI), pc.extract_regex(prefix, PROXMOX)
    letter = _either(label, "action", "newer_action")
    word = pc.coalesce(mapped(letter, LETTERS), pc.utf8_lower(_part(pc.extract_regex(prefix, WORD), "word")))
    rule_set = _either(label, "set", "newer_set")
    zones = pc.extract_regex(rule_set, ZONES)
    verdict = pc.if_else(one_of(word, *DENIED), 1, pc.if_else(one_of(word, *ALLOWED), 2, 0))
    inward, outward = columns["observer.ingress.interface.name"], columns["observer.egress.interface.name"]
    network = flows.complete({name: columns[name] for name in ("network.transport", "network.iana_number")})
    ends = ("source.address", "iptables.icmp.type", "destination.address", "iptables.icmp.code")
    icmp = [*(columns[name] for name in ends), network["network.transport"]]
    return {
        **network,
        "network.community_id": community_ids(*icmp),
        "@timestamp": stamps.access_log(_part(chain, "stamp")),
        "observer.name": context.host,
        "event.action": pc.coalesce(word, pa.scalar("packet")),
        "event.type": VERDICTS.take(verdict),
        "rule.name": pc.coalesce(rule_set, _part(chain, "chain")),
        "observer.ingress.zone": _part(zones, "ingress"),
        "observer.egress.zone": _part(zones, "egress"),
        "rule.id": _either(label, "number", "newer_number"),
        "iptables.prefix": pc.utf8_trim_whitespace(columns["_prefix"]),
        "iptables.tcp.flags": pc.utf8_trim_whitespace(columns["iptables.tcp.flags"]),
        "iptables.fragment_flags": pc.utf8_trim_whitespace(columns["iptables.fragment_flags"]),
        "network.direction": pc.coalesce(
            when(pc.and_(inward.is_valid(), outward.is_null()), "inbound"),
            when(pc.and_(outward.is_valid(), inward.is_null()), "outbound"),
        ),
    }


def _part(groups: pa.StructArray, name: str) -> pa.Array:
    text = groups.field(name)
    return when(pc.and_(groups.is_valid(), pc.not_equal(text, "")), text)


def _either(groups: pa.StructArray, first: str, second: str) -> pa.Array:
    return pc.coalesce(_part(groups, first), _part(groups, second))


def packet(pattern: str) -> Line:
    return Line(
        CLOCK + PREFIX + INTERFACES + pattern,
        action="packet",
        category=("network",),
        type=("connection",),
        fields={"observer.type": "firewall"},
    )


PARSER = Parser(
    module="iptables",
    dataset="iptables.log",
    programs=("ulogd", "iptables", "pvefw-logger"),
    signature=r"(?:.*[ :\]])?(?:IN|OUT)=[^ ]* (?:OUT=|PHYSIN=|MAC=|SRC=|ARP )",
    lines=(
        packet(MAC + ENDS + IPV4 + PROTO + PORTS + TCP + OTHERS + REST),
        packet(MAC + ENDS + IPV6 + PROTO + PORTS + TCP + OTHERS + REST),
        packet(ARP),
    ),
    finish=finish,
)
