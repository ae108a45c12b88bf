r"""squid: the access log of the Squid proxy in its native format -> http and url fields.

In:   `1772674502.113    231 198.51.100.7 TCP_MISS/200 1684 GET http://example.org/ an HIER_DIRECT/192.0.2.80 -`; the
      common and combined formats are read by web_access.py
Out:  `source.*`, `destination.*`, `user.name`, `url.*`, `http.*`, `event.duration`; `squid.access.*`
Docs: Squid wiki, "Squid log files"; squid.conf, logformat squid
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import epochs, web_requests
from ingest.lines import Context, Line, Parser

LINE = (
    r"(?P<_stamp>[0-9]{9,10}\.[0-9]{3}) +(?P<_milliseconds>-?[0-9]{1,12}) (?P<source__address>[^ ]+) "
    r"(?P<squid__access__result_code>[A-Z_]+)/(?P<http__response__status_code>[0-9]{3}) "
    r"(?P<http__response__bytes>[0-9]+) "
    # A URL with a blank is a broken request, but the fields behind it are words.
    r"(?P<http__request__method>[A-Za-z_-]+) (?P<url__original>.+) (?:-|(?P<user__name>[^ ]+)) "
    r"(?P<squid__access__hierarchy>[A-Z_]+)/(?:-|(?P<destination__address>[^ ]+)) "
    r"(?:-|(?P<http__response__mime_type>[^ ]+))"
    r'(?: "(?P<http__request__referrer>.*?)" "(?P<user_agent__original>.*)")?'
)


def finish(columns: Columns, context: Context) -> Columns:
    web = web_requests.complete(columns)
    denied = pc.match_substring(columns["squid.access.result_code"], "DENIED")
    milliseconds = columns["_milliseconds"].cast(LONG)
    kept = pc.if_else(pc.greater_equal(milliseconds, 0), milliseconds, pa.scalar(None, LONG))
    return {
        **web,
        "@timestamp": epochs.seconds(columns["_stamp"]),
        "event.duration": pc.multiply(kept, 1_000_000),
        "event.type": pc.if_else(denied, pa.scalar(["access", "denied"], TEXTS), web["event.type"]),
        "network.transport": pa.repeat(pa.scalar("tcp", TEXT), len(kept)),
    }


PARSER = Parser(
    module="squid",
    dataset="squid.access",
    programs=("squid",),
    signature=r"[0-9]{9,10}\.[0-9]{3} +-?[0-9]+ [^ ]+ [A-Z_]+/[0-9]{3} [0-9]+ ",
    lines=(Line(LINE),),
    finish=finish,
)
