r"""mysql_audit: MariaDB's server_audit plugin (also of Percona and Amazon) -> ECS database fields.

In:   `20260305 08:15:02,db01,an,198.51.100.7,12,345,QUERY,portal,'select 1',0`; without the stamp behind a syslog
      header
Out:  `event.action`, `event.outcome`, `user.name`, `source.*`; `mysql.audit.*`
Docs: MariaDB, "MariaDB Audit Plugin - Log Format"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.lines import Context, Line, Parser
from ingest.vendors.mysql_messages import utc

STAMP = r"(?:(?P<_stamp>[0-9]{8} [0-9]{2}:[0-9]{2}:[0-9]{2}),)?"
HEAD = (
    r"(?P<mysql__audit__server_host>[^,]*),(?P<user__name>.*?),(?P<source__address>[^,]*),(?P<mysql__thread_id>[0-9]+),"
    r"(?P<mysql__audit__query_id>[0-9]+),"
)
REST = r",(?P<mysql__database>[^,]*),(?P<mysql__audit__object>.*?),(?P<mysql__audit__return_code>-?[0-9]*)(?:,[^,]*)?"
OPERATIONS = {
    "CONNECT": ("database-login", ("database", "authentication"), ("start",)),
    "FAILED_CONNECT": ("database-login", ("database", "authentication"), ("start",)),
    "DISCONNECT": ("database-disconnect", ("database", "session"), ("end",)),
    "QUERY": ("database-query", ("database",), ("access",)),
    "READ": ("table-read", ("database",), ("access",)),
    "WRITE": ("table-write", ("database",), ("change",)),
    "CREATE": ("table-create", ("database",), ("creation",)),
    "ALTER": ("table-alter", ("database",), ("change",)),
    "RENAME": ("table-rename", ("database",), ("change",)),
    "DROP": ("table-drop", ("database",), ("deletion",)),
}
NAMES = "|".join(OPERATIONS)
OPERATION = rf"(?P<mysql__audit__operation>(?:{NAMES})(?:_[A-Z]+)?)"


def finish(columns: Columns, context: Context) -> Columns:
    operation = pc.replace_substring_regex(columns["mysql.audit.operation"], "^QUERY_.*", "QUERY")
    place = pc.index_in(operation, pa.array(OPERATIONS))
    actions, categories, types = zip(*OPERATIONS.values(), strict=True)
    code = columns["mysql.audit.return_code"]
    return {
        "@timestamp": utc(columns["_stamp"], context),
        "event.action": pa.array(actions).take(place),
        "event.category": pa.array(categories, TEXTS).take(place),
        "event.type": pa.array(types, TEXTS).take(place),
        "event.outcome": pc.if_else(pc.equal(code, "0"), "success", "failure"),
    }


PARSER = Parser(
    module="mysql",
    dataset="mysql.audit",
    programs=("mysql-server_auditing", "mariadb-server_auditing"),
    signature=rf"[0-9]{{8}} [0-9:]{{8}},[^,]*,.*,[0-9]+,[0-9]+,(?:{NAMES})",
    lines=(Line(STAMP + HEAD + OPERATION + REST),),
    finish=finish,
)
