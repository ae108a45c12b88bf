r"""aws_elb: access log of AWS's Application Load Balancer -> http and url fields.

In:   `https 2026-03-05T01:15:02.113522Z app/portal/50dc 198.51.100.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366
      "GET https://dvc.example.org:443/a HTTP/2.0" "curl/8" CIPHER TLSv1.2 ...`
Out:  `source.*`, `destination.*`, `http.*`, `url.*`, `tls.*`, `user_agent.original`; `aws.elb.*`
Docs: AWS, "Access logs for your Application Load Balancer"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser

QUOTED = r'(?:[^"\\]|\\.)*'
LINE = (
    r"(?P<aws__elb__type>https?|h2|grpcs|wss?) (?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{1,9}Z) "
    r"(?P<aws__elb__name>[^ ]+) \[?(?P<source__address>[^ ]+?)\]?:(?P<source__port>[0-9]+) "
    r"(?:-|\[?(?P<destination__address>[^ ]+?)\]?:(?P<destination__port>[0-9]+)) "
    r"(?P<aws__elb__request_processing_time__sec>[0-9.-]+) (?P<aws__elb__backend_processing_time__sec>[0-9.-]+) "
    r"(?P<aws__elb__response_processing_time__sec>[0-9.-]+) (?:-|(?P<http__response__status_code>[0-9]{3})) "
    r"(?:-|(?P<aws__elb__backend__http__response__status_code>[0-9]{3})) "
    r"(?P<http__request__bytes>[0-9]+) (?P<http__response__bytes>[0-9]+) "
    rf'"(?:-|(?P<http__request__method>[A-Z]{{3,16}})) (?P<url__original>{QUOTED}?)'
    r'(?: HTTP/(?P<http__version>[0-9.]+)|- -)? ?" '
    rf'"(?:-|(?P<user_agent__original>{QUOTED}))"'
    r"(?: (?:-|(?P<tls__cipher>[^ ]+)) (?:-|TLSv(?P<tls__version>[0-9.]+)).*)?"
)


def finish(columns: Columns, context: Context) -> Columns:
    return web_requests.complete(columns) | {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.type": pa.array([["access"]] * len(columns["_stamp"]), TEXTS),
        "cloud.provider": pa.repeat(pa.scalar("aws", TEXT), len(columns["_stamp"])),
        "network.transport": pc.if_else(columns["source.port"].is_valid(), "tcp", pa.scalar(None, TEXT)),
    }


PARSER = Parser(
    module="aws",
    dataset="aws.elb_logs",
    signature=r"(?:https?|h2|grpcs|wss?) [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{1,9}Z [^ ]+/",
    lines=(Line(LINE),),
    finish=finish,
)
