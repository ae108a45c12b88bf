r"""postgres_messages: what PostgreSQL says, whatever stands in front of it.

In:   `password authentication failed for user "an"`, `duration: 9.482 ms  statement: select 1`, `AUDIT: ...`
Out:  `event.action`, `event.outcome`, `user.name`, `source.*`, `postgresql.log.*`
Docs: PostgreSQL sources, postinit.c, auth.c, postmaster.c, postgres.c; pgAudit README, "Format"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import inner
from ingest.lines import Context, Line, Parser

NAME = r'"(?P<user__name>[^"]*)"'
DATABASE = r'"(?P<postgresql__log__database>[^"]*)"'
HOST = r"(?:\[local\]|(?P<source__address>[^ ,\"]+))"
STEP = r"(?P<postgresql__log__query_step>parse|bind|statement|execute fetch from|execute|fastpath function call)"
QUERY = rf"{STEP}(?: <unnamed>| (?P<postgresql__log__query_name>[^ :]+))?: (?P<postgresql__log__query>.*)"

LOGIN = partial(Line, action="database-login", category=("database", "authentication"), type=("start",))
REFUSED = partial(LOGIN, outcome="failure")
SESSION = partial(Line, category=("database", "session"))


def _duration(columns: Columns, context: Context) -> Columns:
    milliseconds = columns["_milliseconds"].cast(pa.float64())
    return {"event.duration": pc.round(pc.multiply(milliseconds, 1e6)).cast(LONG)}


MESSAGES = Parser(
    module="postgresql",
    dataset="postgresql.log",
    lines=(
        REFUSED(rf"(?:[A-Za-z0-9-]+ )*authentication failed for user {NAME}.*"),
        REFUSED(
            r"(?:no pg_hba\.conf entry|pg_hba\.conf rejects connection|pg_hba\.conf rejects replication connection)"
            rf' for (?:replication connection from )?host "{HOST}", user {NAME}(?:, database {DATABASE})?.*'
        ),
        REFUSED(rf"role {NAME} does not exist"),
        REFUSED(rf"role {NAME} is not permitted to log in"),
        REFUSED(rf"permission denied for database {DATABASE}"),
        REFUSED(rf"database {DATABASE} does not exist"),
        REFUSED(r"(?:sorry, too many clients already|too many connections for .*)"),
        LOGIN(
            r"connection authorized: user=(?P<user__name>[^ ]+)(?: database=(?P<postgresql__log__database>[^ ]+))?.*",
            outcome="success",
        ),
        LOGIN(r'connection authenticated: identity="(?P<postgresql__log__identity>[^"]*)" .*', outcome="success"),
        LOGIN(
            r"replication connection authorized: user=(?P<user__name>[^ ]+).*",
            outcome="success",
        ),
        SESSION(
            rf"connection received: host={HOST}(?: port=(?P<source__port>[0-9]+))?",
            action="database-connect",
            type=("connection",),
        ),
        SESSION(
            r"disconnection: session time: [0-9:.]+ user=(?P<user__name>[^ ]+) "
            rf"database=(?P<postgresql__log__database>[^ ]+) host={HOST}(?: port=(?P<source__port>[0-9]+))?",
            action="database-disconnect",
            type=("end",),
        ),
        Line(
            rf"duration: (?P<_milliseconds>[0-9]{{1,12}}(?:\.[0-9]{{1,6}})?) ms(?:  {QUERY})?",
            action="database-query",
            category=("database",),
            type=("access",),
        ),
        Line(QUERY, action="database-query", category=("database",), type=("access",)),
        Line(
            r"AUDIT: (?P<postgresql__log__audit__type>SESSION|OBJECT),(?P<postgresql__log__audit__statement_id>[0-9]+),"
            r"(?P<postgresql__log__audit__substatement_id>[0-9]+),(?P<postgresql__log__audit__class>[A-Z]*),"
            r"(?P<postgresql__log__audit__command>[A-Z ]*),(?P<postgresql__log__audit__object_type>[A-Z ]*),"
            r'"?(?P<postgresql__log__audit__object_name>[^,]*?)"?,(?P<postgresql__log__query>.*?),'
            r"(?:<none>|<not logged>|[^,]*)(?:,[0-9]+)?",
            action="database-audit",
            category=("database",),
            type=("access",),
        ),
    ),
    finish=_duration,
)

ERRORS = pa.array(["ERROR", "FATAL", "PANIC"])
# What the prefix says of the client goes before what the message does.
OF_CLIENT = ("user.name", "source.address", "source.port", "postgresql.log.database")


def told(messages: pa.Array, columns: Columns, context: Context) -> Columns:
    """The fields of a message, beside those `columns` that its prefix gave."""
    found = inner.columns_of(messages, MESSAGES, context)
    nothing = pa.nulls(len(messages), TEXT)
    failed = pc.is_in(columns["log.level"], ERRORS)
    plain = pa.array([["info"], ["info", "error"]], TEXTS).take(failed.cast(pa.int8()))
    category = found.get("event.category", pa.nulls(len(messages), TEXTS))
    return {
        **found,
        **{name: pc.coalesce(columns[name].cast(TEXT), found.get(name, nothing).cast(TEXT)) for name in OF_CLIENT},
        "event.category": pc.coalesce(category, pa.array([["database"]] * len(messages), TEXTS)),
        "event.type": pc.coalesce(found.get("event.type", pa.nulls(len(messages), TEXTS)), plain),
        "event.outcome": pc.coalesce(found.get("event.outcome", nothing), pc.if_else(failed, "failure", nothing)),
    }
