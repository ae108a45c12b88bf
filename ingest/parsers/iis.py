r"""iis: IIS access logs in the W3C extended format, and http.sys's HTTPERR -> http and url fields.

In:   `2026-03-05 01:15:02 192.0.2.1 GET /a.aspx q=1 443 - 198.51.100.7 Mozilla/5.0+... - 200 0 0 31`; which fields a
      server writes stands in a line of its own (`#Fields:`), so the usual sets are known by their shape
Out:  `source.*`, `destination.*`, `url.*`, `http.*`, `user.name`, `user_agent.original`; `iis.access.*`, `iis.error.*`
Docs: Microsoft, "W3C Logging" of IIS 6 to 10; "Error logging in HTTP APIs"; W3C WD-logfile

Every field is one word, with `+` for a blank and `-` for none, and IIS keeps their order whatever is left out.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser


def word(name: str, kind: str = "[^ ]+") -> str:
    """One field and the blank behind it; `-` is null."""
    return rf"(?:-|(?P<{name}>{kind})) "


STAMP = r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) "
IP = r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(?:%[0-9A-Za-z]+)?"
NUMBER = "[0-9]+"
VERSION = r"(?:HTTP/(?P<http__version>[0-9.]{1,5})|-) "
SERVER = (
    rf"(?:{word('iis__access__site_name', '[A-Z0-9]+SVC[0-9]*')})?"
    rf"(?:{word('iis__access__server_name', '[A-Za-z][A-Za-z0-9_.-]*')})?(?:{word('destination__address', IP)})?"
)
REQUEST = (
    word("http__request__method", "[A-Z][A-Z_-]{2,31}") + word("url__path") + word("url__query")
    + word("destination__port", NUMBER) + word("user__name") + word("source__address", IP) + rf"(?:{VERSION})?"
)  # fmt: skip
RESULT = (
    word("http__response__status_code", "[0-9]{3}") + word("iis__access__sub_status", NUMBER)
    + r"(?:-|(?P<iis__access__win32_status>[0-9]+))"
    r"(?: (?:-|(?P<http__response__body__bytes>[0-9]+)) (?:-|(?P<http__request__body__bytes>[0-9]+)))?"
    r"(?: (?:-|(?P<_milliseconds>[0-9]{1,12})))?"
    # Fields that an administrator adds, such as X-Forwarded-For, follow all others.
    rf"(?: (?P<network__forwarded_ip>{IP})(?:,\+?{IP})*)?(?: [^ ]+)*"
)  # fmt: skip
# What a client says, of which a server writes one to four.
AGENT = word("user_agent__original")
COOKIE = word("iis__access__cookie")
REFERRER = word("http__request__referrer")
A_URL = word("http__request__referrer", "[A-Za-z][A-Za-z0-9+.-]*:[^ ]*")
HOST = word("destination__domain")

ERROR = (
    STAMP + word("source__address", IP) + word("source__port", NUMBER) + word("destination__address", IP)
    + word("destination__port", NUMBER) + VERSION + word("http__request__method", "[A-Za-z_-]+") + word("_uri")
    + r"(?:[0-9-]+ ){0,2}?" + word("http__response__status_code", "[0-9]{3}") + word("iis__error__site_id", NUMBER)
    + r"(?P<iis__error__reason_phrase>[A-Z][A-Za-z0-9_/]*) (?:-|(?P<iis__error__queue_name>[^ ]+))(?: (?:TCP|QUIC|-))?"
)  # fmt: skip


def access(client: str) -> Line:
    return Line(STAMP + SERVER + REQUEST + client + RESULT, action="http-request", category=("web",))


def finish(columns: Columns, context: Context) -> Columns:
    """A `#` line has no stamp, and no other field."""
    nothing = pa.scalar(None, TEXT)
    request = columns["_stamp"].is_valid()
    path, query = columns["url.path"], columns["url.query"]
    url = urls.split(columns["_uri"])
    host = urls.authority(columns["destination.domain"])
    failed = pc.greater_equal(columns["http.response.status_code"], "400")
    kinds = pa.array([["access"], ["access", "error"]], TEXTS).take(failed.fill_null(False).cast(pa.int8()))
    return {
        **url,
        **host,
        "url.path": pc.coalesce(path, url["url.path"]),
        "url.query": pc.coalesce(query, url["url.query"]),
        "url.extension": pc.coalesce(urls.extension(path), url["url.extension"]),
        "url.original": pc.coalesce(columns["_uri"], pc.binary_join_element_wise(path, query, "?"), path),
        "destination.domain": host["url.domain"],
        "@timestamp": stamps.iso(columns["_stamp"], pa.repeat(pa.scalar("UTC"), len(request))),
        "event.duration": pc.multiply(columns["_milliseconds"].cast(LONG), 1_000_000),
        "event.outcome": pc.if_else(failed, "failure", "success"),
        "event.type": pc.if_else(request, kinds, pa.scalar(None, TEXTS)),
        "network.protocol": pc.if_else(request, "http", nothing),
        "event.dataset": pc.if_else(columns["iis.error.reason_phrase"].is_valid(), "iis.error", "iis.access"),
        "user_agent.original": pc.replace_substring(columns["user_agent.original"], "+", " "),
        # The zone of a link-local address is the server's own business.
        "source.ip": pc.replace_substring_regex(columns["source.address"], "%.*$", ""),
        "destination.ip": pc.replace_substring_regex(columns["destination.address"], "%.*$", ""),
    }


PARSER = Parser(
    module="iis",
    dataset="iis.access",
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:\.[0-9]+)? [A-Za-z0-9_.:%-]+ [A-Za-z0-9_.:%-]+ "
        r"|#[A-Z][A-Za-z-]+: )"
    ),
    lines=(
        access(AGENT + A_URL),
        access(AGENT),
        access(AGENT + A_URL + HOST),
        access(AGENT + COOKIE + REFERRER),
        access(AGENT + COOKIE + REFERRER + HOST),
        Line(ERROR, action="http-error", category=("web",)),
        Line(r"#(?:Software|Version|Date|Start-Date|End-Date|Fields|Remark): .*", action="log-directive"),
    ),
    finish=finish,
)
