r"""ckan: CKAN, the open-data portal -> log-ins and pages of its application log.

In:   `2026-03-05 08:15:02,113 INFO  [ckan.lib.authenticator] text`, with or without a syslog header
Out:  `user.name`, `url.*`, `event.action`, `log.*`
Docs: CKAN, "Configuration options", logging; ckan/lib/authenticator.py, ckan/config/middleware
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser
from ingest.vendors.event_data import each

HEAD = (
    r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}) (?P<log__level>[A-Z]+) +"
    r"\[(?P<log__logger>(?:ckan|ckanext)[A-Za-z0-9_.]*)\] +"
)
# Five letters of the level's name are written.
LEVELS = {"INFO": "information", "WARNI": "warning", "ERROR": "error", "DEBUG": "debug", "CRITI": "critical"}

FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    target = urls.split(columns["url.original"])
    return {
        **target,
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "log.level": each(columns["log.level"], lambda level: LEVELS.get(level, level.lower())),
        "event.outcome": pc.coalesce(columns["event.outcome"], _answer(columns["http.response.status_code"])),
    }


def _answer(status: pa.Array) -> pa.Array:
    return pc.if_else(pc.greater_equal(status, "400"), "failure", "success")


PARSER = Parser(
    module="ckan",
    dataset="ckan.log",
    programs=("ckan", "ckan-uwsgi"),
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} [A-Z]+ +\[ckan",
    lines=(
        FAILED(HEAD + r"Login as '(?P<user__name>.*)' failed - (?P<event__reason>.*)"),
        FAILED(HEAD + r"Login as u'(?P<user__name>.*)' failed - (?P<event__reason>.*)"),
        Line(
            HEAD + r"(?P<http__response__status_code>[0-9]{3}) (?P<url__original>/.*) render time [0-9.]+ seconds",
            action="http-request",
            category=("web",),
            type=("access",),
        ),
        Line(
            HEAD + r"(?P<url__original>/.*) render time [0-9.]+ seconds",
            action="http-request",
            category=("web",),
            type=("access",),
        ),
        Line(HEAD + r".*"),
    ),
    finish=finish,
)
