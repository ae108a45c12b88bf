r"""redis: the log of Redis and Valkey -> log and process fields.

In:   `71:M 05 Mar 2026 08:15:02.113 * Ready to accept connections`, and the forms of Redis 2
Out:  `process.pid`, `log.level`, `redis.log.role`; `message` without the prefix
Docs: Redis sources, server.c serverLogRaw()
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.lines import Context, Line, Parser

DATE = r"(?P<_day>[0-9]{1,2}) (?P<_month>[A-Z][a-z]{2}) (?:(?P<_year>[0-9]{4}) )?(?P<_time>[0-9:]{8}(?:\.[0-9]{3})?)"
REST = r" (?P<log__level>[.\-*#]) (?P<message>(?:Accepted (?P<source__address>[^ ]+):(?P<source__port>[0-9]+)|.*))"
LEVELS = {".": "debug", "-": "verbose", "*": "notice", "#": "warning"}
ROLES = {"M": "master", "S": "slave", "C": "child", "X": "sentinel"}


def finish(columns: Columns, context: Context) -> Columns:
    with_year = pc.binary_join_element_wise(columns["_month"], columns["_day"], columns["_year"], columns["_time"], " ")
    without = pc.binary_join_element_wise(columns["_month"], columns["_day"], columns["_time"], " ")
    rows = len(without)
    return {
        "@timestamp": stamps.bsd(pc.coalesce(with_year, without), context.received, context.zone),
        "event.timezone": context.zone,
        "event.category": pa.array([["database"]] * rows, TEXTS),
        "event.type": pa.array([["info"]] * rows, TEXTS),
        "log.level": pa.array(LEVELS.values()).take(pc.index_in(columns["log.level"], pa.array(LEVELS))),
        "redis.log.role": pa.array(ROLES.values()).take(pc.index_in(columns["redis.log.role"], pa.array(ROLES))),
    }


PARSER = Parser(
    module="redis",
    dataset="redis.log",
    programs=("redis", "redis-server", "valkey-server"),
    signature=(
        r"(?:[0-9]+:[MSCX] |\[[0-9]+\] )?[0-9]{1,2} [A-Z][a-z]{2} (?:[0-9]{4} )?"
        r"[0-9:]{8}(?:\.[0-9]{3})? [.\-*#] "
    ),
    lines=(
        Line(r"(?P<process__pid>[0-9]+):(?P<redis__log__role>[MSCX]) " + DATE + REST),
        Line(r"\[(?P<process__pid>[0-9]+)\] " + DATE + REST),
        Line(DATE + REST),
    ),
    finish=finish,
)
