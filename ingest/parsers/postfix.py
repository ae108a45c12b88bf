r"""postfix: mail taken, sent, refused, and log-ins to send it.

In:   messages of postfix/smtpd, smtp, qmgr, cleanup, postscreen and their kin
Out:  `source.*`, `user.name` of SASL, `email.*`, `destination.*` of a relay; the rest as `postfix.*`
Docs: postfix src/smtpd/smtpd.c, src/global/log_adhoc.c, src/postscreen; POSTSCREEN_README; SASL_README
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.columns import list_of
from ingest.event import Columns
from ingest.formats.labels import mapped, one_of, when
from ingest.lines import Context, Line, Parser

DAEMONS = (
    *("smtpd", "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "bounce", "qmgr", "cleanup", "pickup"),
    *("postscreen", "dnsblog", "tlsproxy", "anvil", "proxymap", "trivial-rewrite", "scache", "verify", "master"),
    *("postfix-script", "postsuper", "tlsmgr", "showq", "sendmail", "postdrop", "submission", "smtps", "oqmgr"),
)
SERVICES = ("postfix", "postfix/smtps", "postfix/submission", "postfix/submissions", "postfix/relay", "postfix/smtp")

QUEUE = r"(?P<postfix__queue_id>[0-9A-F]{6,16}|[0-9A-Za-z]{10,20}): "
ANY_QUEUE = r"(?:NOQUEUE: |" + QUEUE + ")"
# The name is the client's to choose in its own DNS, the address in brackets is postfix's; a port may follow it.
CLIENT = (
    r"(?:(?P<source__domain>[^ \[\]]+))?\[(?P<source__address>[0-9A-Fa-f.:]+|unknown)\](?::(?P<source__port>[0-9]+))?"
)
ENVELOPE = (
    r"(?: from=<(?P<_from>.*?)>,?)?(?: to=<(?P<_to>.*?)>,?)?(?: proto=(?P<postfix__protocol>[A-Z]+),?)?"
    r"(?: helo=<(?P<postfix__helo>.*)>)?(?: sasl_method=.*)?"
)
REPLY = (
    r"(?:(?P<postfix__reply_code>[245][0-9]{2}) (?:(?P<postfix__dsn>[245]\.[0-9]+\.[0-9]+) )?)?(?P<event__reason>.*?)"
)

MAIL = partial(Line, category=("email",), type=("info",))
REFUSED = partial(Line, action="mail-reject", category=("email",), type=("denied",), outcome="failure")
CONNECTED = partial(Line, action="smtp-connect", category=("network",), type=("connection", "start"))
CLOSED = partial(Line, action="smtp-disconnect", category=("network",), type=("connection", "end"))
PROBE = partial(Line, action="smtp-probe", category=("network",), type=("connection", "info"), outcome="failure")
SASL = partial(Line, action="smtp-login", category=("authentication",), type=("start",))

STATES = {
    "sent": "success",
    "bounced": "failure",
    "expired": "failure",
    "deferred": "failure",
    "undeliverable": "failure",
}


def finish(columns: Columns, context: Context) -> Columns:
    name, relay = columns["source.domain"], columns["destination.domain"]
    return {
        "source.domain": when(pc.invert(one_of(name, "unknown")), name),
        # `none`, `local` or the name of a pipe is no host.
        "destination.domain": when(pc.match_substring(relay, "."), relay),
        "email.from.address": list_of([columns["_from"]]),
        "email.to.address": list_of([columns["_to"]]),
        # Whose mailbox a refused client tried, and in whose name.
        "source.user.name": when(pc.equal(columns["event.action"], "mail-reject"), columns["_from"]),
        "user.target.name": when(pc.equal(columns["postfix.command"], "RCPT"), columns["_to"]),
        "event.outcome": pc.coalesce(mapped(columns["postfix.status"], STATES), columns["event.outcome"]),
    }


PARSER = Parser(
    module="postfix",
    dataset="postfix.log",
    programs=(*(f"{service}/{daemon}" for service in SERVICES for daemon in DAEMONS), "postfix"),
    signature=(
        r"(?:NOQUEUE: |[0-9A-F]{8,12}: (?:client=|from=<|to=<|message-id=|removed|(?:milter-)?reject: ))|"
        r"warning: [^ ]*\[[0-9A-Fa-f.:]+\]: SASL "
    ),
    lines=(
        CONNECTED(rf"connect from {CLIENT}"),
        CLOSED(rf"disconnect from {CLIENT}(?: (?P<postfix__commands>.*))?"),
        CLOSED(rf"(?P<event__reason>(?:lost connection|timeout) after [^ ]+.*?) from {CLIENT}"),
        MAIL(
            QUEUE + r"to=<(?P<_to>.*?)>, (?:orig_to=<.*?>, )?relay=(?:(?P<destination__domain>[^ \[\],]+)"
            r"(?:\[(?P<destination__address>[^\]]*)\](?::(?P<destination__port>[0-9]+))?)?), (?:conn_use=[0-9]+, )?"
            r"delay=(?P<postfix__delay>[0-9.]+),(?: delays=[^ ]+,)?(?: dsn=(?P<postfix__dsn>[0-9.]+),)? "
            r"status=(?P<postfix__status>[a-z]+) \((?P<event__reason>.*)\)",
            action="mail-delivery",
        ),
        MAIL(QUEUE + r"from=<(?P<_from>.*)>, status=(?P<postfix__status>expired), .*", action="mail-delivery"),
        MAIL(
            QUEUE + r"from=<(?P<_from>.*)>, size=(?P<postfix__size>[0-9]+), nrcpt=(?P<postfix__recipients>[0-9]+).*",
            action="mail-queue",
        ),
        SASL(
            QUEUE + rf"client={CLIENT}, (?:.*, )??sasl_method=(?P<postfix__sasl__method>[^,]+), "
            r"sasl_username=(?P<user__name>.*?)(?:, sasl_sender=.*)?",
            category=("authentication", "email"),
            outcome="success",
        ),
        MAIL(QUEUE + rf"client={CLIENT}(?:, .*)?", action="mail-receive"),
        SASL(
            rf"warning: {CLIENT}: SASL (?P<postfix__sasl__method>[^ ]+) authentication (?:failed|failure|aborted): ?"
            r"(?P<event__reason>.*?)(?:, sasl_username=(?P<user__name>.*))?",
            outcome="failure",
        ),
        SASL(r"warning: SASL authentication failure: (?P<event__reason>.*)", outcome="failure"),
        REFUSED(
            ANY_QUEUE
            + rf"(?:milter-)?reject(?:_warning)?: (?P<postfix__command>[A-Z-]+) from {CLIENT}: {REPLY};{ENVELOPE}",
        ),
        REFUSED(
            ANY_QUEUE + rf"(?:milter-)?reject(?:_warning)?: (?P<postfix__command>[A-Z-]+) from {CLIENT}: {REPLY}",
        ),
        MAIL(
            ANY_QUEUE + rf"(?P<postfix__verdict>hold|discard|filter|redirect|prepend|warn|replace|info): "
            rf"(?P<postfix__command>[A-Za-z-]+).* from {CLIENT}[;:] ?(?P<event__reason>.*?);?{ENVELOPE}",
            action="mail-rule",
        ),
        REFUSED(
            QUEUE + rf"(?:reject|warning): (?P<postfix__command>header|body|mime-header) (?P<event__reason>.*) "
            rf"from {CLIENT};{ENVELOPE}(?:: .*)?"
        ),
        MAIL(QUEUE + r"(?:resent-)?message-id=<?(?P<email__message_id>.*?)>?", action="mail-receive"),
        MAIL(QUEUE + r"removed", action="mail-remove"),
        MAIL(QUEUE + r"uid=(?P<user__id>[0-9]+) from=<(?P<_from>.*)>.*", action="mail-submit"),
        MAIL(
            QUEUE + r"(?P<event__reason>(?:sender|postmaster) (?:non-)?deliver[a-z]* (?:status )?notification): .*",
            action="mail-bounce",
        ),
        PROBE(rf"warning: (?P<event__reason>non-SMTP command) from {CLIENT}: (?P<postfix__text>.*)"),
        PROBE(rf"(?:warning: )?(?P<event__reason>too many errors after [^ ]+(?: \([0-9]+ bytes\))?) from {CLIENT}"),
        PROBE(rf"(?P<event__reason>improper command pipelining after [^ ]+) from {CLIENT}(?:: .*)?"),
        PROBE(
            rf"warning: (?P<event__reason>(?:[A-Z][a-z ]+) (?:rate|concurrency) limit exceeded): [0-9]+ from {CLIENT}.*"
        ),
        PROBE(rf"SSL_accept error from {CLIENT}: (?P<event__reason>.*)"),
        PROBE(
            r"warning: hostname (?P<source__domain>[^ ]+) (?P<event__reason>does not resolve to address) "
            r"(?P<source__address>[0-9A-Fa-f.:]+)(?:: .*)?"
        ),
        PROBE(rf"warning: (?P<event__reason>Illegal address syntax|Unable to look up [A-Z]+ host) from {CLIENT}.*"),
        Line(
            rf"(?:Anonymous|Untrusted|Trusted|Verified) TLS connection established (?:from|to) {CLIENT}: "
            r"(?P<tls__version>[^ ]+) with cipher (?P<tls__cipher>[^ ]+) .*",
            action="smtp-tls",
            category=("network",),
            type=("connection", "info"),
            outcome="success",
        ),
        # postscreen
        CONNECTED(
            rf"CONNECT from {CLIENT} to \[(?P<destination__address>[0-9A-Fa-f.:]+)\]:(?P<destination__port>[0-9]+)"
        ),
        CLOSED(rf"DISCONNECT {CLIENT}"),
        PROBE(
            rf"(?P<event__reason>PREGREET [0-9]+|HANGUP) after [0-9.]+ from {CLIENT}"
            r"(?:: (?P<postfix__text>.*)| in tests .*)"
        ),
        PROBE(rf"(?P<event__reason>DNSBL rank [0-9]+) for {CLIENT}"),
        PROBE(
            r"(?P<event__reason>BARE NEWLINE|NON-SMTP COMMAND|COMMAND (?:PIPELINING|[A-Z]+ LIMIT)) from "
            rf"{CLIENT}.*"
        ),
        PROBE(rf"(?P<event__reason>(?:BLACK|DENY)LISTED) {CLIENT}"),
        Line(
            rf"(?P<event__reason>PASS (?:OLD|NEW)|(?:WHITE|ALLOW)LISTED) {CLIENT}",
            action="smtp-pass",
            category=("network",),
            type=("connection", "allowed"),
            outcome="success",
        ),
        Line(
            r"addr (?P<source__address>[0-9A-Fa-f.:]+) (?P<event__reason>listed by domain .*)",
            action="smtp-listed",
            category=("network",),
            type=("info",),
        ),
        Line(
            r"statistics: (?P<event__reason>max connection (?:rate|count) [^ ]+) for "
            r"\([^:]*:(?P<source__address>[0-9A-Fa-f.:]+)\) at .*",
            action="smtp-statistics",
            category=("network",),
            type=("info",),
        ),
    ),
    finish=finish,
)
