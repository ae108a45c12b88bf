r"""nginx_error: the error log of nginx.

In:   `2026/03/05 08:15:02 [error] 71#0: *12 open() "..." failed (2: ...), client: ..., request: "..."`
Out:  `log.level`, `source.address`, `url.*`, `http.request.method`; `message` without the stamp and the process
Docs: nginx ngx_log.c ngx_log_error_core(), ngx_http_request.c ngx_http_log_error_handler()
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import urls
from ingest.lines import Context, Line, Parser
from ingest.vendors import modsecurity_messages

HEAD = (
    r"(?P<_stamp>[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}) \[(?P<log__level>[a-z]+)\] "
    r"(?P<process__pid>[0-9]+)#(?P<process__thread__id>[0-9]+): (?:\*(?P<nginx__error__connection_id>[0-9]+) )?"
)
# nginx appends these in this order, each only when it knows it.
REQUEST = (
    r", client: (?P<source__address>[^,]+)(?:, server: (?P<_server>[^,]*))?"
    r'(?:, request: "(?:(?P<http__request__method>[A-Z]+) (?P<url__original>.*?)'
    r'(?: HTTP/(?P<http__version>[0-9.]+))?|[^"]*)")?'
    r'(?:, subrequest: ".*?")?(?:, upstream: ".*?")?(?:, host: "(?P<_host>[^"]*)")?'
    r'(?:, referrer: "(?P<http__request__referrer>.*)")?'
)


# A mail proxy's server is the address that it listens on.
MAIL = (
    r", client: (?P<source__address>[^,]+), server: \[?(?P<destination__address>[0-9A-Fa-f.:]+?)\]?"
    r':(?P<destination__port>[0-9]+)(?:, login: "(?P<user__name>.*)")?(?:, upstream: .*?)?(?:, session: .*)?'
)
# What an application says on its standard error: BookStack, and whoever uses Baikal's words.
PHP_LOGIN = (
    r'FastCGI sent in stderr: "PHP message: (?:Failed login for |user )(?P<user__name>[^"]*?)'
    r'(?: authentication failure for [^"]*)?" while .*?'
)
BASIC_AUTH = r'user "(?P<user__name>[^"]*)"(?: was not found|: password mismatch).*?'
SEVERE = pa.array(["emerg", "alert", "crit", "error"])
LOGIN_FAILED = (
    r"^(?:client login failed"
    r'|FastCGI sent in stderr: "PHP message: (?:Failed login for |user .* authentication failure)'
    r'|user ".*" was not found|user ".*": password mismatch)'
)


def finish(columns: Columns, context: Context) -> Columns:
    severe = pc.is_in(columns["log.level"], SEVERE)
    refused = pc.match_substring_regex(columns["event.reason"], LOGIN_FAILED).fill_null(False)
    host = urls.authority(columns["_host"])
    url = urls.split(columns["url.original"])
    fields = {
        **url,
        **{name: pc.coalesce(url[name], host[name]) for name in host},
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.timezone": context.zone,
        "event.action": pc.if_else(refused, "login", pc.if_else(severe, "http-error", "http-notice")),
        "event.category": pa.array([["web"], ["authentication", "web"]], TEXTS).take(refused.cast(pa.int8())),
        "event.type": pa.array([["info"], ["error"], ["start"]], TEXTS).take(
            pc.if_else(refused, 2, severe.cast(pa.int64()))
        ),
        "event.outcome": pc.if_else(pc.or_(severe, refused), pa.scalar("failure"), pa.scalar(None, TEXT)),
    }
    return modsecurity_messages.over(dict(columns) | fields, columns["message"], context)


def line(pattern: str) -> Line:
    return Line(pattern, category=("web",))


PARSER = Parser(
    module="nginx",
    dataset="nginx.error",
    programs=("nginx",),
    signature=r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]+\] [0-9]+#[0-9]+: ",
    lines=(
        line(
            HEAD + r"(?P<message>client (?P<source__address>[^ ]+):(?P<source__port>[0-9]+) connected to "
            r"(?P<destination__address>[^ ]+):(?P<destination__port>[0-9]+))"
        ),
        line(HEAD + rf"(?P<message>(?P<event__reason>.*?){MAIL})"),
        line(HEAD + rf"(?P<message>(?P<event__reason>{PHP_LOGIN}){REQUEST})"),
        line(HEAD + rf"(?P<message>(?P<event__reason>{BASIC_AUTH}){REQUEST})"),
        line(HEAD + rf"(?P<message>(?P<event__reason>.*?){REQUEST})"),
        line(HEAD + r"(?P<message>.*)"),
    ),
    finish=finish,
)
