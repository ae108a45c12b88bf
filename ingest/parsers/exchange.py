r"""exchange: protocol and message tracking logs of Microsoft Exchange Server -> email and network fields.

In:   CSV lines of the SMTP receive and send logs (`2026-03-05T01:15:02.113Z,MAIL01\Default,08D8...,0,192.0.2.25:25,
      198.51.100.7:50010,<,AUTH LOGIN,`), of IMAP and POP, and of message tracking; requests to OWA are IIS's (iis.py)
Out:  `source.*`, `destination.*`, `user.name`, `email.*`, `event.action`, `event.outcome`; `microsoft.exchange.*`
Docs: Microsoft, "Protocol logging", "Protocol logging for POP3 and IMAP4", "Message tracking" (fields of the log files)
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.lines import Context, Line, Parser

STAMP = r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z)"
CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'


def cell(name: str) -> str:
    """A field, with the quotes that stand around one with a comma."""
    return rf",(?P<{name}>{CELL})"


def end(side: str) -> str:
    return rf",\[?(?P<{side}__address>[0-9A-Fa-f.:]+?)\]?:(?P<{side}__port>[0-9]+)"


SMTP = (
    STAMP + r",(?P<microsoft__exchange__connector>[^,]*),(?P<microsoft__exchange__session>[0-9A-F]{16}),[0-9]+"
    + end("destination") + end("source") + r",(?P<microsoft__exchange__event>[-+<>*]),"
    r'"?(?P<message>(?:AUTH (?P<microsoft__exchange__mechanism>[A-Z0-9-]+)|MAIL FROM:<(?P<_sender>[^>]*)>.*|'
    r'RCPT TO:<(?P<_recipient>[^>]*)>.*|.*?))"?,(?P<event__reason>[^,]*)'
)  # fmt: skip
MAILBOX = (
    STAMP + r",(?P<microsoft__exchange__session>[0-9A-F]{16}),[0-9]+" + end("destination") + end("source")
    + r",(?P<user__name>[^,]*),[0-9]*,[0-9]*,[0-9]*,(?P<microsoft__exchange__command>[a-z]+),"
    rf'(?P<message>{CELL}),"?(?P<event__reason>(?:R="*(?P<_result>.*?))?(?:[;"].*)?)(?:,[^,]*)?'
)  # fmt: skip
TRACKING = (
    STAMP + r",(?P<source__address>[^,]*),(?P<source__domain>[^,]*),(?P<destination__address>[^,]*),"
    rf"(?P<destination__domain>[^,]*),{CELL},{CELL},(?P<microsoft__exchange__source>[A-Z]+),(?P<_event_id>[A-Z]+),{CELL},"
    rf'"?<?(?P<email__message_id>[^,>"]*)>?"?,{CELL}' + cell("_recipients") + rf",{CELL},[0-9]*,[0-9]*,{CELL},{CELL}"
    + cell("_subject") + cell("_sender") + r",.*"
)  # fmt: skip
LOGINS = pa.array(["login", "authenticate", "auth", "pass"])
FAILED = pa.array(["FAIL", "BADMAIL", "DEFER", "DROP"])


def finish(columns: Columns, context: Context) -> Columns:
    nothing = pa.scalar(None, TEXT)
    event_id, result = columns["_event_id"], columns["_result"]
    refused = pc.match_substring_regex(columns["message"], r"^5[0-9]{2} ")
    recipients = pc.utf8_trim(pc.coalesce(columns["_recipients"], columns["_recipient"]), '"')
    answered = pc.if_else(pc.match_substring_regex(result, r"^(?:ok|\+OK|[^ ]+ OK)"), "success", "failure")
    login = pc.is_in(columns["microsoft.exchange.command"], LOGINS)
    tracked = pc.if_else(pc.is_in(event_id, FAILED), "failure", pc.if_else(event_id.is_valid(), "success", nothing))
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.category": pa.array([["email"], ["email", "authentication"]], TEXTS).take(login.cast(pa.int8())),
        "event.type": pa.array([["info"], ["start"]], TEXTS).take(login.cast(pa.int8())),
        "event.action": pc.coalesce(pc.utf8_lower(event_id), columns["microsoft.exchange.command"], "smtp"),
        "event.outcome": pc.coalesce(answered, pc.if_else(refused.fill_null(False), "failure", nothing), tracked),
        "email.to.address": pc.split_pattern(recipients, ";"),
        "email.from.address": pc.split_pattern(pc.utf8_trim(columns["_sender"], '"'), ";"),
        "event.reason": pc.replace_substring(pc.utf8_rtrim(columns["event.reason"], '"'), '""', '"'),
        "email.subject": pc.replace_substring(pc.utf8_trim(columns["_subject"], '"'), '""', '"'),
        "network.protocol": pc.if_else(columns["microsoft.exchange.connector"].is_valid(), "smtp", nothing),
    }


PARSER = Parser(
    module="microsoft",
    dataset="microsoft.exchange",
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z,",
    lines=(Line(SMTP), Line(MAILBOX), Line(TRACKING)),
    finish=finish,
)
