r"""postgresql: the server log of PostgreSQL, as text and as CSV -> ECS database fields.

In:   `2026-03-05 08:15:02.113 +07 [71] an@portal FATAL:  ...` with the usual forms of `log_line_prefix`; behind a
      syslog header also `[3-1] ...`; lines of `csvlog`
Out:  `log.level`, `process.pid`, `user.name`, `source.*`, `event.outcome`; `postgresql.log.*`; `message`
      without the prefix
Docs: PostgreSQL manual, "Error Reporting and Logging": log_line_prefix, csvlog; pgAudit
"""

from __future__ import annotations

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.formats import zone_names
from ingest.lines import Context, Line, Parser
from ingest.vendors.postgres_messages import told

STAMP = (
    r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)"
    r" (?P<event__timezone>[A-Za-z/_]{1,24}|[+-][0-9]{2}(?::?[0-9]{2})?)"
)
PID = r"\[(?P<process__pid>[0-9]+)(?:-(?P<postgresql__log__session_line_number>[0-9a-f]+))?\]"
HOST = r"(?:\[local\]|(?P<source__address>[0-9A-Za-z_.:-]+?)(?:\((?P<source__port>[0-9]+)\))?)"
# `[unknown]` is the name of a client that has not said it yet.
WHO = r"\[?(?P<user__name>[^\[\]@ ]*)\]?@\[?(?P<postgresql__log__database>[^\[\]@ ]*)\]?"
PAIRS = (
    r"\[?(?:user=(?:\[unknown\]|(?P<user__name>[^,\]]*)),? ?)"
    r"(?:db=(?:\[unknown\]|(?P<postgresql__log__database>[^,\]]*)))?"
    r"(?:,? ?app=(?:\[unknown\]|(?P<postgresql__log__application_name>[^,\]]*)))?"
    rf"(?:,? ?(?:client|host)={HOST})?\]?"
)
LEVEL = (
    r"(?P<log__level>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC"
    r"|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):"
)
TEXT_PART = rf"{LEVEL} +(?:(?P<postgresql__log__sql_state_code>[0-9A-Z]{{4}}[0-9]|HV[0-9A-Z]{{3}}): )?(?P<message>.*)"
SYSLOG_COUNT = r"(?:\[[0-9]+(?:-[0-9]+)?\] )?"


def cell(name: str) -> str:
    """A field of a CSV line; quotes inside stand doubled."""
    return rf'(?:"(?P<{name}>(?:[^"]|"")*)"|[^",]*)'


CSV = (
    STAMP + "," + cell("user__name") + "," + cell("postgresql__log__database") + r",(?P<process__pid>[0-9]+),"
    r'"?(?:\[local\]|(?P<source__address>[^",]+?)(?::(?P<source__port>[0-9]+))?)?"?,'
    r"(?P<postgresql__log__session_id>[0-9a-f.]+),(?P<postgresql__log__session_line_number>[0-9]+),"
    + cell("postgresql__log__command_tag")
    + r",[^,]*,[^,]*,(?P<postgresql__log__transaction_id>[0-9]*),(?P<log__level>[A-Z]+[1-5]?),"
    + r"(?P<postgresql__log__sql_state_code>[0-9A-Z]{5})," + cell("message") + ","
    + cell("postgresql__log__detail") + "," + cell("postgresql__log__hint") + ".*"
)  # fmt: skip


def finish(columns: Columns, context: Context) -> Columns:
    quoted = columns["postgresql.log.session_id"].is_valid()
    message = columns["message"]
    message = pc.if_else(quoted, pc.replace_substring(message, '""', '"'), message)
    return {
        **told(message, columns, context),
        "message": message,
        "postgresql.log.timestamp": pc.binary_join_element_wise(columns["_stamp"], columns["event.timezone"], " "),
        "@timestamp": zone_names.utc(columns["_stamp"], columns["event.timezone"], context.zone),
    }


PARSER = Parser(
    module="postgresql",
    dataset="postgresql.log",
    programs=("postgres", "postgresql", "postmaster"),
    signature=(
        r"(?:[0-9A-Za-z_.:-]+ )?[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})? "
        r"(?:[A-Za-z/_]{1,24}|[+-][0-9]{2}(?::?[0-9]{2})?)(?: \[[0-9]+|:|,)"
    ),
    lines=(
        Line(rf"{SYSLOG_COUNT}{STAMP} {PID}:? {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{STAMP} {PID} {WHO} {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{STAMP} {PID}:? (?:\[[0-9]+(?:-[0-9]+)?\] )?{PAIRS} {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{STAMP} {PID} {HOST} {WHO} {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{STAMP} {PID} {WHO} {HOST} {TEXT_PART}"),
        Line(rf"{STAMP}:{HOST}:{WHO}:{PID}:{TEXT_PART}"),
        Line(rf"{STAMP}::@:{PID}:{TEXT_PART}"),
        Line(rf"{HOST} {STAMP} {PID} (?:{WHO} )?{TEXT_PART}"),
        Line(CSV),
        Line(rf"{SYSLOG_COUNT}{PAIRS} {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{WHO} {TEXT_PART}"),
        Line(rf"{SYSLOG_COUNT}{TEXT_PART}"),
    ),
    finish=finish,
)
