r"""cisco_ios: messages of Cisco's routers and switches (IOS, IOS XE, IOS XR, NX-OS) -> access lists, log-ins, changes.

In:   `%SEC-6-IPACCESSLOGP: list 101 denied tcp ...`; what stands before the sign is the header's
Out:  `event.code`, `event.severity`, `source.*`, `destination.*`, `network.*`, `user.name`; `cisco.ios.*`
Docs: Cisco IOS XE System Messages Guide; Elastic's integration "Cisco IOS", exported fields
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.columns import is_valid
from ingest.event import Columns
from ingest.formats import flows
from ingest.formats.labels import mapped, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Line, Parsed, Parser

HEADER = (
    # IOS XE's data plane puts its own message around that of the feature.
    r"(?s)^:? *(?:%IOSXE-[0-7]-PLATFORM: [^%]*)?"
    r"%(?P<facility>[A-Z0-9_]+(?:-[A-Z0-9_]+)*?)-(?:[A-Z0-9_]+-)?(?P<severity>[0-7])-(?P<code>[A-Z0-9_]+)"
    r"(?::| :) *(?P<text>.*)$"
)
LEVELS = dict(
    zip("01234567", ("emergencies", "alert", "critical", "error", "warning", "notification", "informational", "debug"),
        strict=True)
)  # fmt: skip

DENIED = partial(Line, action="deny", category=("network",), type=("info", "denied"))
ALLOWED = partial(Line, action="allow", category=("network",), type=("info", "allowed"))
LOGIN = partial(Line, action="logged-in", category=("authentication", "network"), type=("start",), outcome="success")
REFUSED = partial(
    Line, action="logon-failed", category=("authentication", "network"), type=("start",), outcome="failure"
)
CHANGE = partial(Line, action="configuration", category=("configuration",), type=("change",), outcome="success")
STATE = partial(Line, action="state-change", category=("network",), type=("change",))
NOTE = partial(Line, category=("network",), type=("info",))

# IOS XE puts the line card and its process before the text; IOS XR writes "access-list NAME deny".
LIST = r"(?:[A-Z0-9]+LOG[A-Z]*) (?:.*: +)?(?:access-)?list (?P<cisco__ios__access_list>[^ ]+)"
FROM = r"(?:(?P<_mac>[0-9A-F]{2}(?:-[0-9A-F]{2}){5}) )?(?P<source__address>[0-9A-Za-z.:_-]+)"
TO = r"(?P<destination__address>[0-9A-Za-z.:_-]+)"
FROM_PORT, TO_PORT = r"\((?P<source__port>[0-9]+)\)", r"\((?P<destination__port>[0-9]+)\)"
PACKETS = r",? (?P<source__packets>[0-9]+) packets?.*"
TRANSPORT = r"(?P<network__transport>[A-Za-z][^ ]*)"
# Between the two ends some versions write where the packet came in: "(GigabitEthernet0/1 0000.5e00.5301)".
ARROW = (
    r"(?: \((?P<observer__ingress__interface__name>[^ )]*) ?(?P<source__mac>[0-9a-f.]{14})?[^)]*\)|"
    r" (?P<_interface>[A-Z][^ >]*[0-9]))? ?-> "
)
WHO = (
    r"\[user: (?P<user__name>.*?)\] \[Source: (?P<source__address>[^\]]*)\] "
    r"\[localport: (?P<destination__port>[0-9]+)\]"
)


def _access(word: str) -> tuple[str, ...]:
    """What an access list says of a packet; the kinds differ in what stands behind the addresses."""
    return (
        rf"{LIST} {word} {TRANSPORT} {FROM}{FROM_PORT}{ARROW}{TO}{TO_PORT}{PACKETS}",
        rf"{LIST} {word} {TRANSPORT} {FROM}{ARROW}{TO} "
        rf"\((?P<cisco__ios__icmp_type>[0-9]+)/(?P<cisco__ios__icmp_code>[0-9]+)\){PACKETS}",
        rf"{LIST} {word} {TRANSPORT} {FROM}{ARROW}{TO}(?: \((?P<cisco__ios__igmp_type>[0-9]+)\))?{PACKETS}",
        rf"{LIST} {word} (?P<network__iana_number>[0-9]+) {FROM}{ARROW}{TO}{PACKETS}",
        rf"{LIST} {word} {FROM}{PACKETS}",
    )


# The code stands before the text, so that its patterns are told apart by their beginning.
LINES = (
    *(DENIED(pattern) for pattern in _access("(?:denied|deny)")),
    *(ALLOWED(pattern) for pattern in _access("permit(?:ted)?")),
    LOGIN(rf"(?:WEB)?LOGIN_SUCCESS Login Success {WHO}.*"),
    REFUSED(rf"(?:WEB)?LOGIN_FAILED Login failed {WHO}(?: \[Reason: (?P<event__reason>[^\]]*)\])?.*"),
    LOGIN(
        r"LOGOUT User (?P<user__name>.*) has exited (?P<cisco__ios__session__type>[^ ]+) session "
        r"(?P<cisco__ios__session__number>[0-9]+) ?\((?P<source__address>[^)]*)\)",
        action="logged-out",
        type=("end",),
    ),
    REFUSED(
        r"QUIET_MODE_ON .*\[user: (?P<user__name>.*?)\] \[Source: (?P<source__address>[^\]]*)\].*",
        action="login-blocked",
    ),
    CHANGE(
        r"CONFIG_I Configured from (?P<cisco__ios__config__from>[^ ]+) by (?P<user__name>.*?)(?: on "
        r"(?P<cisco__ios__line>[^ ]+))?"
        r"(?: \((?P<source__address>[^)]*)\))?"
    ),
    CHANGE(
        r"CONFIG_P Configured programmatically by process (?P<cisco__ios__process>.*) from "
        r"(?P<cisco__ios__config__from>[^ ]+) "
        r"as (?P<user__name>.*?)(?: on (?P<cisco__ios__line>[^ ]+))?"
    ),
    CHANGE(r"CFGLOG_LOGGEDCMD User: ?(?P<user__name>.*?) +logged command: ?(?P<cisco__ios__command>.*)"),
    CHANGE(
        r"VSHD_SYSLOG_CONFIG_I Configured from (?P<cisco__ios__config__from>[^ ]+) by (?P<user__name>.*?)"
        r"(?: on (?P<source__address>[^@ ]+@)?(?P<cisco__ios__line>[^ ]+))?"
    ),
    STATE(
        r"UPDOWN (?:Line protocol on )?Interface (?P<observer__ingress__interface__name>[^ ,]+), changed state to "
        r"(?P<event__reason>.*)"
    ),
    STATE(r"CHANGED Interface (?P<observer__ingress__interface__name>[^ ,]+), changed state to (?P<event__reason>.*)"),
    STATE(r"ADJCHANGE neighbor (?P<source__address>[0-9A-Fa-f.:]+) (?P<event__reason>.*)"),
    STATE(
        r"(?:NBRCHANGE|ADJCHG) .*[Nn](?:eighbor|br) (?P<source__address>[0-9A-Fa-f.:]+)(?: \(?(?:on )?"
        r"(?P<observer__ingress__interface__name>[A-Za-z][^ )]*)\)?)?(?: is|:|,| from) ?(?P<event__reason>.*)"
    ),
    NOTE(
        r"BADAUTH (?P<event__reason>(?:No|Invalid) MD5 digest) from (?P<source__address>[0-9A-Fa-f.:]+?)"
        r"(?:\(|:)(?P<source__port>[0-9]+)\)? to "
        r"(?P<destination__address>[0-9A-Fa-f.:]+?)(?:\(|:)(?P<destination__port>[0-9]+)\)?.*",
        action="authentication-failed",
        outcome="failure",
    ),
    NOTE(
        r"INVALID_RP_JOIN Received \((?P<cisco__ios__pim__source>[^,]+), (?P<cisco__ios__pim__group>[^)]+)\) "
        r"(?P<cisco__ios__action>[^ ]+) "
        r"from (?P<source__address>[^ ]+) for (?P<cisco__ios__outcome>.*) (?P<destination__address>[^ ]+)",
        action="multicast-join",
        outcome="failure",
        fields={"event.reason": "Invalid RP"},
    ),
    NOTE(
        r"SESS_AUDIT_TRAIL(?:_START)? .*initiator \((?P<source__address>[0-9A-Fa-f.:]+):(?P<source__port>[0-9]+)\)"
        r"(?: sent (?P<source__bytes>[0-9]+) bytes)? -- responder \((?P<destination__address>[0-9A-Fa-f.:]+):"
        r"(?P<destination__port>[0-9]+)\)(?: sent (?P<destination__bytes>[0-9]+) bytes)?.*",
        action="session",
        type=("connection", "info"),
    ),
    DENIED(
        r"DROP_PKT (?:.* )?Dropping (?P<network__transport>[^ ]+) (?:session|packet|pkt)? ?(?:from "
        r"(?P<observer__ingress__interface__name>[^ ]+) )?"
        r"(?P<source__address>[0-9A-Fa-f.:]+):(?P<source__port>[0-9]+) ?=> "
        r"?(?P<destination__address>[0-9A-Fa-f.:]+):(?P<destination__port>[0-9]+).*",
        action="drop",
    ),
    NOTE(
        r"DUPADDR Duplicate address (?P<destination__address>[^ ]+) on (?P<observer__ingress__interface__name>[^ "
        r",]+), "
        r"sourced by (?P<source__mac>[0-9a-f.]{14}).*",
        action="duplicate-address",
    ),
    NOTE(
        r"(?:AUTHFAIL|AUTHENTICATION_FAIL|UNAUTHENTICATED) .*(?:from|host) (?:host "
        r")?(?P<source__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*).*",
        action="authentication-failed",
        category=("authentication", "network"),
        outcome="failure",
    ),
    NOTE(
        r"PSECURE_VIOLATION .*MAC address (?P<source__mac>[0-9a-f.]{14}) on port "
        r"(?P<observer__ingress__interface__name>[^ ]+?)\.?",
        action="port-security-violation",
        type=("denied",),
    ),
    NOTE(r"[A-Z0-9_]+ .*"),
)


def read(messages: pa.Array, context: Context) -> Parsed:
    header = captured(pc.extract_regex(messages, HEADER))
    rows = np.flatnonzero(is_valid(header["code"]))
    if not len(rows):
        return rows, {}
    at = pa.array(rows)
    header = {name: column.take(at) for name, column in header.items()}
    text = pc.binary_join_element_wise(header["code"], header["text"].fill_null(""), " ")
    known, columns = MESSAGES.parse(text, context.take(rows))
    ahead = _of_header(header) | {"observer.hostname": context.host.take(at)}
    return rows, joined(len(rows), [(np.arange(len(rows)), ahead), (known, columns)])


def _of_header(header: Columns) -> Columns:
    rows = len(header["code"])
    return {
        "event.code": header["code"],
        "event.severity": header["severity"],
        "event.provider": pa.repeat(pa.scalar("firewall"), rows),
        "log.level": mapped(header["severity"], LEVELS),
        "cisco.ios.facility": header["facility"],
        "observer.vendor": pa.repeat(pa.scalar("Cisco"), rows),
        "observer.product": pa.repeat(pa.scalar("IOS"), rows),
        "observer.type": pa.repeat(pa.scalar("firewall"), rows),
    }


def finish(columns: Columns, context: Context) -> Columns:
    direct = pc.equal(columns["source.address"], "console")
    found: Columns = {
        "source.address": when(pc.invert(direct.fill_null(False)), columns["source.address"]),
        "source.user.name": columns["user.name"],
        "network.packets": columns["source.packets"],
        "source.mac": pc.coalesce(columns["source.mac"], columns["_mac"]),
        "observer.ingress.interface.name": pc.coalesce(
            columns["observer.ingress.interface.name"], columns["_interface"]
        ),
    }
    return flows.complete(columns | found | flows.icmp(columns, "cisco.ios.icmp_type", "cisco.ios.icmp_code"))


MESSAGES = Parser(module="cisco", dataset="cisco.ios", lines=LINES, finish=finish)
PARSER = Parser(
    module="cisco",
    dataset="cisco.ios",
    signature=r":? *%[A-Z0-9_]+(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+ ?:",
    read=read,
)
