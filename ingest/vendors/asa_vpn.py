r"""asa_vpn: what Cisco's firewalls say of VPN sessions, of TLS and of IPsec.

In:   `722051 Group <...> User <...> IP <...> ...`: the id and the text of an ASA, PIX, FWSM or FTD message
Out:  `Line`s of the parser `cisco_asa`
Docs: Cisco Secure Firewall ASA Series Syslog Messages; Elastic's integration "Cisco ASA", exported fields
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line
from ingest.vendors.asa_logins import LOGIN, REFUSED
from ingest.vendors.asa_messages import DIRECTION, FROM, IN, NOTE, REASON, SOURCE, TARGET, TO, USER

VPN = partial(Line, category=("network", "session"))
# As VPN messages begin: <brackets> or not, by the version.
GROUP = r"(?:Group|TunnelGroup|GroupPolicy) ?=? ?<?(?P<source__user__group__name>[^>,]*?)>?,? "
# A name may be made to hold the end of the form, so the last " IP " counts.
WHO = GROUP + (
    r"User(?:name)? ?=? ?<?(?P<source__user__name>.*[^>, <])?>?,? IP ?=? ?<?(?P<source__address>[0-9A-Fa-f.:]+)>?,?"
)

LINES = (
    VPN(
        rf"113019 Group ?= ?(?P<source__user__group__name>.*?), Username ?= ?{USER}, IP ?= ?{TO}, Session "
        rf"disconnected\. "
        r"Session Type: (?P<cisco__asa__session_type>.*?), Duration: (?P<_duration>[0-9hms: d]+), "
        rf"Bytes xmt: (?P<source__bytes>[0-9]+), Bytes rcv: (?P<destination__bytes>[0-9]+), Reason: {REASON}",
        action="client-vpn-disconnected",
        category=("network",),
        type=("connection", "end"),
    ),
    VPN(rf"113039 {WHO} .*", action="client-vpn-connected", type=("connection", "start"), outcome="success"),
    VPN(
        rf"1130(?:2[9]|3[0-8]|40) {WHO} {REASON}",
        action="client-vpn-error",
        category=("network",),
        type=("connection", "denied"),
        outcome="failure",
    ),
    VPN(
        r"113040 Terminating the VPN connection attempt from (?P<source__user__group__name>[^.]*)\. Reason: "
        rf"{REASON}",
        action="client-vpn-error",
        category=("network",),
        type=("connection", "denied"),
        outcome="failure",
    ),
    VPN(
        rf"716001 {WHO} WebVPN session started.*",
        action="client-vpn-connected",
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        rf"716002 {WHO} WebVPN session terminated: {REASON}",
        action="client-vpn-disconnected",
        type=("connection", "end"),
    ),
    VPN(
        rf'716003 {WHO} WebVPN access "?GRANTED: "?(?P<url__original>.*?)"?',
        action="url-access",
        category=("authentication", "network"),
        type=("allowed", "info"),
        outcome="success",
    ),
    REFUSED(rf"716039 {WHO} Authentication: rejected, Session Type: (?P<cisco__asa__session_type>[^ ]+?)\.?"),
    REFUSED(
        r"716039 Authentication: rejected, group = (?P<source__user__group__name>[^ ]+) user = "
        r"(?P<source__user__name>.*?) ?, "
        r"Session Type: (?P<cisco__asa__session_type>[^ ]+)"
    ),
    LOGIN(rf"716038 {WHO} Authentication: successful, Session Type: (?P<cisco__asa__session_type>[^ ]+?)\.?"),
    VPN(
        rf"716058 {WHO} AnyConnect session lost connection.*",
        action="client-vpn-disconnected",
        type=("connection", "end"),
    ),
    VPN(
        r"716059 Group <?(?P<source__user__group__name>[^> ]*)>? User(?: <?(?P<source__user__name>[^>]*?)>?)? IP "
        r"<?(?P<destination__address>[0-9A-Fa-f.:]+)>? AnyConnect session .*from(?: IP)? "
        r"<?(?P<source__address>[0-9A-Fa-f:.]+?)>?\.?",
        action="client-vpn-resumed",
        type=("connection", "start"),
    ),
    VPN(
        r"721016 \((?P<cisco__asa__device_type>[^)]*)\) WebVPN session for client user (?P<source__user__name>.*), "
        r"IP(?:v[46])? (?P<destination__address>[^ ]+) has been created\.?",
        action="client-vpn-connected",
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        r"721018 \((?P<cisco__asa__device_type>[^)]*)\) WebVPN session for client user (?P<source__user__name>.*), "
        r"IP(?:v[46])? (?P<destination__address>[^ ]+) has been deleted\.?",
        action="client-vpn-disconnected",
        type=("connection", "end"),
        outcome="success",
    ),
    VPN(
        rf"722051 {WHO} (?P<event__reason>(?:IPv4 )?Address <(?P<cisco__asa__assigned_ip>[^>]*)>.* assigned to "
        rf"session.*)",
        action="address-assigned",
        type=("connection", "info"),
        outcome="success",
    ),
    VPN(rf"722055 {WHO} Client Type: (?P<user_agent__original>.*)", action="client-type", type=("connection", "info")),
    VPN(
        rf"72203[23] {WHO} (?P<event__reason>(?:New|First) (?P<network__transport>TCP|UDP) SVC connection .*)",
        action="client-vpn-connected",
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        rf"722034 {WHO} (?P<event__reason>New (?P<network__transport>TCP|UDP) SVC connection, .*)",
        action="client-vpn-connected",
        type=("connection", "info"),
    ),
    VPN(
        rf"7220(?:23|28) {WHO} (?P<event__reason>.*)",
        action="client-vpn-disconnected",
        type=("connection", "end"),
        outcome="success",
    ),
    VPN(rf"722037 {WHO} (?P<event__reason>.*)", action="client-vpn-disconnected", type=("connection", "end")),
    VPN(rf"722022 {WHO} (?P<event__reason>.*)", action="client-vpn", type=("connection", "info"), outcome="success"),
    VPN(rf"7220[0-9]{{2}} {WHO} (?P<event__reason>.*)", action="client-vpn", type=("info",)),
    LOGIN(
        r"734001 DAP: User (?P<user__email>[^ ,]+), Addr (?P<source__address>[^ ,]+), Connection "
        r"(?P<cisco__asa__connection_type>[^:]*): The following DAP records were selected .*: "
        r"(?P<cisco__asa__dap_records>.*)"
    ),
    VPN(
        rf"725001 Starting SSL handshake with (?P<cisco__asa__peer_type>[^ ]+) {IN}:{SOURCE} (?:to {TARGET} )?for "
        r"(?P<_tls>[^ ]+) session.*",
        action="tls-start",
        category=("network",),
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        rf"725002 Device completed SSL handshake with (?P<cisco__asa__peer_type>[^ ]+) {IN}:{SOURCE} (?:to {TARGET} "
        rf")?for "
        r"(?P<_tls>[^ ]+) session.*",
        action="tls-established",
        category=("network",),
        type=("connection", "info"),
        outcome="success",
    ),
    VPN(
        rf"725007 SSL session with (?P<cisco__asa__peer_type>[^ ]+) {IN}:{SOURCE} (?:to {TARGET} )?terminated.*",
        action="tls-end",
        category=("network",),
        type=("connection", "end"),
        outcome="failure",
    ),
    VPN(
        rf"725016 Device selects trust-point (?P<cisco__asa__trustpoint>.*) for (?P<cisco__asa__peer_type>[^ ]+) "
        rf"{IN}:{SOURCE} to {TARGET}",
        action="tls-trustpoint",
        category=("network",),
        type=("connection", "info"),
        outcome="success",
    ),
    NOTE(
        rf"7250(?P<cisco__asa__tls_event>[0-9]{{2}}) .* (?:client|peer|server) {IN}:{SOURCE}(?: to {TARGET})?.*",
        action="tls",
    ),
    VPN(
        r"713049 Group = (?P<source__user__group__name>[^,]*), (?:Username = (?P<user__name>[^,]*), )?"
        r"IP = (?P<source__address>[^ ,]+), Security negotiation complete .*",
        action="firewall-rule",
        category=("network",),
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        r"713120 (?:Group = (?P<source__user__group__name>[^,]*), )?(?:Username = (?P<user__name>[^,]*), )?"
        r"IP = (?P<source__address>[^ ,]+), (?P<event__reason>.*?) \(msgid=(?P<cisco__asa__msgid>[^)]*)\)",
        action="firewall-rule",
        category=("network",),
        type=("connection", "info"),
        outcome="success",
    ),
    VPN(
        r"713202 (?:Group = (?P<source__user__group__name>[^,]*), )?IP = (?P<source__address>[^ ,]+), "
        r"(?P<event__reason>.*?)\. .*packet\.?",
        action="firewall-rule",
        category=("network",),
        type=("connection", "info"),
    ),
    VPN(
        r"71390[12] (?:Group = (?P<source__user__group__name>[^,]*), )?(?:Username = (?P<user__name>[^,]*), )?"
        r"(?:IP = (?P<source__address>[^ ,]+), )?(?P<event__reason>.*)",
        action="client-vpn-error",
        category=("network",),
        type=("info",),
        outcome="failure",
    ),
    VPN(
        r"713[0-9]{3} (?:Group = (?P<source__user__group__name>[^,]*), )?(?:Username = (?P<user__name>[^,]*), )?"
        r"(?:IP = (?P<source__address>[^ ,]+), )?(?P<event__reason>.*)",
        action="ike",
        category=("network",),
        type=("info",),
    ),
    VPN(
        rf"602303 (?P<cisco__asa__protocol>[^ :]+): An {DIRECTION} (?P<cisco__asa__tunnel_type>.*) SA \(SPI= [^)]*\) "
        rf"between "
        rf"{FROM} and {TO} \(user= (?P<user__name>.*)\) has been .*",
        action="sa-created",
        category=("network",),
        type=("connection", "start"),
        outcome="success",
    ),
    VPN(
        rf"602304 (?P<cisco__asa__protocol>[^ :]+): An {DIRECTION} (?P<cisco__asa__tunnel_type>.*) SA \(SPI= [^)]*\) "
        rf"between "
        rf"{FROM} and {TO} \(user= (?P<user__name>.*)\) has been .*",
        action="sa-deleted",
        category=("network",),
        type=("connection", "end"),
        outcome="success",
    ),
    VPN(
        r"750003 Local:(?P<source__address>.*):(?P<source__port>[0-9]+) Remote:(?P<destination__address>.*):"
        r"(?P<destination__port>[0-9]+) Username:(?P<user__name>[^ ]+) (?P<event__reason>.*)",
        action="connection-failed",
        category=("network",),
        type=("connection", "start"),
        outcome="failure",
    ),
    VPN(
        r"750[0-9]{3} Local:(?P<source__address>.*):(?P<source__port>[0-9]+) Remote:(?P<destination__address>.*):"
        r"(?P<destination__port>[0-9]+) Username:(?P<user__name>[^ ]+) (?P<event__reason>.*)",
        action="connection-started",
        category=("network",),
        type=("connection", "start"),
        outcome="success",
    ),
    NOTE(
        r"737[0-9]{3} IPAA: (?:Session=(?P<cisco__asa__session_id>[^,]+), )?(?P<event__reason>.*(?:failed|no "
        r"viable|no address).*)",
        action="address-assignment",
        type=("connection", "info"),
        outcome="failure",
    ),
    NOTE(
        r"737034 IPAA: (?:Session=(?P<cisco__asa__session_id>[^,]+), )?(?P<event__reason>.*)",
        action="address-assignment",
        type=("connection", "info"),
        outcome="failure",
    ),
    NOTE(
        r"737[0-9]{3} IPAA: (?:Session=(?P<cisco__asa__session_id>[^,]+), )?(?P<event__reason>.*)",
        action="address-assignment",
        type=("connection", "info"),
        outcome="success",
    ),
)
