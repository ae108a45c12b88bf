r"""zimbra: log-ins to Zimbra's mailboxes and its administration, and what accounts did.

In:   lines of mailbox.log and audit.log, in their files or by syslog
Out:  `user.name`, `source.ip`, `user_agent.original`, `event.outcome`; the rest as `zimbra.*`
Docs: Zimbra Administrator Guide, "Using log files"; ZimbraLog
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}) )?(?P<log__level>[A-Z]+) +"
    r"\[(?P<_thread>[^\]]*)\] \[(?P<_context>.*?)\] (?P<log__logger>[A-Za-z]+) - "
)
COMMAND = r"cmd=(?P<zimbra__command>[A-Za-z]+); "
ACCOUNT = r"account=(?P<user__name>[^;]*); "
PROTOCOL = r"(?:protocol=(?P<zimbra__protocol>[a-z0-9_]+);)?"
LOGIN = partial(Line, action="mailbox-login", category=("authentication",), type=("start",))
FAILED = partial(LOGIN, outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    told = columns["_context"]
    thread = pc.extract_regex(columns["_thread"], r"^[^:]*:(?P<url>[a-z]+://.*)$").field("url")
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "user.name": pc.coalesce(columns["user.name"], _told(told, "name")),
        # The mailbox server sees the proxy's address in ip, and the client's own in oip.
        "source.address": pc.coalesce(columns["source.address"], _told(told, "oip"), _told(told, "ip")),
        "source.port": pc.coalesce(_told(told, "oport"), _told(told, "port")),
        "user_agent.original": _told(told, "ua"),
        "zimbra.protocol": pc.coalesce(columns["zimbra.protocol"], _told(told, "oproto")),
        "zimbra.via": _told(told, "via"),
        "url.original": when(pc.not_equal(thread, ""), thread),
    }


def _told(context: pa.Array, key: str) -> pa.Array:
    """The first of the key's values: a browser may call itself `x;oip=192.0.2.1`, but its name comes last."""
    parts = pc.extract_regex(context, rf"(?:^|;){key}=(?P<value>[^;]*)")
    return when(pc.not_equal(parts.field("value"), ""), parts.field("value"))


PARSER = Parser(
    module="zimbra",
    dataset="zimbra.log",
    programs=("zimbra", "zmmailboxd", "mailboxd", "zimbramon"),
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} )?(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[[^\]]*\] "
        r"\[(?:[a-zA-Z]+=.*)?\] [A-Za-z]+ - "
    ),
    lines=(
        FAILED(HEAD + rf"{COMMAND}{ACCOUNT}{PROTOCOL} ?(?:.*; )?error=(?P<event__reason>.*?);?"),
        LOGIN(
            HEAD
            + r"cmd=(?P<zimbra__command>Auth|AdminAuth|DelegateAuth|PreAuth|AutoAuth); "
            + ACCOUNT
            + PROTOCOL
            + ".*",
            outcome="success",
        ),
        LOGIN(
            HEAD + r"cmd=(?P<zimbra__command>Logout|EndSession); " + ACCOUNT + PROTOCOL + ".*",
            action="mailbox-logout",
            type=("end",),
            outcome="success",
        ),
        Line(
            HEAD
            + r"cmd=(?P<zimbra__command>(?:Create|Delete|Modify|Rename|Set|Change|Reset)[A-Za-z]+); (?P<_arguments>.*)",
            action="account-change",
            category=("iam",),
            type=("user", "change"),
            outcome="success",
        ),
        FAILED(
            HEAD + r"(?:handler exception: )?(?P<_why>authentication failed for \[(?P<user__name>.*)\], "
            r"(?P<event__reason>.*))"
        ),
        FAILED(HEAD + r"(?:handler exception: )?(?P<event__reason>.*authentication failed.*)"),
        Line(
            HEAD + r"Adding Message: id=(?P<zimbra__message>[0-9]+), Message-ID=<?(?P<email__message_id>[^,>]*)>?, .*",
            action="mail-delivery",
            category=("email",),
            type=("info",),
            outcome="success",
        ),
        Line(HEAD + r"(?P<event__reason>.*)", action="mailbox-note", category=("email",), type=("info",)),
    ),
    finish=finish,
)
