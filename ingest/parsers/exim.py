r"""exim: mail taken, delivered and refused, and log-ins to send it.

In:   lines of exim's main and reject logs, in its own files or by syslog
Out:  `source.*`, `user.name` of SMTP AUTH, `email.*`; the rest as `exim.*`
Docs: Exim specification, chapter "Log files"
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import list_of
from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:\.[0-9]+)?(?: [+-][0-9]{4})?) )?(?:\[[0-9]+\] )?"
    r"(?:(?P<exim__message_id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) )?"
)
# Name by DNS, name that the client gave in brackets, then the address that exim saw.
CLIENT = (
    r"(?:(?P<source__domain>[^ \[\]()=]+) )?(?:\((?P<exim__helo>.*?)\) )?\[(?P<source__address>[0-9A-Fa-f.:]+)\]"
    r"(?::(?P<source__port>[0-9]+))?"
)
HOST = rf"H={CLIENT}"
BETWEEN = (
    r"(?: I=\[(?P<destination__address>[^\]]+)\]:(?P<destination__port>[0-9]+))?(?: P=(?P<exim__protocol>[^ ]+))?"
    r"(?: X=(?P<tls__version>[^: ]+)(?::(?P<tls__cipher>[^ ]+))?)?(?: CV=[^ ]+)?(?: SNI=[^ ]+)?"
)
SENDER = r"(?: F=<(?P<_from>.*?)>)?"
LOGIN = r"(?: A=(?P<exim__authenticator>[^: ]+)(?::(?P<user__name>[^ ]+))?)?"
FROM = SENDER + LOGIN
SIZE = r"(?: K)?(?: S=(?P<exim__size>[0-9]+))?(?: .*)?"
WHY = r"(?P<event__reason>.*)"

REFUSED = partial(Line, action="mail-reject", category=("email",), type=("denied",), outcome="failure")
MAIL = partial(Line, category=("email",), type=("info",))
PROBE = partial(Line, action="smtp-probe", category=("network",), type=("connection", "info"), outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    sender = columns["_from"]
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "email.from.address": list_of([when(pc.not_equal(sender, "<>"), sender)]),
        "email.to.address": list_of([columns["_to"]]),
        # Whose mailbox a refused client tried, and in whose name.
        "source.user.name": when(pc.equal(columns["event.action"], "mail-reject"), columns["_from"]),
        "user.target.name": when(pc.equal(columns["exim.command"], "RCPT"), columns["_to"]),
    }


PARSER = Parser(
    module="exim",
    dataset="exim.log",
    programs=("exim", "exim4"),
    signature=(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:\.[0-9]+)?(?: [+-][0-9]{4})? (?:\[[0-9]+\] )?"
        r"(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |H=|[A-Za-z0-9_-]+ authenticator failed |SMTP |"
        r"TLS error on |unexpected disconnection )"
    ),
    lines=(
        Line(
            HEAD + rf"(?P<exim__authenticator>[A-Za-z0-9_-]+) authenticator failed for (?:H=)?{CLIENT}"
            r"(?: I=[^ ]+)?(?: U=[^ ]+)?: (?P<event__reason>.*?)(?: \(set_id=(?P<user__name>.*)\))?",
            action="smtp-login",
            category=("authentication",),
            type=("start",),
            outcome="failure",
        ),
        REFUSED(
            HEAD + rf"{HOST}{BETWEEN}{FROM}(?: temporarily)? rejected (?P<exim__command>[A-Z]+)"
            rf"(?: <(?P<_to>.*?)>|[^:]*)?: {WHY}"
        ),
        REFUSED(
            HEAD + rf"{HOST}{BETWEEN}{FROM}(?: temporarily)? rejected (?P<exim__command>connection) [^:]*(?:: {WHY})?"
        ),
        REFUSED(HEAD + rf"{HOST}{BETWEEN}{FROM} (?:temporarily )?rejected {WHY}"),
        REFUSED(HEAD + rf"{HOST}{BETWEEN} (?P<event__reason>sender verify (?:fail|defer) for <(?P<_from>.*?)>: .*)"),
        MAIL(
            HEAD + rf"<= (?P<_from>[^ ]+) {HOST}{BETWEEN}{LOGIN}{SIZE}",
            action="mail-receive",
            outcome="success",
        ),
        MAIL(
            HEAD + rf"<= (?P<_from>[^ ]+) U=(?P<user__name>[^ ]+) P=(?P<exim__protocol>[^ ]+){SIZE}",
            action="mail-receive",
            outcome="success",
        ),
        MAIL(
            HEAD + r"[=-]> (?P<_to>[^ ]+)(?: <.*?>)?(?: F=<.*?>)? R=(?P<exim__router>[^ ]+) "
            r"T=(?P<exim__transport>[^ ]+)(?:.* H=(?P<destination__domain>[^ ]+) "
            r"\[(?P<destination__address>[0-9A-Fa-f.:]+)\](?::(?P<destination__port>[0-9]+))?)?.*",
            action="mail-delivery",
            outcome="success",
        ),
        MAIL(
            HEAD + rf"\*\* (?P<_to>[^ ]+)(?: <.*?>)?(?: F=<.*?>)?(?: R=[^ ]+)?(?: T=[^ ]+)?.*?: {WHY}",
            action="mail-delivery",
            outcome="failure",
        ),
        MAIL(
            HEAD + rf"== (?P<_to>[^ ]+)(?: <.*?>)? R=[^ ]+(?: T=[^ ]+)? defer \([^)]*\)(?:.*?: {WHY})?",
            action="mail-delivery",
            outcome="failure",
        ),
        MAIL(HEAD + r"(?P<event__reason>Completed)(?: .*)?", action="mail-remove"),
        PROBE(
            HEAD
            + r"(?:SMTP )?(?P<event__reason>protocol synchronization error|protocol error|syntax error|call dropped|"
            r"command timeout|connection (?:lost|reset)|unexpected disconnection[a-z ]*|TLS error on connection)"
            rf"(?: \([^)]*\))?(?:: [a-z ]*)?(?: from)? (?:H=)?{CLIENT}.*"
        ),
    ),
    finish=finish,
)
