r"""dovecot: log-ins to mailboxes, refused ones too.

In:   messages of dovecot: imap-login, pop3-login, managesieve-login, submission-login, auth, auth-worker, lmtp, imap
Out:  `user.name`, `source.ip`, `destination.ip`, `event.outcome`; the rest as `dovecot.*`
Docs: Dovecot, "Logging"; src/login-common/client-common.c; src/auth/auth-request.c
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

LEVEL = r"(?:(?P<log__level>Info|Warning|Error|Debug|Fatal|Panic): )?"
SERVICE = r"(?P<dovecot__service>(?:imap|pop3|managesieve|submission|sieve)-login): " + LEVEL
# The user name is what the client typed; session and the rest are dovecot's. The last ", rip=" counts.
WHO = (
    r"user=<(?P<user__name>.*)>(?:, method=(?P<dovecot__method>[A-Za-z0-9_-]+))?, rip=(?P<source__address>[^, ]+)"
    r"(?:, lip=(?P<destination__address>[^, ]+))?(?:, rport=(?P<source__port>[0-9]+))?"
    r"(?:, lport=(?P<destination__port>[0-9]+))?(?:, mpid=(?P<dovecot__mpid>[0-9]+))?"
    r"(?P<_rest>(?:, (?:TLS|secured|session=|STARTTLS|SSL|SNI|client_id).*)?)"
)
FAILED_WHY = r"(?P<event__reason>.*?\((?:auth failed|tried to use|client didn't finish|auth process|proxy).*?\)): "
WORKER = (
    r"(?:(?:auth-worker|auth)(?:\([^)]*\))?: )" + LEVEL + r"(?:conn unix:[^ ]* \([^)]*\): )?(?:auth-worker<[0-9]+>: )?"
)
DRIVER = (
    r"(?P<dovecot__driver>[a-z][a-z0-9-]*)\((?P<user__name>.*),(?P<source__address>[0-9A-Fa-f.:]+)"
    r"(?:,(?:<.*>|[a-z]+))*\): "
)
MAILBOX = r"(?P<dovecot__service>imap|pop3|lmtp|lda|managesieve|submission|indexer-worker)"
OWNER = r"\((?P<user__name>[^()<>]*)\)(?:<(?P<process__pid>[0-9]+)>)?(?:<[^>]*>)?: "

LOGIN = partial(Line, action="mailbox-login", category=("authentication",), type=("start",))
FAILED = partial(LOGIN, outcome="failure")
CLOSED = partial(Line, action="mailbox-disconnect", category=("session",), type=("end",))


def finish(columns: Columns, context: Context) -> Columns:
    tls = pc.match_substring_regex(columns["_rest"], "^, (?:TLS|STARTTLS|SSL)")
    return {"dovecot.tls": when(columns["_rest"].is_valid(), pc.if_else(tls, "yes", "no"))}


PARSER = Parser(
    module="dovecot",
    dataset="dovecot.log",
    programs=("dovecot", "imap-login", "pop3-login", "dovecot-auth"),
    signature=r"(?:dovecot: )?(?:imap|pop3|managesieve|submission)-login: ",
    lines=(
        LOGIN(rf"(?:dovecot: )?{SERVICE}Login: {WHO}", category=("authentication", "session"), outcome="success"),
        FAILED(rf"(?:dovecot: )?{SERVICE}(?P<event__reason>Login aborted: .*?): {WHO}"),
        FAILED(rf"(?:dovecot: )?{SERVICE}(?P<event__reason>Maximum number of connections .*?): {WHO}"),
        FAILED(rf"(?:dovecot: )?{SERVICE}{FAILED_WHY}{WHO}"),
        CLOSED(rf"(?:dovecot: )?{SERVICE}(?P<event__reason>(?:Disconnected|Aborted login|Login).*?): {WHO}"),
        FAILED(
            WORKER
            + DRIVER
            + r"(?P<event__reason>unknown user|[Pp]assword mismatch|Empty password|invalid .*?)(?: \(.*)?"
        ),
        FAILED(WORKER + DRIVER + r"(?P<event__reason>pam_authenticate\(\) failed: .*)"),
        FAILED(
            WORKER
            + DRIVER
            + r"(?P<event__reason>.*(?:[Ff]ailed|[Dd]enied|mismatch|expired|disabled|not allowed|unknown user).*)"
        ),
        FAILED(WORKER + r"(?P<event__reason>.*(?:[Aa]uth(?:entication)? fail|password mismatch).*)"),
        CLOSED(
            MAILBOX
            + OWNER
            + LEVEL
            + r"(?P<event__reason>(?:Disconnected|Connection closed|Logged out)[^=]*?)(?: top=.*| in=[0-9]+.*)?",
        ),
        Line(
            r"(?:lmtp|lda)"
            + OWNER
            + r"(?:.*: )?msgid=<?(?P<email__message_id>[^>: ]*)>?: (?P<event__reason>(?:saved mail|stored mail) .*)",
            action="mail-delivery",
            category=("email",),
            type=("info",),
            outcome="success",
        ),
        Line(
            r"(?:lmtp\([^)]*\)|lmtp): "
            + LEVEL
            + r"(?P<event__reason>Connect|Disconnect) from (?P<source__address>[^:]+)(?:: .*)?",
            action="lmtp-connection",
            category=("network",),
            type=("connection",),
        ),
    ),
    finish=finish,
)
