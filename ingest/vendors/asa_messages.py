r"""asa_messages: what Cisco's firewalls say, message by message.

In:   `302013 Built outbound TCP connection ...`: the id and the text of an ASA, PIX, FWSM or FTD message
Out:  the `Line`s of the parser `cisco_asa`
Docs: Cisco Secure Firewall ASA Series Syslog Messages; Elastic's integration "Cisco ASA", exported fields
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line

DENY = partial(Line, action="firewall-rule", category=("network",), type=("connection", "denied"), outcome="failure")
ALLOW = partial(Line, action="firewall-rule", category=("network",), type=("connection", "allowed"), outcome="success")
BUILT = partial(Line, action="flow-creation", category=("network",), type=("connection", "start"), outcome="success")
ENDED = partial(Line, action="flow-expiration", category=("network",), type=("connection", "end"), outcome="success")
NAT = partial(Line, action="nat-slot", category=("network", "configuration"), outcome="success")
FILTER = partial(Line, action="dynamic-filter", category=("network",), type=("connection", "info"))
NOTE = partial(Line, category=("network",), type=("info",))

# An interface, and an address of it; a name stands for the address where the device has one (`names`).
IN, OUT = r"(?P<observer__ingress__interface__name>[^:/]+)", r"(?P<observer__egress__interface__name>[^:/]+)"
FROM, TO = r"(?P<source__address>[^ /():,<>]+|[0-9A-Fa-f:.]+)", r"(?P<destination__address>[^ /():,<>]+|[0-9A-Fa-f:.]+)"
FROM_PORT, TO_PORT = r"/(?P<source__port>[0-9]+)", r"/(?P<destination__port>[0-9]+)"
SOURCE, TARGET = f"{FROM}{FROM_PORT}", f"{TO}{TO_PORT}"
FROM_NAT = r"\((?P<_source_nat>[^ /()]+)(?:/(?P<_source_nat_port>[0-9]+))?\)"
TO_NAT = r"\((?P<_destination_nat>[^ /()]+)(?:/(?P<_destination_nat_port>[0-9]+))?\)"
# Behind an address the user, or a security group tag, of identity firewall and TrustSec.
FROM_USER, TO_USER = r"(?: ?\((?P<_source_user>[^)]*)\)\)?)?", r"(?: ?\((?P<_destination_user>[^)]*)\)\)?)?"
TRANSPORT, DIRECTION = r"(?P<network__transport>[^ ]+)", r"(?P<network__direction>[^ ]+)"
NUMBER = r"(?:protocol (?P<network__iana_number>[0-9]+)|(?P<network__transport>[^ ]+))"
LIST = r'"?(?P<cisco__asa__rule_name>[^"]+?)"?'
# Where hashes of the list's entries follow, or nothing.
GROUP = r'"?(?P<cisco__asa__rule_name>[^" ]+)"?(?: .*)?'
ICMP = r"type[ =](?P<cisco__asa__icmp_type>[0-9]+), ?code[ =](?P<cisco__asa__icmp_code>[0-9]+)"
CONNECTION = r"(?P<cisco__asa__connection_id>[0-9]+)"
DURATION = r"duration (?P<_duration>[0-9:hms]+)"
REASON = r"(?P<event__reason>.*?)\.?"
USER = r"(?P<source__user__name>.*?)"
# A dynamic filter's message: which end is on which list.
LISTED = (
    rf"Dynamic [Ff]ilter [^ ]+ (?:black|white|grey)listed {TRANSPORT} traffic from {IN}:{SOURCE} {FROM_NAT} to "
    rf"{OUT}:{TARGET} {TO_NAT},? (?P<_blamed>source|destination) [^ ]+ resolved from (?P<cisco__asa__rule_name>[^ ]+) "
    r"list: (?P<_found>[^ ,]+)"
    r"(?:, threat-level: (?P<cisco__asa__threat_level>[^,]+), category: (?P<cisco__asa__threat_category>.*))?"
)

LINES = (
    # Connections
    BUILT(
        rf"30201[35] Built (?P<network__direction>outbound) {TRANSPORT} connection {CONNECTION} for "
        rf"{OUT}:{TARGET} {TO_NAT}{TO_USER} to {IN}:{SOURCE} {FROM_NAT}{FROM_USER}.*"
    ),
    BUILT(
        rf"30201[35] Built {DIRECTION} {TRANSPORT} connection {CONNECTION} for "
        rf"{IN}:{SOURCE} {FROM_NAT}{FROM_USER} to {OUT}:{TARGET} {TO_NAT}{TO_USER}.*"
    ),
    ENDED(
        rf"302(?:014|016|018|036|304|306) Teardown {TRANSPORT} (?:state-bypass )?connection {CONNECTION} (?:for|from) "
        rf"{IN}:{SOURCE}{FROM_USER} to {OUT}:{TARGET}{TO_USER} {DURATION} bytes (?P<network__bytes>[0-9]+)"
        r"(?: (?P<event__reason>[^(:]*?))?(?: from (?P<cisco__asa__termination_initiator>[^ ():]+))?"
        r"(?: ?\((?P<cisco__asa__termination_user>[^)]*)\))?\s*"
    ),
    # The foreign end began what is inbound; of a teardown the device does not say it.
    BUILT(
        rf"302020 Built (?P<network__direction>inbound) {TRANSPORT} connection for faddr (?:{IN}:)?{FROM}/[0-9]+"
        rf"{FROM_USER} gaddr (?:[^ :]*:)?(?P<_destination_nat>[^ /]+)/[0-9]+ laddr (?:{OUT}:)?{TO}/[0-9]+{TO_USER}"
        r"(?: type (?P<cisco__asa__icmp_type>[0-9]+) code (?P<cisco__asa__icmp_code>[0-9]+))?.*"
    ),
    BUILT(
        rf"302020 Built {DIRECTION} {TRANSPORT} connection for faddr (?:{OUT}:)?{TO}/[0-9]+{TO_USER} "
        rf"gaddr (?:[^ :]*:)?(?P<_source_nat>[^ /]+)/[0-9]+ laddr (?:{IN}:)?{FROM}/[0-9]+{FROM_USER}"
        r"(?: type (?P<cisco__asa__icmp_type>[0-9]+) code (?P<cisco__asa__icmp_code>[0-9]+))?.*"
    ),
    ENDED(
        rf"302021 Teardown {TRANSPORT} connection for faddr (?:{OUT}:)?{TO}/[0-9]+{TO_USER} "
        rf"gaddr (?:[^ :]*:)?(?P<_source_nat>[^ /]+)/[0-9]+ laddr (?:{IN}:)?{FROM}/[0-9]+{FROM_USER}"
        r"(?: type (?P<cisco__asa__icmp_type>[0-9]+) code (?P<cisco__asa__icmp_code>[0-9]+))?.*"
    ),
    BUILT(
        rf"3020(?:22|24|26) Built .* stub {TRANSPORT} connection for {IN}:{SOURCE} {FROM_NAT} to {OUT}:{TARGET} "
        rf"{TO_NAT}.*"
    ),
    BUILT(rf"3020(?:22|24|26) Built .* stub {TRANSPORT} connection for {IN}:{SOURCE} .*to {OUT}:{TARGET}.*"),
    ENDED(
        rf"3020(?:23|25|27) Teardown stub {TRANSPORT} connection for {IN}:{SOURCE} to {OUT}:{TARGET} {DURATION} "
        rf"forwarded bytes (?P<network__bytes>[0-9]+) {REASON}"
    ),
    BUILT(rf"609001 Built local-host {IN}:{FROM}{FROM_USER}"),
    ENDED(rf"609002 Teardown local-host {IN}:{FROM}{FROM_USER} {DURATION}"),
    NAT(
        rf"305011 Built [^ ]+ {TRANSPORT} translation from {IN}:{SOURCE}{FROM_USER} to {OUT}:{TARGET}.*",
        type=("creation",),
    ),
    NAT(
        rf"305012 Teardown [^ ]+ {TRANSPORT} translation from {IN}:{SOURCE}{FROM_USER} to {OUT}:{TARGET}.* {DURATION}",
        type=("deletion",),
    ),
    DENY(
        rf"305006 (?P<event__reason>[^ ]+ translation creation failed) for {NUMBER} src {IN}:{FROM}(?:{FROM_PORT})?"
        rf"{FROM_USER} dst {OUT}:{TO}(?:{TO_PORT})?.*"
    ),
    NOTE(
        r"302010 (?P<cisco__asa__connections_in_use>[0-9]+) in use, (?P<cisco__asa__connections_most_used>[0-9]+) "
        r"most used.*"
    ),
    BUILT(
        rf"805001 Offloaded {TRANSPORT} Flow for connection {CONNECTION} from {IN}:{SOURCE} {FROM_NAT} to "
        rf"{OUT}:{TARGET} {TO_NAT}",
        action="flow-offload-started",
    ),
    ENDED(
        rf"805002 {TRANSPORT} Flow is no longer offloaded for connection {CONNECTION} from {IN}:{SOURCE} {FROM_NAT} "
        rf"to {OUT}:{TARGET} {TO_NAT}",
        action="flow-offload-ended",
    ),
    # Access lists and other refusals
    DENY(rf"106001 {DIRECTION} {TRANSPORT} connection denied from {SOURCE} to {TARGET} flags .* on interface {IN}"),
    DENY(rf"106002 {TRANSPORT} Connection denied by {DIRECTION} list {LIST} src {FROM}(?: [0-9]+)? dest {TO}.*"),
    DENY(rf"106006 Deny {DIRECTION} {TRANSPORT} from {SOURCE}{FROM_USER} to {TARGET}{TO_USER} on interface {IN}"),
    DENY(rf"106007 Deny {DIRECTION} {TRANSPORT} from {SOURCE} to {TARGET} due to (?P<network__protocol>[^ ]+) .*"),
    DENY(
        rf"106010 Deny {DIRECTION} {NUMBER} src {IN}:{FROM}(?:{FROM_PORT})?{FROM_USER} "
        rf"dst {OUT}:{TO}(?:{TO_PORT})?{TO_USER}.*"
    ),
    DENY(rf"106011 Deny inbound \(No xlate\) {NUMBER} src {IN}:{FROM}(?:{FROM_PORT})? dst {OUT}:{TO}(?:{TO_PORT})?.*"),
    DENY(rf"106012 Deny IP from {FROM} to {TO}, {REASON}"),
    DENY(
        rf"106013 Dropping echo request from {FROM} to PAT address {TO}",
        fields={"network.transport": "icmp", "network.direction": "inbound"},
    ),
    DENY(rf"106014 Deny {DIRECTION} {TRANSPORT} src {IN}:{FROM}{FROM_USER} dst {OUT}:{TO}{TO_USER}.*"),
    DENY(rf"106015 Deny {TRANSPORT} \(no connection\) from {SOURCE} to {TARGET} flags .* on interface {IN}"),
    DENY(rf"106016 Deny IP spoof from \({FROM}\) to {TO} on interface {IN}"),
    DENY(rf"106017 Deny IP due to Land Attack from {FROM} to {TO}"),
    DENY(
        rf"106018 {TRANSPORT} packet type (?P<cisco__asa__icmp_type>[^ ]+) denied by {DIRECTION} list {LIST} "
        rf"src {FROM} dest {TO}"
    ),
    DENY(rf"106020 Deny IP teardrop fragment \(.*\) from {FROM} to {TO}"),
    DENY(rf"106021 Deny {TRANSPORT} reverse path check from {FROM} to {TO} on interface {IN}"),
    DENY(rf"106022 Deny {TRANSPORT} connection spoof from {FROM} to {TO} on interface {IN}"),
    *(
        DENY(
            rf"106023 Deny {NUMBER} src {IN}:{FROM}(?:{FROM_PORT})?{FROM_USER} dst {OUT}:{TO}(?:{TO_PORT})?{TO_USER}"
            rf"{kind} by access-group {GROUP}"
        )
        # Required first, or else it would be taken for the user.
        for kind in (rf",? ?\(?{ICMP}\)?,?", "")
    ),
    DENY(rf"106027 (?:.* )?[Dd]eny src {FROM} dst {TO} by access-group {GROUP}"),
    ALLOW(
        rf"10610[02] access-list {LIST} (?:permitted|est-allowed) {TRANSPORT} (?:for user '?(?P<user__name>[^ ]+?)'? )?"
        rf"{IN}/{FROM}\((?P<source__port>[0-9]+)\).*?-> {OUT}/{TO}\((?P<destination__port>[0-9]+)\).*"
    ),
    DENY(
        rf"10610[023] access-list {LIST} denied {TRANSPORT} (?:for user '?(?P<user__name>[^ ]+?)'? )?"
        rf"{IN}/{FROM}\((?P<source__port>[0-9]+)\).*?-> {OUT}/{TO}\((?P<destination__port>[0-9]+)\).*"
    ),
    DENY(
        rf"11000[23] {REASON} for {TRANSPORT} from {IN}:{SOURCE} to (?:{OUT}:)?{TARGET}",
        type=("connection", "info"),
    ),
    DENY(rf"3130(?:01|08) Denied {TRANSPORT} {ICMP} from {FROM} on interface {IN}"),
    DENY(
        rf"313004 Denied {TRANSPORT} type=(?P<cisco__asa__icmp_type>[0-9]+), from (?:[lf]addr )?{FROM} "
        rf"on interface {IN} to {TO}: {REASON}"
    ),
    DENY(
        rf"313005 No matching connection for ICMP error message: {TRANSPORT} src {IN}:[^ (]+{FROM_USER} "
        rf"dst {OUT}:[^ (]+{TO_USER} \({ICMP}\) on [^ ]+ interface\.\s+Original IP payload: "
        rf"(?:protocol )?[^ ]+ src {FROM}(?:{FROM_PORT})?{FROM_USER.replace('_source', '_payload_source')} "
        rf"dst {TO}(?:{TO_PORT})?.*"
    ),
    DENY(
        rf"313005 No matching connection for ICMP error message: {TRANSPORT} src {IN}:{FROM} dst {OUT}:{TO} "
        rf"\({ICMP}\).*"
    ),
    DENY(
        rf"313009 Denied invalid {TRANSPORT} code (?P<cisco__asa__icmp_code>[0-9]+), for {IN}:{SOURCE} {FROM_NAT} "
        rf"to {OUT}:{TARGET} {TO_NAT}.*"
    ),
    DENY(
        r"322001 Deny MAC address (?P<source__mac>[^ ,]+), possible spoof attempt on interface "
        r"(?P<observer__ingress__interface__name>[^ ]+)"
    ),
    DENY(rf"434002 SFR requested to drop {TRANSPORT} packet from {IN}:{SOURCE} to {OUT}:{TARGET}.*"),
    NOTE(
        rf"434004 SFR requested .* process {TRANSPORT} flow from {IN}:{SOURCE} to {OUT}:{TARGET} locally",
        action="bypass",
    ),
    NOTE(
        rf"419002 (?P<event__reason>Duplicate TCP SYN) from {IN}:{SOURCE} to {OUT}:{TARGET} .*",
        action="firewall-rule",
        type=("connection", "info"),
        fields={"network.transport": "tcp"},
    ),
    ENDED(
        rf"507003 {TRANSPORT} flow from {IN}:{SOURCE} to {OUT}:{TARGET} terminated by inspection engine, reason - "
        rf"{REASON}",
        action="flow-termination",
        outcome=None,
    ),
    DENY(rf"710003 {TRANSPORT} access denied by ACL from {SOURCE} to {OUT}:{TARGET}"),
    DENY(rf"71000[56] {TRANSPORT} request discarded from {SOURCE} to {OUT}:{TARGET}"),
    DENY(rf"71000[56] {TRANSPORT} request discarded from {FROM} to {OUT}:{TO}"),
    ALLOW(rf"71000[12] {TRANSPORT} access (?:requested|permitted) from {SOURCE} to {OUT}:{TARGET}"),
    # Threats
    FILTER(rf"338(?:00[5-8]|20[34]) {LISTED}", type=("connection", "denied"), outcome="failure"),
    FILTER(rf"338[0-2]0[1-8] {LISTED}"),
    NOTE(
        rf"338301 Intercepted DNS reply for domain (?P<source__domain>[^ ]+) from {IN}:{SOURCE} to {OUT}:{TARGET}, "
        rf"matched (?P<cisco__asa__rule_name>.*)",
        action="firewall-rule",
        type=("connection", "info"),
    ),
    NOTE(
        r"4000(?P<cisco__asa__ips_id>[0-9]+) IPS:(?P<rule__id>[0-9]+) (?P<rule__name>.*) from (?P<source__address>[^ "
        r"]+) "
        r"to (?P<destination__address>[^ ]+) on interface (?P<observer__ingress__interface__name>[^ ]+)",
        action="intrusion-detected",
        category=("network", "intrusion_detection"),
    ),
    NOTE(
        r"733100 \[ ?(?P<cisco__asa__burst__object>.*?)\] drop (?P<cisco__asa__burst__id>[^ ]+) exceeded\. .*",
        action="threat-rate-exceeded",
    ),
    NOTE(
        rf"73310[1-4] (?:Object|Subnet|Host)? ?{FROM} (?P<event__reason>.*)",
        action="scan-detected",
        category=("network", "intrusion_detection"),
    ),
    # Applications
    Line(
        rf"303002 (?P<network__protocol>[^ ]+) connection from {IN}:{SOURCE} to {OUT}:{TARGET}, user "
        r"(?P<client__user__name>[^ ]+) (?P<cisco__asa__ftp_command>[^ ]+) file (?P<file__path>.*)",
        action="ftp",
        category=("network", "file"),
        type=("access",),
        outcome="success",
    ),
    Line(
        r"304001 (?:(?P<source__user__name>[^ ]+)@)?(?P<source__address>[^ (]+)(?:\([^)]*\))? Accessed (?:JAVA )?URL "
        r"(?:[^ ]+@)?(?P<destination__address>[0-9A-Fa-f.:]+?|[^ :/]+):(?P<url__original>.*)",
        action="url-access",
        category=("network", "web"),
        type=("access", "allowed"),
        outcome="success",
    ),
    Line(
        rf"304002 Access denied URL (?P<url__original>.*) SRC {FROM}(?:\([^)]*\))? (?:D)?EST {TO}(?: on interface "
        rf"{IN})?.*",
        action="url-access",
        category=("network", "web"),
        type=("access", "denied"),
        outcome="failure",
    ),
    NOTE(
        rf"607001 Pre-allocate SIP (?P<_sip>[^ ]+) secondary channel for {OUT}:{TARGET} to {IN}:{FROM} from "
        r"(?P<cisco__asa__message>[^ ]+) message",
        action="firewall-rule",
        outcome="success",
    ),
    NOTE(r"425005 Interface (?P<cisco__asa__interface_name>[^ ]+) become active .*", action="interface-switchover"),
)

# What else these devices say of a connection, and what has no more than a text.
OTHERS = (
    NOTE(
        rf"[0-9]{{6}} .*?(?P<network__transport>TCP|UDP|ICMP|tcp|udp|icmp)\b.* from {IN}:{SOURCE} to {OUT}:{TARGET}.*",
        type=("connection", "info"),
    ),
    NOTE(
        rf"4050[0-9]{{2}} .* from {FROM}/(?P<source__mac>[0-9a-f]{{4}}\.[0-9a-f.]{{9}}) on interface {IN}.*",
        action="arp",
    ),
    NOTE(rf"[0-9]{{6}} .* from {SOURCE} to {TARGET}(?:,? .*?)?(?: on interface {IN})?", type=("connection", "info")),
    NOTE(r"[0-9]{6} .*"),
)
