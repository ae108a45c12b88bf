r"""cpanel: the access and log-in logs of cPanel and WHM -> http, url and authentication fields.

In:   `198.51.100.7 - an [03/05/2026:08:15:02 -0000] "GET /a HTTP/1.1" 200 0 "-" "curl/8" "s" "-" 2083` (the month in
      front); `[2026-03-05 08:15:02 +0700] info [cpaneld] 198.51.100.7 - an "POST /login/ HTTP/1.1" FAILED LOGIN ...`
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `event.outcome`; `cpanel.service`
Docs: cPanel & WHM documentation, "The cPanel Log Files"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

QUOTED = r'(?:[^"\\]|\\.)*'
CLIENT = r"(?P<source__address>[^ ]+) [^ ]+ (?:-|(?P<user__name>[^\[\"]+)) "
REQUEST = (
    rf'"(?P<http__request__method>[A-Z]{{3,16}}) (?P<url__original>{QUOTED}?)'
    r'(?: HTTP/(?P<http__version>[0-9.]{1,5}))?" '
)
ACCESS = (
    CLIENT + r"\[(?P<_stamp>[0-9]{2}/[0-9]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4})\] " + REQUEST
    + r"(?P<http__response__status_code>[0-9]{3}) (?:-|(?P<http__response__body__bytes>[0-9]+)) "
    rf'"(?:-|(?P<http__request__referrer>{QUOTED}))" "(?:-|(?P<user_agent__original>{QUOTED}))".*'
)  # fmt: skip
LOGIN = (
    r"\[(?P<_iso>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4})\] (?P<log__level>[a-z]+) "
    r"\[(?P<cpanel__service>[a-z]+)\] "
    + CLIENT
    + REQUEST
    + r"(?P<event__reason>(?P<_verdict>FAILED|SUCCESS|DEFERRED) LOGIN .*)"
)


def finish(columns: Columns, context: Context) -> Columns:
    web = web_requests.complete(columns)
    access = columns["_stamp"].is_valid()
    iso = pc.replace_substring_regex(columns["_stamp"], r"^(\d+)/(\d+)/(\d+):(.*)$", r"\3-\1-\2 \4")
    succeeded = pc.if_else(pc.equal(columns["_verdict"], "SUCCESS"), "success", "failure")
    return web | {
        "@timestamp": stamps.iso(pc.coalesce(iso, columns["_iso"]), context.zone),
        "event.action": pc.if_else(access, web["event.action"], "login"),
        "event.category": pc.if_else(access, web["event.category"], pa.scalar(["authentication"], TEXTS)),
        "event.type": pc.if_else(access, web["event.type"], pa.scalar(["start"], TEXTS)),
        "event.outcome": pc.if_else(access, web["event.outcome"], succeeded),
        "network.protocol": pa.repeat(pa.scalar("http", TEXT), len(access)),
    }


PARSER = Parser(
    module="cpanel",
    dataset="cpanel.access",
    programs=("cpaneld", "whostmgrd", "webmaild"),
    signature=(
        r"(?:[^ ]+ [^ ]+ [^\[]+ \[[0-9]{2}/[0-9]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}\] "
        r"|\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4}\] [a-z]+ \[(?:cpaneld|whostmgrd|webmaild)\] )"
    ),
    lines=(Line(ACCESS), Line(LOGIN)),
    finish=finish,
)
