r"""mssql: the error log of Microsoft SQL Server -> ECS database fields.

In:   `2026-03-05 08:15:02.11 Logon       Login failed for user 'sa'. Reason: ... [CLIENT: 198.51.100.7]`
Out:  `user.name`, `source.address`, `event.outcome`; `mssql.log.origin`, `message` without the prefix
Docs: Microsoft, "View the SQL Server error log", "MSSQLSERVER_18456", "Configure login auditing"
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{2,3}) (?P<mssql__log__origin>[A-Za-z][A-Za-z0-9]*) +"
# A client chooses its name; the address in brackets is the server's and ends the line.
CLIENT = r"\[CLIENT: (?:<local machine>|<named pipe>|(?P<source__address>[^\]]*))\]"
LOGIN = partial(Line, action="database-login", category=("database", "authentication"), type=("start",))
NOTE = partial(Line, category=("database",), type=("info",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone), "event.timezone": context.zone}


PARSER = Parser(
    module="mssql",
    dataset="mssql.log",
    programs=("sqlservr", "mssql", "mssqlserver"),
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{2,3} (?:spid[0-9]+s?|Logon|Server|Backup)[ \t]+",
    lines=(
        LOGIN(
            HEAD
            + r"(?P<message>Login failed for user '(?P<user__name>.*)'\. *(?:Reason: (?P<event__reason>.*?))? *"
            + rf"{CLIENT})",
            outcome="failure",
        ),
        LOGIN(HEAD + rf"(?P<message>Login failed\. *(?P<event__reason>.*?) *{CLIENT})", outcome="failure"),
        LOGIN(HEAD + rf"(?P<message>Login succeeded for user '(?P<user__name>.*)'\..* {CLIENT})", outcome="success"),
        NOTE(
            HEAD + r"(?P<message>Error: (?P<event__code>[0-9]+), Severity: (?P<mssql__log__severity>[0-9]+), "
            r"State: (?P<mssql__log__state>[0-9]+)\..*)",
            action="database-error",
            type=("error",),
        ),
        NOTE(
            HEAD + r"(?P<message>Configuration option '(?P<mssql__log__option>[^']*)' changed from .* to .*\..*)",
            action="configuration-change",
            category=("database", "configuration"),
            type=("change",),
        ),
        NOTE(HEAD + r"(?P<message>.*)"),
    ),
    finish=finish,
)
