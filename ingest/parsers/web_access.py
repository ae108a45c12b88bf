r"""web_access: access logs of nginx and Apache -> http and url fields.

In:   common and combined log lines, bare or behind a syslog header; with a virtual host or a list of forwarded
      addresses in front, and with anything behind
Out:  `source.*`, `user.name`, `url.*`, `http.*`, `user_agent.original`
Docs: Apache mod_log_config; nginx ngx_http_log_module; RFC 9112 §3; ECS event.category "web"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.columns import is_true
from ingest.event import LONG, TEXT, TEXTS, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser

QUOTED = r'(?:[^"\\]|\\.)*'
CLIENT = r"(?P<source__address>[^ ,\"]+)"
# A forwarded list is what the client and each proxy say; quoted or not, the nearest one at its end.
CLIENTS = r"\"?(?P<nginx__access__remote_ip_list>[^ ,\"]+(?:, ?[^ ,\"]+)+)\"?(?: [^ \"]+)?"
VHOST = r"(?P<_vhost>[^ ,\"/]+) "
USER = r" [^ ]+ (?P<user__name>[^ ]+) "
LOOSE_USER = r" [^ ]+ (?P<user__name>.+?) "
STAMP = r"\[(?P<_stamp>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4})\] "
VERSION = r"(?: HTTP/(?P<http__version>[0-9.]{1,5}))?"
REQUEST = rf'"(?P<http__request__method>[A-Z]{{3,16}}) (?P<url__original>{QUOTED}?){VERSION} ?" '
# A scanner sends what it likes; a client that says nothing gives "-" or "".
GARBAGE = rf'"(?P<_garbage>{QUOTED})" '
BYTES = r"(?P<http__response__body__bytes>[0-9]+|-)"
STATUS = r"(?P<http__response__status_code>[0-9]{3}|-) " + BYTES
# Apache's ssl_request_log, which has no status.
TLS = r" (?P<apache__access__ssl__protocol>(?:TLS|SSL)v[0-9.]+|-) (?P<apache__access__ssl__cipher>[^ ]+) "
# BunkerWeb and other builds of nginx name the request before its user.
REQUEST_ID = r" - (?P<http__request__id>[^ ]+) (?P<user__name>[^ ]+) "
AGENT = rf' "(?P<http__request__referrer>{QUOTED})" "(?P<user_agent__original>{QUOTED})"'
MORE = r"(?P<_more> .*)?"
# NGINX Proxy Manager's own format.
PROXY_MANAGER = (
    STAMP + r"(?:[^ ]+ [^ ]+ )?(?P<http__response__status_code>[0-9]{3}|-) - (?P<http__request__method>[A-Z]{3,16}) "
    rf'(?P<url__scheme>https?) (?P<_vhost>[^ ]+) "(?P<url__original>{QUOTED})" \[Client (?P<source__address>[^\]]+)\] '
    r"\[Length (?P<http__response__body__bytes>[0-9]+|-)\] \[Gzip [^\]]*\](?: \[Sent-to [^\]]*\])?"
    rf' "(?P<user_agent__original>{QUOTED})" "(?P<http__request__referrer>{QUOTED})"'
)
# NPMplus: time of the request in front, its length and what the client says behind, without quotes.
PROXY_MANAGER_PLUS = (
    STAMP + VHOST + CLIENT + r" [0-9.]+ " + f"(?:{REQUEST}|{GARBAGE})" + STATUS
    + r" (?P<http__request__bytes>[0-9]+) (?P<http__request__referrer>[^ ]+) (?P<user_agent__original>.*)"
)  # fmt: skip
# What only one product writes behind the line: its fields, and by them its name.
TRAEFIK = (
    r" (?P<traefik__access__request_count>[0-9]+) \"(?P<traefik__access__frontend_name>[^\"]*)\" "
    r"\"(?P<traefik__access__backend_url>[^\"]*)\" (?P<_milliseconds>[0-9]{1,12})ms"
)
INGRESS = (
    r" (?P<http__request__bytes>[0-9]+) [0-9.]+ \[(?P<nginx__ingress_controller__upstream__name>[^\]]*)\] \[[^\]]*\] "
    r"(?P<nginx__ingress_controller__upstream_address_list>[0-9A-Fa-f.:, \[\]-]+?) [0-9, -]+ [0-9., -]+ [0-9, -]+ "
    r"(?P<http__request__id>[0-9a-f]{16,})"
)
SQUID = r" (?P<squid__access__result_code>[A-Z]+[A-Z_]*):(?P<squid__access__hierarchy>[A-Z]+[A-Z_]*)"

# Tomcat's %D, %A, %X and %T before what the client says, each if the administrator wants it.
TOMCAT = (
    r" (?:ms:[0-9]+ )?(?:(?P<destination__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+) )?"
    r"(?:(?P<apache_tomcat__access__connection_status>[X+-]) )?(?:[0-9.]+ )?"
    rf'"(?P<http__request__referrer>{QUOTED})" "(?P<user_agent__original>{QUOTED})"'
    r"(?: X-Forwarded-For=\"(?P<apache_tomcat__access__header_forwarder>[^\"]*)\"?)?"
)


def line(pattern: str) -> Line:
    return Line(pattern + MORE, action="http-request", category=("web",))


def finish(columns: Columns, context: Context) -> Columns:
    listed = columns["nginx.access.remote_ip_list"]
    if listed.null_count < len(listed):
        columns["source.address"] = pc.coalesce(columns["source.address"], _nearest_public(listed))
    status = columns["http.response.status_code"]
    failed = pc.greater_equal(status, "400")
    requested = pc.coalesce(columns["url.original"], _unless_dash(columns["_garbage"]))
    connect = pc.equal(columns["http.request.method"], "CONNECT").fill_null(False)
    hosts = urls.authority(pc.coalesce(columns["_vhost"], pc.if_else(connect, requested, pa.scalar(None, TEXT))))
    served = urls.authority(columns["_vhost"])
    url = urls.split(pc.if_else(connect, pa.scalar(None, TEXT), columns["url.original"]))
    extra = _extra(columns["_more"])
    module = _product(context, columns["_vhost"], extra)
    for name, values in extra.items():
        columns[name] = pc.coalesce(columns[name], values)
    return {
        **url,
        **{name: columns[name] for name in extra if not name.startswith("_")},
        "event.duration": pc.multiply(extra["_milliseconds"].cast(LONG), 1_000_000),
        **{name: pc.coalesce(url[name], hosts[name]) for name in hosts},
        "destination.address": pc.coalesce(columns["destination.address"], served["url.domain"]),
        "destination.port": served["url.port"],
        "url.original": requested,
        "url.scheme": pc.coalesce(columns["url.scheme"], url["url.scheme"]),
        "@timestamp": stamps.access_log(columns["_stamp"]),
        "event.outcome": pc.if_else(failed, "failure", "success"),  # without a status, null
        "event.type": pa.array([["access"], ["access", "error"]], TEXTS).take(failed.fill_null(False).cast(pa.int8())),
        "event.module": module,
        "event.dataset": pc.binary_join_element_wise(module, "access", "."),
        "network.protocol": pa.repeat(pa.scalar("http"), len(status)),
        "tls.version": pc.replace_substring_regex(columns["apache.access.ssl.protocol"], "^[A-Za-z]+v", ""),
        "tls.cipher": columns["apache.access.ssl.cipher"],
        **{
            name: _unless_dash(columns[name])
            for name in ("user.name", "http.request.referrer", "user_agent.original", "source.address")
        },
    }


def _unless_dash(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(column, pa.array(["-", '""'])), pa.scalar(None, TEXT), column)


def _extra(more: pa.Array) -> Columns:
    columns: Columns = {}
    for pattern in (TRAEFIK, INGRESS, SQUID, TOMCAT):
        columns |= captured(pc.extract_regex(more, f"(?s)^{pattern}$"))
    return columns


def _product(context: Context, vhost: pa.Array, extra: Columns) -> pa.Array:
    """Whose line it is: the program says, else the register, else the shape (a host in front is Debian's Apache)."""
    by = pc.make_struct(
        pc.match_substring(context.program, "nginx").fill_null(False),
        pc.match_substring_regex(context.program, "apache|httpd").fill_null(False),
        extra["traefik.access.request_count"].is_valid(),
        extra["squid.access.result_code"].is_valid(),
        extra["nginx.ingress_controller.upstream.name"].is_valid(),
        pc.match_substring(context.hints, "nginx"),
        pc.match_substring(context.hints, "apache"),
        vhost.is_valid(),
    )
    return pc.case_when(by, "nginx", "apache", "traefik", "squid", "nginx", "nginx", "apache", "apache", "web")


PRIVATE = r"^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.|::1$|[fF][cdCD]|[fF][eE]80:)"


def _nearest_public(lists: pa.Array) -> pa.Array:
    """Of each list the first address that is not private, else the first: as Beats does for nginx."""
    members = pc.split_pattern_regex(lists, ", ?")
    flat, parent = pc.list_flatten(members), pc.list_parent_indices(members)
    private = is_true(pc.match_substring_regex(flat, PRIVATE))
    first: dict[int, str] = {}
    public: dict[int, str] = {}
    for row, address, inner in zip(parent.to_pylist(), flat.to_pylist(), private, strict=True):
        first.setdefault(row, address)
        if not inner:
            public.setdefault(row, address)
    return pa.array([public.get(row, first.get(row)) for row in range(len(lists))], TEXT)


PARSER = Parser(
    module="web",
    dataset="web.access",
    signature=r"[^\[]*\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}\] ",
    lines=(
        line(CLIENT + USER + STAMP + REQUEST + STATUS + AGENT),
        line(CLIENT + USER + STAMP + REQUEST + STATUS),
        line(CLIENT + USER + STAMP + GARBAGE + STATUS + AGENT),
        line(CLIENT + USER + STAMP + GARBAGE + STATUS),
        line(VHOST + CLIENT + USER + STAMP + REQUEST + STATUS + AGENT),
        line(VHOST + CLIENT + USER + STAMP + f"(?:{REQUEST}|{GARBAGE})" + STATUS + f"(?:{AGENT})?"),
        line(VHOST + CLIENT + REQUEST_ID + STAMP + f"(?:{REQUEST}|{GARBAGE})" + STATUS + f"(?:{AGENT})?"),
        line(CLIENTS + USER + STAMP + f"(?:{REQUEST}|{GARBAGE})" + STATUS + f"(?:{AGENT})?"),
        line(CLIENT + " [^ ]+ " + STAMP + REQUEST + STATUS + f"(?:{AGENT})?"),
        line(PROXY_MANAGER),
        line(PROXY_MANAGER_PLUS),
        line(STAMP + CLIENT + TLS + REQUEST + BYTES),
        line(CLIENT + LOOSE_USER + STAMP + f"(?:{REQUEST}|{GARBAGE})" + STATUS + f"(?:{AGENT})?"),
    ),
    finish=finish,
)
