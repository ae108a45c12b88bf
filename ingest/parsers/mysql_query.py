r"""mysql_query: the general and the slow query log of MySQL, MariaDB and Percona Server.

In:   `2026-03-05T08:15:02.113522Z	   12 Connect	an@198.51.100.7 on portal`; the lines of the slow log that begin
      with `#`, one by one or joined to one
Out:  `event.action`, `user.name`, `source.*`, `event.duration`, `event.outcome`; `mysql.thread_id`, `mysql.slowlog.*`
Docs: MySQL reference manual, "The General Query Log", "The Slow Query Log"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import LONG, Columns
from ingest.formats import epochs
from ingest.lines import Context, Line, Parser
from ingest.vendors.mysql_messages import STAMP, utc

HEAD = rf"{STAMP}[\t ]+(?P<mysql__thread_id>[0-9]+) "
COMMAND = (
    r"(?P<mysql__general__command>Quit|Query|Init DB|Field List|Create DB|Drop DB|Refresh|Shutdown|Statistics|"
    r"Processlist|Kill|Debug|Ping|Change user|Binlog Dump|Prepare|Execute|Close stmt|Reset stmt|Fetch|Set option|"
    r"Daemon|Register Slave)"
)
# The name is the client's; what follows it is the server's.
WHO = (
    r"(?P<user__name>[^\t]*?)@(?P<source__address>[^ \t]*) (?:as [^\t]*? )?on"
    r"(?: (?P<mysql__database>[^ ]*?))?(?: using .*)?"
)
DENIED = r"Access denied for user '(?P<user__name>.*)'@'(?P<source__address>[^']*)'.*"
TIME = r"(?:# Time: (?P<_stamp>[0-9TZ:. +-]+)\n)?"
USER = (
    r"# User@Host: (?P<user__name>[^\n]*?)(?:\[(?P<mysql__slowlog__current_user>[^\]\n]*)\])? @ "
    r"(?P<source__domain>[^ \[\n]+)? ?\[(?P<source__address>[0-9A-Fa-f.:]*)\](?:\s+Id: +(?P<mysql__thread_id>[0-9]+))?"
)
TIMES = (
    r"# Query_time: (?P<_seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)\s+"
    r"Lock_time: (?P<mysql__slowlog__lock_time__sec>[0-9.]+)\s+Rows_sent: (?P<mysql__slowlog__rows_sent>[0-9]+)\s+"
    r"Rows_examined: (?P<mysql__slowlog__rows_examined>[0-9]+)[^\n]*"
)
QUERY = (
    r"(?:\n#[^\n]*)*\n(?:use (?P<mysql__database>[^;\n]+);\n)?(?:SET timestamp=(?P<_epoch>[0-9.]+);\n)?"
    r"(?P<mysql__slowlog__query>.*)"
)


def general(pattern: str, action: str, outcome: str | None = None) -> Line:
    login = action == "database-login"
    category = ("database", "authentication") if login else ("database",)
    return Line(
        HEAD + pattern, action=action, category=category, type=("start" if login else "access",), outcome=outcome
    )


def slow(pattern: str) -> Line:
    return Line(pattern, action="slow-query", category=("database",), type=("info",))


def finish(columns: Columns, context: Context) -> Columns:
    seconds = columns["_seconds"].cast(pa.float64())
    slowly = pc.equal(columns["event.action"], "slow-query")
    return {
        "@timestamp": pc.coalesce(epochs.seconds(columns["_epoch"]), utc(columns["_stamp"], context)),
        "event.dataset": pc.if_else(slowly, "mysql.slowlog", "mysql.general"),
        "event.duration": pc.round(pc.multiply(seconds, 1e9)).cast(LONG),
    }


PARSER = Parser(
    module="mysql",
    dataset="mysql.general",
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
        r"|[0-9]{6} [ 0-9][0-9]:[0-9:]{5})"
        r"[\t ]+[0-9]+ [A-Z][a-z]+|# (?:User@Host|Time|Query_time|Thread_id): "
    ),
    lines=(
        general(rf"Connect[\t ]+{DENIED}", "database-login", "failure"),
        general(rf"Connect[\t ]+{WHO}", "database-login", "success"),
        general(rf"{COMMAND}(?:[\t ]+(?P<mysql__general__query>.*))?", "database-query"),
        slow(rf"{TIME}{USER}[^\n]*(?:\n# Schema:[^\n]*)?(?:\n# Thread_id:[^\n]*)?(?:\n{TIMES}{QUERY})?"),
        slow(TIMES),
        slow(r"# Time: (?P<_stamp>[0-9TZ:. +-]+)"),
        slow(r"# Thread_id: (?P<mysql__thread_id>[0-9]+) .*"),
    ),
    finish=finish,
)
