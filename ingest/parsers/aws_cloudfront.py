r"""aws_cloudfront: standard access logs of Amazon CloudFront -> http and url fields.

In:   33 fields with tabs between them, `2026-03-05 01:15:02 SGN50-C1 703 198.51.100.7 GET ...`; older files end sooner
Out:  `source.*`, `url.*`, `http.*`, `tls.*`, `user_agent.original`, `event.duration`; `aws.cloudfront.*`
Docs: Amazon CloudFront Developer Guide, "Standard logging reference"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats import web_requests
from ingest.lines import Context, Line, Parser


def word(name: str, kind: str = r"[^\t]+") -> str:
    """One field; `-` is null."""
    return rf"(?:-|(?P<{name}>{kind}))"


NUMBER = "[0-9]+"
FIELDS = (
    r"(?P<_date>[0-9]{4}-[0-9]{2}-[0-9]{2})", r"(?P<_time>[0-9]{2}:[0-9]{2}:[0-9]{2})",
    word("aws__cloudfront__edge_location", "[A-Z]{3}[0-9]+(?:-[A-Z0-9]+)?"), word("http__response__bytes", NUMBER),
    word("source__address"), word("http__request__method", "[A-Z]{3,16}"), word("aws__cloudfront__domain"),
    word("url__path"), r"(?:-|000|(?P<http__response__status_code>[1-9][0-9]{2}))", word("http__request__referrer"),
    word("user_agent__original"), word("url__query"), word("aws__cloudfront__cookies"),
    word("aws__cloudfront__edge_result_type"), word("http__request__id"), word("url__domain"),
    word("url__scheme", "[a-z]+"), word("http__request__bytes", NUMBER),
    word("_seconds", r"[0-9]{1,9}(?:\.[0-9]{1,6})?"),
    word("network__forwarded_ip"), word("_tls"), word("tls__cipher"),
    word("aws__cloudfront__edge_response_result_type"),
    r"(?:-|HTTP/(?P<http__version>[0-9.]{1,5}))",
)  # fmt: skip
LATER = (
    word("aws__cloudfront__fle_status"), word("aws__cloudfront__fle_encrypted_fields"), word("source__port", NUMBER),
    word("aws__cloudfront__time_to_first_byte"), word("aws__cloudfront__edge_detailed_result_type"),
    word("http__response__mime_type"), word("http__response__body__bytes", NUMBER),
    word("aws__cloudfront__range_start"), word("aws__cloudfront__range_end"),
)  # fmt: skip


def finish(columns: Columns, context: Context) -> Columns:
    """CloudFront writes blanks and other signs as `%20`, twice over in the user agent of old files."""
    path, query = columns["url.path"], columns["url.query"]
    columns["url.original"] = pc.coalesce(pc.binary_join_element_wise(path, query, "?"), path)
    web = web_requests.complete(columns)
    date = pc.binary_join_element_wise(columns["_date"], columns["_time"], " ")
    seconds = pc.multiply(columns["_seconds"].cast(pa.float64()), 1e9)
    return {
        **web,
        # Of a request whose client left before the answer the status is 000.
        "event.outcome": pc.coalesce(web["event.outcome"], pa.scalar("failure")),
        "url.original": columns["url.original"],
        "url.path": path,
        "url.query": query,
        "@timestamp": stamps.iso(date, pa.repeat(pa.scalar("UTC"), len(date))),
        "event.duration": pc.round(seconds).cast(pa.int64()),
        "user_agent.original": _plain(columns["user_agent.original"]),
        "http.response.mime_type": _plain(columns["http.response.mime_type"]),
        "tls.version": pc.replace_substring_regex(columns["_tls"], "^[A-Za-z]+v", ""),
    }


def _plain(column: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.replace_substring(column, "%2520", "%20"), "%20", " ")


PARSER = Parser(
    module="aws",
    dataset="aws.cloudfront_logs",
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2}\t[0-9:]{8}\t[A-Z]{3}[0-9]+",
    lines=(Line(r"\t".join(FIELDS) + "".join(rf"(?:\t{field}" for field in LATER) + r"(?:\t.*)?" + ")?" * len(LATER)),),
    finish=finish,
)
