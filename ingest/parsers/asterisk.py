r"""asterisk: security events of Asterisk and FreePBX, and the refusals in its messages log.

In:   `[Mar  5 08:15:02] SECURITY[77]: res_security_log.c:114 in security_event_stasis_cb: SecurityEvent="...",...`, and
      `NOTICE[77]: chan_sip.c:28468 handle_request_register: Registration from '...' failed for '...' - ...`; by syslog
      without the stamp
Out:  `user.name`, `source.*`, `destination.*`, `network.*`, `event.code` (the security event), `event.reason`;
      `asterisk.*`
Docs: Asterisk documentation, "Logging Facilities" and "Security Event Logging"; Asterisk res_security_log.c,
      chan_sip.c, manager.c, res_pjsip/pjsip_distributor.c
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats.labels import mapped, one_of, when
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:\[(?:(?P<_iso>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:\.[0-9]+)?)"
    r"|(?P<_bsd>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8}(?:\.[0-9]+)?))\] )?"
    r"(?P<log__level>[A-Z]+)\[(?P<process__thread__id>[0-9]+)\]:?(?:\[(?P<asterisk__call>C-[0-9a-f]+)\])?:? "
    r"(?P<log__logger>[A-Za-z0-9_/.-]+\.c):?(?:[0-9]+)?(?: in)?(?: [A-Za-z0-9_]+)?: "
)
# Asterisk escapes quotes in what a client has sent.
TEXT = r'(?:[^"\\]|\\.)*'
SECURITY = (
    rf'SecurityEvent="(?P<event__code>[A-Za-z]+)",EventTV="(?P<_event>[^"]*)",Severity="(?P<_severity>[A-Za-z]+)",'
    rf'Service="(?P<network__application>{TEXT})",EventVersion="[0-9]+"(?:,AccountID="(?P<user__name>{TEXT})")?'
    rf'(?:,SessionID="(?P<asterisk__session>{TEXT})")?'
    r'(?:,LocalAddress="IPV[46]/(?P<network__transport>[A-Z]+)/(?P<destination__address>[^"/]+)/'
    r'(?P<destination__port>[0-9]+)")?'
    rf'(?:,RemoteAddress="IPV[46]/[A-Z]+/(?P<source__address>[^"/]+)/(?P<source__port>[0-9]+)")?(?:,.*)?'
)
PEER = r"\[?(?P<source__address>[0-9A-Fa-f.:]+?)\]?(?::(?P<source__port>[0-9]{1,5}))?"
# `"display name" <sip:account@host>`, which is all the client's: what names the account is read greedily.
ACCOUNT = r"(?:.*<?sips?:(?P<user__name>[^@>]*)[@>].*|.*)"

REFUSED = partial(Line, action="sip-login", category=("authentication",), type=("start",), outcome="failure")
TRANSPORTS = {"UDP": "udp", **dict.fromkeys(("TCP", "TLS", "WS", "WSS"), "tcp")}


def finish(columns: Columns, context: Context) -> Columns:
    """Of a security event its own severity says whether it was refused; a challenge is neither."""
    code = columns["event.code"]
    succeeded, asked = one_of(code, "SuccessfulAuth"), one_of(code, "ChallengeSent")
    outcome = pc.if_else(succeeded, "success", when(pc.not_equal(columns["_severity"], "Informational"), "failure"))
    stamp = pc.coalesce(
        stamps.iso(columns["_event"], context.zone),
        stamps.iso(columns["_iso"], context.zone),
        stamps.bsd(columns["_bsd"], context.received, context.zone),
    )
    return {
        "@timestamp": stamp,
        "user.name": when(pc.not_equal(columns["user.name"], "<unknown>"), columns["user.name"]),
        "network.transport": mapped(columns["network.transport"], TRANSPORTS),
        "network.application": pc.utf8_lower(columns["network.application"]),
        "event.type": pc.if_else(asked, pa.scalar(["info"], TEXTS), columns["event.type"].cast(TEXTS)),
        "event.outcome": pc.if_else(code.is_valid(), outcome, columns["event.outcome"]),
        "event.reason": pc.coalesce(columns["event.reason"], when(pc.equal(outcome, "failure"), code)),
    }


PARSER = Parser(
    module="asterisk",
    dataset="asterisk.log",
    programs=("asterisk",),
    signature=(
        r"(?:\[(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]|[A-Z][a-z]{2} [ 0-9]?[0-9] )[0-9:]{8}(?:\.[0-9]+)?\] )?"
        r"(?:SECURITY|NOTICE|WARNING|ERROR|VERBOSE)\[[0-9]+\]:?(?:\[C-[0-9a-f]+\])?:? [A-Za-z0-9_/.-]+\.c"
    ),
    lines=(
        REFUSED(HEAD + SECURITY),
        REFUSED(HEAD + rf"Registration from '{ACCOUNT}' failed for '{PEER}' - (?P<event__reason>[^']*)"),
        REFUSED(
            HEAD + rf"Request '[A-Z]+' from '{ACCOUNT}' failed for '{PEER}' \(callid: .*\) - (?P<event__reason>[^']*)"
        ),
        REFUSED(HEAD + rf"(?:Host )?{PEER} (?P<event__reason>failed (?:MD5 )?to authenticate) as '(?P<user__name>.*)'"),
        REFUSED(HEAD + rf"Host {PEER} (?P<event__reason>failed MD5 authentication) for '(?P<user__name>.*)' \(.*\)"),
        REFUSED(HEAD + rf"{PEER} (?P<event__reason>tried to authenticate with nonexistent user) '(?P<user__name>.*)'"),
        REFUSED(HEAD + rf"(?P<event__reason>No registration) for peer '(?P<user__name>.*)' \(from {PEER}\)"),
        Line(
            HEAD + rf"Call from '(?P<user__name>.*)' \({PEER}\) to extension '(?P<asterisk__extension>.*)' rejected "
            r"because (?P<event__reason>extension not found in context) '.*'\.?",
            action="call-refused",
            category=("network",),
            type=("connection", "denied"),
            outcome="failure",
        ),
        # Not what begins like a security event and is none.
        Line(
            HEAD + r"(?P<message>(?:[^S]|S[^e]|Se[^c]|Sec[^u]).*)",
            action="asterisk-note",
            category=("process",),
            type=("info",),
        ),
    ),
    finish=finish,
)
