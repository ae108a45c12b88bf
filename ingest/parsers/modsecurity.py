r"""modsecurity: a transaction of ModSecurity's native audit log, its sections joined to one message.

In:   `--a1b2c3d4-A--`, a line of `[stamp] ID client port server port`, and the sections that follow; the alerts in the
      error log are read by nginx_error.py and apache_error.py
Out:  `source.*`, `destination.*`, `url.*`, `http.*`, `rule.*`; `modsecurity.*`
Docs: ModSecurity reference manual, "ModSecurity 2 Data Formats": Audit Log
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXTS, Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

# A body (C, E, I) may look like a section, but a client does not know the boundary.
HEAD = (
    r"--(?P<_boundary>[0-9a-zA-Z]{8,})-{1,3}A--\s+\[(?P<_stamp>[^\]]*?)(?:\.[0-9]+)?(?P<_offset> [+-][0-9]{4})\] "
    r"(?P<modsecurity__unique_id>[^ ]+) (?P<source__address>[^ ]+) (?P<source__port>[0-9]+) "
    r"(?P<destination__address>[^ ]+) (?P<destination__port>[0-9]+)"
)
REQUEST = (
    r"(?:\s+--[0-9a-zA-Z]{8,}-{1,3}B--\s+(?P<http__request__method>[A-Z]{3,16}) (?P<url__original>[^\n]*?)"
    r" HTTP/(?P<http__version>[0-9.]{1,5})\s(?P<_rest>.*))?"
)
AGENT = r"(?is)^(?:.*?\n)??User-Agent: (?P<agent>[^\r\n]*)"
HOST = r"(?is)^(?:.*?\n)??Host: (?P<host>[^\r\n]*)"
STATUS = r"(?s)^.*?--[0-9a-zA-Z]{8,}-{1,3}F--\s+HTTP/[0-9.]+ (?P<status>[0-9]{3})"
RULE = (
    r'(?s)^.*?--[0-9a-zA-Z]{8,}-{1,3}H--\s.*?\[id "(?P<id>[0-9]+)"\](?: \[rev "[^"]*"\])?'
    r'(?: \[msg "(?P<msg>(?:[^"\\]|\\.)*)"\])?'
)
DENIED = r"--[0-9a-zA-Z]{8,}-{1,3}H--\s(?:.*\s)?Action: Intercepted|ModSecurity: Access denied|Message: Access denied"


def finish(columns: Columns, context: Context) -> Columns:
    rest = columns["_rest"]
    found = {
        name: captured(pc.extract_regex(rest, pattern))[group]
        for name, pattern, group in (
            ("user_agent.original", AGENT, "agent"),
            ("url.domain", HOST, "host"),
            ("http.response.status_code", STATUS, "status"),
            ("rule.id", RULE, "id"),
            ("rule.name", RULE, "msg"),
        )
    }
    rows = len(rest)
    absent = pa.nulls(rows, pa.string())
    known = {name: columns[name] for name in ("url.original", "http.request.method")}
    web = web_requests.complete(known | found | {"url.port": absent, "url.scheme": absent})
    denied = pc.match_substring_regex(rest, f"(?s){DENIED}").fill_null(False)
    stamp = pc.binary_join_element_wise(columns["_stamp"], columns["_offset"], "")
    return {
        **found,
        **web,
        "@timestamp": stamps.access_log(stamp),
        "event.action": pa.repeat(pa.scalar("waf-alert"), rows),
        "event.category": pa.array([["web", "intrusion_detection"]] * rows, TEXTS),
        "event.outcome": pc.if_else(denied, "failure", web["event.outcome"]),
        "event.type": pa.array([["allowed"], ["denied"]], TEXTS).take(denied.cast(pa.int8())),
    }


PARSER = Parser(
    module="modsecurity",
    dataset="modsecurity.auditlog",
    signature=r"--[0-9a-zA-Z]{8,}-{1,3}A--\s",
    lines=(Line(HEAD + REQUEST),),
    finish=finish,
)
