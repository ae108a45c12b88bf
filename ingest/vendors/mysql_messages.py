r"""mysql_messages: what MySQL and MariaDB say in their error log, whatever stands in front of it.

In:   `Access denied for user 'an'@'198.51.100.7' (using password: YES)`, `Aborted connection 5 to db: ...`
Out:  `event.action`, `event.outcome`, `user.name`, `source.address`, `mysql.*`
Docs: MySQL reference manual, "Server Error Message Reference"; MariaDB, "Error Log"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import inner
from ingest.lines import Context, Line, Parser

# A client chooses its name, quotes too; its host is what the server made of its address.
ACCOUNT = r"'(?P<user__name>.*)'@'(?P<source__address>[^']*)'"

LOGIN = partial(Line, action="database-login", category=("database", "authentication"), type=("start",))
CLOSED = partial(Line, action="database-disconnect", category=("database", "session"), type=("end",))

MESSAGES = Parser(
    module="mysql",
    dataset="mysql.error",
    lines=(
        LOGIN(
            rf"Access denied for user {ACCOUNT} "
            r"(?:\(using password: (?:YES|NO)\)|to database '(?P<mysql__database>[^']*)').*",
            outcome="failure",
        ),
        LOGIN(
            r"Host '(?P<source__address>[^']*)' is (?:not allowed to connect to this|blocked because of many).*",
            outcome="failure",
        ),
        LOGIN(
            r"IP address '(?P<source__address>[^']*)' could not be resolved.*",
            action="database-connect",
            type=("info",),
        ),
        CLOSED(
            r"Aborted connection (?P<mysql__thread_id>[0-9]+) to db: '(?P<mysql__database>[^']*)' "
            r"user: '(?P<user__name>.*)' host: '(?P<source__address>[^']*)' \((?P<event__reason>.*)\)\.?",
            outcome="failure",
        ),
    ),
)


# MySQL 5.7 and later in UTC or with an offset; MariaDB and older servers in local time, the hour padded with a blank.
STAMP = (
    r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    r"|(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{6,8}) [ 0-9][0-9]:[0-9]{2}:[0-9]{2})"
)


def utc(written: pa.Array, context: Context) -> pa.Array:
    """Of a STAMP; a day without dashes has two or four digits for its year."""
    padded = pc.replace_substring_regex(written, r"^([0-9-]+)  ?([0-9]):", r"\1 0\2:")
    short = pc.replace_substring_regex(padded, r"^([0-9]{2})([0-9]{2})([0-9]{2}) ", r"20\1-\2-\3 ")
    long = pc.replace_substring_regex(short, r"^([0-9]{4})([0-9]{2})([0-9]{2}) ", r"\1-\2-\3 ")
    return stamps.iso(long, context.zone)


def told(columns: Columns, context: Context) -> Columns:
    """The fields of each row's `message`, and category and type by its level."""
    rows = len(columns["message"])
    found = inner.columns_of(columns["message"], MESSAGES, context)
    nothing, nothings = pa.nulls(rows, TEXT), pa.nulls(rows, TEXTS)
    failed = pc.equal(pc.utf8_lower(columns["log.level"]), "error").fill_null(False)
    plain = pa.array([["info"], ["info", "error"]], TEXTS).take(failed.cast(pa.int8()))
    return {
        **found,
        "mysql.thread_id": pc.coalesce(columns["mysql.thread_id"], found.get("mysql.thread_id", nothing)),
        "event.category": pc.coalesce(found.get("event.category", nothings), pa.array([["database"]] * rows, TEXTS)),
        "event.type": pc.coalesce(found.get("event.type", nothings), plain),
        "event.outcome": pc.coalesce(found.get("event.outcome", nothing), pc.if_else(failed, "failure", nothing)),
    }
