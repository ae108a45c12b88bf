r"""haproxy: connections and requests of HAProxy -> http and url fields.

In:   messages of haproxy in the formats `option httplog`, `httpslog`, `tcplog`, the default one and the error one; its
      notices of servers and proxies; also without a syslog header, `haproxy[71]: ` or nothing in front
Out:  `source.*`, `destination.*`, `http.*`, `url.*`; timers and counters as `haproxy.*`; -1 = the step was not reached
Docs: HAProxy configuration manual §8.2 "Log formats", §8.5 "Session state at disconnection"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import LONG, TEXT, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser

HEAD = r"(?:(?P<process__name>haproxy)\[(?P<process__pid>[0-9]+)\]: )?"
CLIENT = r"(?:(?:unix|-):[0-9]+|(?P<source__address>[^ ]+):(?P<source__port>[0-9]+))"
DATE = r" \[(?P<_stamp>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}\.[0-9]{3})\] "
ROUTE = (
    r"(?P<haproxy__frontend_name>[^ ]+) (?P<haproxy__backend_name>[^ /]+)/(?P<haproxy__server_name>[^ ]+) "
    # A format that is often added: the address of the server, or that which the client asked for.
    r"(?:(?P<destination__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*) )?"
)
HTTP_TIMERS = (
    r"(?P<haproxy__http__request__time_wait_ms>-?[0-9]+)/(?P<haproxy__total_waiting_time_ms>-?[0-9]+)/"
    r"(?P<haproxy__connection_wait_time_ms>-?[0-9]+)/(?P<haproxy__http__request__time_wait_without_data_ms>\+?-?[0-9]+)/"
    r"\+?(?P<_milliseconds>[0-9]{1,12}) "
)
TCP_TIMERS = (
    r"(?P<haproxy__total_waiting_time_ms>-?[0-9]+)/(?P<haproxy__connection_wait_time_ms>-?[0-9]+)/"
    r"\+?(?P<_milliseconds>[0-9]{1,12}) "
)
STATUS = r"(?P<http__response__status_code>-1|[0-9]{3}) "
BYTES = r"\+?(?P<haproxy__bytes_read>[0-9]+) "
COOKIES = r"(?P<haproxy__http__request__captured_cookie>[^ ]+) (?P<haproxy__http__response__captured_cookie>[^ ]+) "
COUNTERS = (
    r"(?P<haproxy__termination_state>[A-Za-z-]{2,4}) "
    r"(?P<haproxy__connections__active>[0-9]+)/(?P<haproxy__connections__frontend>[0-9]+)/"
    r"(?P<haproxy__connections__backend>[0-9]+)/(?P<haproxy__connections__server>[0-9]+)/"
    r"\+?(?P<haproxy__connections__retries>[0-9]+) "
    r"(?P<haproxy__server_queue>[0-9]+)/(?P<haproxy__backend_queue>[0-9]+)"
)
HEADERS = (
    r"(?: \{(?P<haproxy__http__request__captured_headers>.*?)\})?"
    r"(?: \{(?P<haproxy__http__response__captured_headers>.*?)\})?"
)
REQUEST = (
    r' "(?P<haproxy__http__request__raw_request_line>(?P<http__request__method>[A-Z]{3,16}) (?P<url__original>[^ ].*?)'
    r'(?: HTTP/(?P<http__version>[0-9.]{1,5}))?|<BADREQ>|.*)"'
)
# httpslog: errors of the connection and of TLS, whether it was resumed, and name, version and cipher of the handshake.
TLS = (
    r"(?: [0-9]+/[0-9a-fx]+/[0-9a-fx]+/[0-9a-fx]+/(?P<tls__resumed>[01]) (?:-|(?P<tls__client__server_name>[^ /]+))/"
    r"(?:-|(?P<_tls>[^ /]+))/(?:-|(?P<tls__cipher>[^ /]+)))?"
)
REASON = r"(?:, reason: (?P<event__reason>.*?))?"
PROXY = r"(?P<haproxy__proxy_name>[^ ]+)"
SERVER = r"(?P<haproxy__backend_name>[^ /]+)/(?P<haproxy__server_name>[^ ]+)"

HTTP = partial(Line, action="http-request", category=("web",), type=("access",))
TCP = partial(Line, action="connection", category=("network",), type=("connection", "end"))
NOTE = partial(Line, category=("configuration",), type=("info",))


def finish(columns: Columns, context: Context) -> Columns:
    status = columns["http.response.status_code"]
    reached = pc.not_equal(status, "-1")
    outcome = pc.if_else(pc.greater_equal(status, "400"), "failure", "success")
    nothing = pa.scalar(None, TEXT)
    version = columns["_tls"]
    return {
        **urls.split(columns["url.original"]),
        "@timestamp": stamps.bsd(_year_behind(columns["_stamp"]), context.received, context.zone),
        "event.timezone": context.zone,
        "event.duration": pc.multiply(columns["_milliseconds"].cast(LONG), 1_000_000),
        "event.outcome": pc.coalesce(columns["event.outcome"], pc.if_else(reached, outcome, nothing)),
        "http.response.bytes": pc.if_else(status.is_valid(), columns["haproxy.bytes_read"], nothing),
        "network.transport": pc.if_else(columns["source.address"].is_valid(), "tcp", nothing),
        "network.protocol": pc.if_else(columns["http.request.method"].is_valid(), "http", nothing),
        "tls.version": pc.replace_substring_regex(version, "^[A-Za-z]+v", ""),
        **{name: _unless_dash(columns[name]) for name in columns if name.endswith("captured_cookie")},
    }


def _year_behind(stamps_of_haproxy: pa.Array) -> pa.Array:
    """`05/Mar/2026:08:15:02.113` as `Mar 05 2026 08:15:02.113`."""
    return pc.replace_substring_regex(stamps_of_haproxy, r"^(\d+)/(\w+)/(\d+):(.*)$", r"\2 \1 \3 \4")


def _unless_dash(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, "-"), pa.scalar(None, TEXT), column)


PARSER = Parser(
    module="haproxy",
    dataset="haproxy.log",
    programs=("haproxy",),
    signature=r"(?:haproxy\[[0-9]+\]: )?[^ ]+:[0-9]+ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}\.[0-9]{3}\] ",
    lines=(
        HTTP(
            HEAD + CLIENT + DATE + ROUTE + HTTP_TIMERS + STATUS + BYTES + COOKIES + COUNTERS + HEADERS + REQUEST + TLS
            + r"(?: (?P<http__request__id>[^ \"]+))? *"
        ),
        TCP(HEAD + CLIENT + DATE + ROUTE + TCP_TIMERS + BYTES + COUNTERS),
        TCP(
            HEAD + CLIENT + DATE + r"(?P<haproxy__frontend_name>[^ /]+)/(?P<haproxy__bind_name>[^ ]+): "
            r"(?P<haproxy__error_message>(?P<event__reason>.+))",
            action="connection-error",
            outcome="failure",
        ),
        TCP(
            rf"Connect from {CLIENT} to (?P<destination__address>[^ ]+):(?P<destination__port>[0-9]+) "
            r"\((?P<haproxy__frontend_name>[^ /]+)/(?P<haproxy__mode>[A-Z]+)\)",
            type=("connection", "start"),
        ),
        NOTE(rf"Server {SERVER} is DOWN{REASON}[,.].*", action="server-down", outcome="failure"),
        NOTE(rf"Server {SERVER} is UP{REASON}[,.].*", action="server-up", outcome="success"),
        NOTE(rf"backend {PROXY} has no server available!", action="backend-down", outcome="failure"),
        NOTE(rf"Proxy {PROXY} started\.", action="proxy-start", type=("start",)),
        NOTE(rf"Proxy {PROXY} stopped.*", action="proxy-stop", type=("end",)),
    ),
    finish=finish,
)  # fmt: skip
