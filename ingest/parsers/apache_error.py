r"""apache_error: the error log of Apache httpd 2.2 and 2.4.

In:   `[Thu Mar 05 08:15:02.113522 2026] [core:error] [pid 71:tid 14] [client 192.0.2.1:5000] AH00037: ...`; without the
      stamp when Apache writes to syslog
Out:  `log.level`, `source.*`, `event.code`, `file.path`; `message` without what stands in brackets
Docs: Apache core, ErrorLogFormat
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.lines import Context, Line, Parser
from ingest.vendors import modsecurity_messages

STAMP = r"(?:\[[A-Z][a-z]{2} (?P<_stamp>[A-Z][a-z]{2} [0-9 ]?[0-9] [0-9:]{8}(?:\.[0-9]+)? [0-9]{4})\] )?"
LEVEL = r"(?P<log__level>emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])"
PROCESS = r"\[pid (?P<process__pid>[0-9]+)(?::tid (?P<process__thread__id>[0-9]+))?\] "
# 2.4 writes the port, so what stands before the last colon is the address, IPv6 too; 2.2 writes none.
# ModSecurity writes the client a second time.
CLIENT_24 = (
    r"(?:\[(?:client|remote) (?P<source__address>[^ \]]+?)(?::(?P<source__port>[0-9]+))?\] (?:\[client [^ \]]+\] )?)?"
)
CLIENT = r"(?:\[client (?P<source__address>[^ \]]+)\] )?"
# `(2)No such file or directory: ` of the operating system, or of a proxied connection.
CAUSE = r"(?:\([0-9]+\)[^\[\]]*: )?"
# Of its messages for finding faults it says in which file and line of its source they are.
PLACE = r"(?:[a-z0-9_]+\.c\([0-9]+\): )?"
# Basic authentication's words, and those of PHP applications (Baikal; BookStack).
USER = (
    r"(?:Got error '(?:PHP message: )?)?(?:user (?P<user__name>.*?)(?: not found|: authentication failure"
    r"|: password mismatch| in realm| authentication failure for ).*|Failed login for (?P<_tried>[^']*?)'?)"
)
REST = (
    rf"(?P<message>(?:(?P<event__code>AH[0-9]{{5}}): )?(?:File does not exist: (?P<file__path>[^,]+)|{USER}|.*?)"
    r"(?:, referer: (?P<http__request__referrer>.*))?)"
)


SEVERE = pa.array(["emerg", "alert", "crit", "error"])


def finish(columns: Columns, context: Context) -> Columns:
    severe = pc.is_in(columns["log.level"], SEVERE)
    user = pc.coalesce(columns["user.name"], columns["_tried"])
    fields = {
        "user.name": user,
        "@timestamp": stamps.bsd(columns["_stamp"], context.received, context.zone),
        "event.timezone": context.zone,
        "event.action": pc.if_else(severe, "http-error", "http-notice"),
        "event.type": pa.array([["info"], ["error"]], TEXTS).take(severe.cast(pa.int8())),
        "event.outcome": pc.if_else(pc.or_(severe, user.is_valid()), pa.scalar("failure"), pa.scalar(None, TEXT)),
        "event.reason": columns["message"],
    }
    return modsecurity_messages.over(dict(columns) | fields, columns["message"], context)


def line(pattern: str) -> Line:
    return Line(pattern, category=("web",))


PARSER = Parser(
    module="apache",
    dataset="apache.error",
    programs=("apache", "apache2", "httpd"),
    signature=r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9 ]?[0-9] [0-9:]{8}(?:\.[0-9]+)? [0-9]{4}\] \[",
    lines=(
        line(
            STAMP + rf"\[(?P<apache__error__module>[a-z0-9_]*):{LEVEL}\] (?:{PROCESS})?"
            + PLACE + CAUSE + CLIENT_24 + REST
        ),
        line(STAMP + rf"\[{LEVEL}\] " + CAUSE + CLIENT + REST),
    ),
    finish=finish,
)  # fmt: skip
