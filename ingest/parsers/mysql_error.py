r"""mysql_error: the error log of MySQL, MariaDB and Percona Server -> ECS database fields.

In:   `2026-03-05T08:15:02.113522Z 0 [Warning] [MY-010055] [Server] ...`; without code before 8.0, without thread before
      5.7 and in MariaDB; without a stamp when the server writes to syslog
Out:  `log.level`, `event.code`, `user.name`, `source.*`, `event.outcome`; `mysql.thread_id`; `message` without the
      prefix
Docs: MySQL reference manual, "The Error Log"; MariaDB, "Error Log"
"""

from __future__ import annotations

from ingest.event import Columns
from ingest.lines import Context, Line, Parser
from ingest.vendors.mysql_messages import STAMP, told, utc

CODE = r"(?:\[(?P<event__code>MY-[0-9]{6}|ER_[A-Z_]+)\] \[(?P<event__provider>[A-Za-z0-9_]+)\] )?"
LEVEL = r"\[(?P<log__level>System|Note|Warning|Error|ERROR|Warn|Info)\] +"
THREAD = r"(?P<mysql__thread_id>[0-9]+) +"


def finish(columns: Columns, context: Context) -> Columns:
    return {**told(columns, context), "@timestamp": utc(columns["_stamp"], context)}


PARSER = Parser(
    module="mysql",
    dataset="mysql.error",
    programs=("mysqld", "mariadbd", "mysql", "mysqld_safe", "mariadbd-safe"),
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
        r"|(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{6}) [ 0-9][0-9]:[0-9]{2}:[0-9]{2})"
        r"(?: +[0-9]+)? (?:\[(?:System|Note|Warning|E|I|Warn)|mysqld|mariadbd|InnoDB)"
    ),
    lines=(
        Line(rf"{STAMP} +{THREAD}{LEVEL}{CODE}(?P<message>.*)"),
        Line(rf"{STAMP} +{LEVEL}{CODE}(?P<message>.*)"),
        Line(rf"{STAMP} +(?P<message>(?:mysqld|mariadbd|InnoDB).*)"),
        Line(rf"{LEVEL}{CODE}(?P<message>.*)"),
    ),
    finish=finish,
)
