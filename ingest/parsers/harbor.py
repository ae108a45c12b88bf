r"""harbor: the log of Harbor, the registry of container images.

In:   `2026-03-05T01:15:02Z [ERROR] [/server/middleware/security/basic_auth.go:72][client IP="..."]: ...`
Out:  `log.level`, `log.logger` (file of the source), `source.ip`, `user.name`, `user_agent.original`,
      `http.request.id`; `message` without the prefix
Docs: Harbor, src/lib/log and src/server/middleware/security
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats.labels import one_of
from ingest.lines import Context, Line, Parser

QUOTED = r'(?:[^"\\]|\\.)*'
HEAD = (
    r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:Z|[+-][0-9]{2}:?[0-9]{2})) "
    r"\[(?P<log__level>DEBUG|INFO|WARNING|ERROR|FATAL)\] \[(?P<log__logger>/?[^\]:]+\.go):[0-9]+\]"
    # Of a list of forwarders the first is the client, as far as the proxies are Harbor's own.
    rf'(?:\[(?:client IP="(?P<source__address>[^", ]*){QUOTED}" ?)?(?:requestID="(?P<http__request__id>[^"]*)" ?)?'
    rf'(?:user agent="(?P<user_agent__original>{QUOTED})")?[^\]]*\])?: '
)
LOGIN = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    severe = one_of(columns["log.level"], "ERROR", "FATAL")
    plain = pa.array([["info"], ["error"]], TEXTS).take(pc.if_else(severe, 1, 0))
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.type": pc.coalesce(columns["event.type"].cast(TEXTS), plain),
    }


PARSER = Parser(
    module="harbor",
    dataset="harbor.log",
    signature=(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:Z|[+-][0-9]{2}:?[0-9]{2}) "
        r"\[(?:DEBUG|INFO|WARNING|ERROR|FATAL)\] \[/?[^\]:]+\.go:"
    ),
    lines=(
        LOGIN(HEAD + r"(?P<message>failed to authenticate user:(?P<user__name>.*), error:(?P<event__reason>.*))"),
        LOGIN(
            HEAD + r"(?P<message>(?P<user__name>.*) is (?P<event__reason>locked due to login failure), login failed)"
        ),
        Line(HEAD + r"(?P<message>.*)", action="harbor-note"),
    ),
    finish=finish,
)
