r"""laravel: the log of PHP applications that write by Monolog (Laravel: BookStack, Firefly III and others).

In:   `[2026-03-05 08:15:02] production.WARNING: message {"context":1} []`, the level behind the name of the channel
Out:  `log.level`, `log.logger`; of Firefly III's audit `user.name`, `source.*`, `url.*`, `http.request.method`;
      `message` without the prefix
Docs: Monolog, LineFormatter; Laravel, "Logging"; Firefly III, AuditProcessor

What any other application says is its own words: where they are of a client, plain_text.py reads them.
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser

HEAD = (
    r"\[(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)\] "
    r"(?P<log__logger>[A-Za-z0-9_-]+)\.(?P<log__level>DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY): "
)
# Firefly III's audit writes who, whence and for what page behind every message.
WHENCE = (
    r" \((?P<source__address>[0-9A-Fa-f.:]+)(?: \((?P<_account>[^()]*)\))? -> "
    r"(?P<http__request__method>[A-Z]+):(?P<url__original>[^ ]*)\).*"
)
AUDIT = HEAD + r"AUDIT: "
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    return {
        **urls.split(columns["url.original"]),
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "user.name": pc.coalesce(columns["user.name"], columns["_account"]),
        "event.category": columns["event.category"].cast(TEXTS),
        "event.type": columns["event.type"].cast(TEXTS),
    }


PARSER = Parser(
    module="laravel",
    dataset="laravel.log",
    generic=True,
    signature=(
        r"\[[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?\] "
        r"[A-Za-z0-9_-]+\.(?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY): "
    ),
    lines=(
        FAILED(AUDIT + rf'(?P<message>Login failed\. Attempt for user "(?P<user__name>.*)" failed\.){WHENCE}'),
        FAILED(AUDIT + rf"(?P<message>MFA failure count is set to [0-9]+\.){WHENCE}", action="mfa"),
        FAILED(
            AUDIT + rf'(?P<message>User is trying to login using "(?P<user__name>.*)"\.?){WHENCE}',
            action="login-attempt",
            type=("info",),
            outcome=None,
        ),
        Line(AUDIT + rf"(?P<message>.*){WHENCE}", action="audit", category=("web",), type=("info",)),
        Line(HEAD + r"(?P<message>.*)"),
    ),
    finish=finish,
)
