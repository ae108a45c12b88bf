r"""zoraxy: the log of the Zoraxy reverse proxy -> http and url fields.

In:   `[2026-03-05 08:15:02.113522] [router:host-http] [origin:dvc.example.org] [client: 198.51.100.7]
      [useragent: curl/8] GET /a 404`, with a second stamp in front or not
Out:  `source.*`, `url.*`, `http.*`, `user_agent.original`; `zoraxy.router`
Docs: Zoraxy sources, mod/info/logger/trafficlog.go
"""

from __future__ import annotations

from ingest import stamps
from ingest.event import Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

STAMP = r"(?:[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} )?\[(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{1,6})\] "
# A client chooses its agent's name and its path: the method is the last word before a path, the status ends the line.
LINE = (
    STAMP + r"\[router:(?P<zoraxy__router>[^\]]*)\] \[origin:(?P<url__domain>[^\]]*)\] "
    r"\[client: (?P<source__address>[^\],]*)[^\]]*\] \[useragent: (?P<user_agent__original>.*?)\] "
    r"(?P<http__request__method>[A-Z]{3,16}) (?P<url__original>.*) (?P<http__response__status_code>[0-9]{3})"
)


def finish(columns: Columns, context: Context) -> Columns:
    return web_requests.complete(columns) | {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.timezone": context.zone,
    }


PARSER = Parser(
    module="zoraxy",
    dataset="zoraxy.access",
    programs=("zoraxy",),
    signature=(
        r"(?:[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} )?\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{1,6}\] \[router:"
    ),
    lines=(Line(LINE),),
    finish=finish,
)
