r"""junos_messages: what Junos says in words, message by message.

In:   `RT_FLOW_SESSION_CREATE: session created ...`: the tag and the text of a message
Out:  the `Line`s of the parser `juniper`
Docs: Junos OS System Log Explorer; RT_FLOW, IDP, WEBFILTER, AV, RT_SCREEN, UI, LOGIN and SSHD messages
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line

LOGIN = partial(Line, action="logged-in", category=("authentication",), type=("start",), outcome="success")
REFUSED = partial(Line, action="logon-failed", category=("authentication",), type=("start",), outcome="failure")
FILTERED = partial(Line, action="firewall-filter", category=("network",), type=("connection",))
PING = partial(Line, action="ping-test", category=("network",), type=("info",))
CHANGE = partial(Line, action="configuration", category=("configuration",), type=("change",), outcome="success")

ENDS = (
    r"(?P<source__address>[0-9A-Fa-f.:]+)/(?P<source__port>[0-9]+)->"
    r"(?P<destination__address>[0-9A-Fa-f.:]+)/(?P<destination__port>[0-9]+)"
)
NAT = (
    r"(?P<source__nat__ip>[0-9A-Fa-f.:]+)/(?P<source__nat__port>[0-9]+)->"
    r"(?P<destination__nat__ip>[0-9A-Fa-f.:]+)/(?P<destination__nat__port>[0-9]+)"
)
BRACKETS = (
    r"(?P<source__address>[0-9A-Fa-f.:]+)\((?P<source__port>[0-9]+)\)->"
    r"(?P<destination__address>[0-9A-Fa-f.:]+)\((?P<destination__port>[0-9]+)\)"
)
COLONS = (
    r"(?P<source__address>[0-9A-Fa-f.:]+):(?P<source__port>[0-9]+),? (?:to|destination:) "
    r"(?P<destination__address>[0-9A-Fa-f.:]+):(?P<destination__port>[0-9]+)"
)
SERVICE = r"(?:0x[0-9a-f]+ )?(?P<juniper__srx__service_name>[^ ]+)"
# The rules of both translations by kind and name, or by name alone in versions before 12.
RULES = r"(?:0x[0-9a-f]+ )?(?:[^ ]+ ){2,6}?(?P<network__iana_number>[0-9]+) (?P<rule__name>[^ ]+)"
ZONES = r"(?P<observer__ingress__zone>[^ ]+) (?P<observer__egress__zone>[^ ]+)"
USER = r"(?P<source__user__name>[^ (]+)\([^)]*\)"
COUNTED = (
    r"(?P<source__packets>[0-9]+)\((?P<source__bytes>[0-9]+)\) "
    r"(?P<destination__packets>[0-9]+)\((?P<destination__bytes>[0-9]+)\) (?P<_seconds>[0-9]+)"
)
INTERFACE = r"(?P<observer__ingress__interface__name>[^ ]+)"
NAME = r"(?P<user__name>[^']*)"
# What a firewall filter logs of a packet.
PACKET = (
    rf"FW: {INTERFACE} +(?P<juniper__srx__action>[A-Z]) +(?P<network__transport>[^ ]+) "
    r"+(?P<source__address>[0-9A-Fa-f.:]+) +(?P<destination__address>[0-9A-Fa-f.:]+) +(?P<source__port>[0-9]+) +"
    r"(?P<destination__port>[0-9]+)(?: +\((?P<source__packets>[0-9]+) packets?\))?\s*"
)


def tagged(tag: str) -> str:
    return rf"(?P<event__code>{tag}): ?"


LINES = (
    Line(
        rf"{tagged('(?:RT_FLOW|APPTRACK)_SESSION_CREATE(?:_LS)?')}(?:AppTrack )?session created {ENDS} {SERVICE}"
        rf"(?: [^ ]+ [^ ]+)? {NAT} {RULES} {ZONES} (?P<juniper__srx__session_id_32>[0-9]+)(?: {USER}(?: "
        rf"{INTERFACE})?)?.*"
    ),
    Line(
        rf"{tagged('(?:RT_FLOW|APPTRACK)_SESSION_CLOSE(?:_LS)?')}(?:AppTrack )?session closed "
        rf"(?P<event__reason>.*?): {ENDS} "
        rf"{SERVICE}(?: [^ ]+ [^ ]+)? {NAT} {RULES} {ZONES} (?P<juniper__srx__session_id_32>[0-9]+) {COUNTED}"
        rf"(?: [^ ]+ [^ ]+ {USER}(?: {INTERFACE})?)?.*"
    ),
    Line(
        rf"{tagged('RT_FLOW_SESSION_DENY(?:_LS)?')}session denied {ENDS} {SERVICE} "
        rf"(?P<network__iana_number>[0-9]+)\([0-9]+\) "
        rf"(?P<rule__name>[^ ]+) {ZONES}(?: [^ ]+ [^ ]+ {USER} {INTERFACE}(?: [^ ]+ (?P<event__reason>.*))?)?.*"
    ),
    Line(
        rf"{tagged('IDP_ATTACK_LOG_EVENT(?:_LS)?')}IDP: at [0-9]+, .* <{ENDS}> for (?P<network__transport>[^ ]+) "
        rf"protocol "
        r"and service (?P<juniper__srx__service_name>[^ ]+) .*?action=(?P<juniper__srx__action>[^ ,]+), "
        r"threat-severity=(?P<juniper__srx__threat_severity>[^ ,]+), name=(?P<rule__name>[^ ,]*),.*"
    ),
    Line(
        rf"{tagged('WEBFILTER_URL_(?:BLOCKED|PERMITTED)(?:_LS)?')}WebFilter: "
        rf"ACTION=\"(?P<juniper__srx__action>[^\"]*)\" "
        rf"{BRACKETS} .*CATEGORY=\"(?P<rule__category>[^\"]*)\".* URL=(?P<url__domain>[^ ]+) OBJ=(?P<url__path>[^ ]+)"
        r"(?: (?:username|USERNAME)[ =](?P<source__user__name>[^ ]+))?.*"
    ),
    Line(
        rf"{tagged('AV_VIRUS_DETECTED(?:_MT)?(?:_LS)?')}AntiVirus: Virus detected: from {COLONS} "
        r"source-zone (?P<observer__ingress__zone>[^ ]+).*? file (?P<file__name>.*?) virus (?P<rule__name>[^ ]+).*"
    ),
    Line(
        rf"{tagged('RT_SCREEN_[A-Z0-9]+(?:_LS)?')}(?P<rule__name>.*?)!? source: {COLONS}, (?:protocol-id: "
        rf"(?P<network__iana_number>[0-9]+), )?"
        rf"zone name: (?P<observer__ingress__zone>[^ ,]+), interface name: "
        rf"(?P<observer__ingress__interface__name>[^ ,]+)"
        r"(?:, action: (?P<juniper__srx__action>[^ ,]+))?.*"
    ),
    Line(
        rf"{tagged('RT_SCREEN_[A-Z0-9]+(?:_LS)?')}(?P<rule__name>.*?)!? source: "
        rf"(?P<source__address>[0-9A-Fa-f.:]+), destination: "
        r"(?P<destination__address>[0-9A-Fa-f.:]+), (?:protocol-id: (?P<network__iana_number>[0-9]+), )?"
        rf"zone name: (?P<observer__ingress__zone>[^ ,]+), interface name: "
        rf"(?P<observer__ingress__interface__name>[^ ,]+)"
        r"(?:, action: (?P<juniper__srx__action>[^ ,]+))?.*"
    ),
    FILTERED(rf"(?:[^ ]+ |\(FPC Slot [0-9]+, PIC Slot [0-9]+\) )(?P<process__name>PFE_FW_SYSLOG_IP[0-9]*): {PACKET}"),
    FILTERED(rf"(?:{tagged('PFE_FW_SYSLOG_IP[0-9]*')})?{PACKET}"),
    LOGIN(rf"{tagged('UI_AUTH_EVENT')}Authenticated user '{NAME}' .*"),
    LOGIN(
        rf"{tagged('UI_LOGIN_EVENT')}User '{NAME}' login, class '[^']*' \[[0-9]+\](?:, ssh-connection "
        r"'(?P<source__address>[0-9A-Fa-f.:]+) (?P<source__port>[0-9]+) (?P<destination__address>[0-9A-Fa-f.:]+) "
        r"(?P<destination__port>[0-9]+)')?.*"
    ),
    LOGIN(rf"{tagged('UI_LOGOUT_EVENT')}User '{NAME}' logout.*", action="logged-out", type=("end",)),
    LOGIN(
        rf"{tagged('LOGIN_(?:INFORMATION|ROOT)')}User (?P<user__name>.*) logged in (?:as root )?from host "
        r"(?P<source__address>[^ ]+) .*"
    ),
    REFUSED(
        rf"{tagged('SSHD_LOGIN_FAILED')}Login failed for user '(?P<user__name>.*)' from host "
        rf"'(?P<source__address>[^']*)'.*"
    ),
    REFUSED(
        rf"{tagged('LOGIN_FAILED|LOGIN_PAM_ERROR')}Login failed for user (?P<user__name>.*) from host "
        rf"(?P<source__address>[^ ]+).*"
    ),
    REFUSED(rf"{tagged('SSHD_LOGIN_ATTEMPTS_THRESHOLD')}.*user '(?P<user__name>.*)' .*", action="login-blocked"),
    Line(
        rf"{tagged('UI_CMDLINE_READ_LINE')}User '{NAME}', command '(?P<process__command_line>.*)'",
        action="command",
        category=("process",),
        type=("start",),
    ),
    CHANGE(rf"{tagged('UI_COMMIT[A-Z_]*')}User '{NAME}' (?P<event__reason>.*)"),
    CHANGE(rf"{tagged('UI_CFG_AUDIT_[A-Z_]+')}User '{NAME}' (?P<event__reason>.*)"),
    PING(rf"{tagged('PING_TEST_COMPLETED')}(?P<event__reason>.*)", outcome="success"),
    PING(rf"{tagged('PING_(?:TEST|PROBE)_FAILED')}(?P<event__reason>.*)", outcome="failure"),
    Line(
        r"(?:IKE|IPSec) negotiation failed with error: (?P<event__reason>.*?)\. .*",
        action="vpn-negotiation",
        category=("network",),
        type=("connection", "error"),
        outcome="failure",
    ),
    Line(
        r"(?:IKE|IPSec) negotiation successfully completed\. .*",
        action="vpn-negotiation",
        category=("network",),
        type=("connection", "start"),
        outcome="success",
    ),
    Line(
        r"(?P<event__code>(?:UI|SSHD|LOGIN|ANTISPAM|CONTENT_FILTERING|AAMW|SECINTEL|PFE|KMD|RTLOG|PING|SNMP|SNMPD|RPD"
        r"|CHASSISD|DCD|JSRPD|MIB2D|EVENTD)_[A-Z0-9_]+): (?P<event__reason>.*)"
    ),
    # Of its own programs, which are known by their names.
    Line(r".*"),
)
