r"""webmin: log-ins to Webmin, Usermin and Virtualmin, and what is done there.

In:   `1772674502.2161960.0 [5/Mar/2026 08:15:02] an 5f3a 198.51.100.7 global miniserv.pl "failed" "-" "wrongpass"` of
      webmin.log; `Invalid login as an from 198.51.100.7` by syslog
Out:  `user.name`, `source.ip`, `event.action`, `event.outcome`; `webmin.*`
Docs: Webmin documentation, "Webmin Actions Log"; Webmin webmin_log_lib, miniserv.pl
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats.labels import mapped, one_of, when
from ingest.lines import Context, Line, Parser

ACTION = (
    r"[0-9.]+ \[(?P<_day>[0-9]{1,2})/(?P<_month>[A-Z][a-z]{2})/(?P<_year>[0-9]{4}) (?P<_time>[0-9:]{8})\] "
    r"(?P<user__name>.+) (?:-|(?P<webmin__session>[^ ]+)) (?:-|(?P<source__address>[^ ]+)) (?P<webmin__module>[^ ]+) "
    r'(?P<webmin__script>[^ ]+) "(?P<webmin__action>[^"]*)" "(?:-|(?P<webmin__type>[^"]*))" '
    r'"(?:-|(?P<webmin__object>[^"]*))"(?P<_parameters> .*)?'
)
FROM = r"(?P<user__name>.*) from (?P<source__address>[^ ]+)"
LOGIN = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")
NAMES = {"login": "login", "failed": "login", "logout": "logout"}


def finish(columns: Columns, context: Context) -> Columns:
    """Module `global` is the server itself, whose actions are log-ins; those of any other module change something."""
    own = pc.equal(columns["webmin.module"], "global")
    action = pc.if_else(own.fill_null(False), mapped(columns["webmin.action"], NAMES), columns["webmin.action"])
    failed = pc.and_(own, one_of(columns["webmin.action"], "failed"))
    written = columns["webmin.action"].is_valid()
    kind = pc.if_else(pc.equal(action, "logout"), 1, pc.if_else(pc.and_(own, action.is_valid()), 0, 2)).fill_null(2)
    categories = pa.array([["authentication"], ["session"], ["configuration"]], TEXTS).take(kind)
    types = pa.array([["start"], ["end"], ["change"]], TEXTS).take(kind)
    stamp = pc.binary_join_element_wise(columns["_month"], columns["_day"], columns["_year"], columns["_time"], " ")
    return {
        "user.name": pc.coalesce(columns["user.name"], columns["_idle"]),
        "@timestamp": stamps.bsd(stamp, context.received, context.zone),
        "event.action": pc.coalesce(action, columns["event.action"]),
        "event.category": pc.if_else(written, categories, columns["event.category"].cast(TEXTS)),
        "event.type": pc.if_else(written, types, columns["event.type"].cast(TEXTS)),
        "event.outcome": pc.if_else(written, pc.if_else(failed, "failure", "success"), columns["event.outcome"]),
        "event.reason": pc.coalesce(columns["event.reason"], when(failed, columns["webmin.object"])),
    }


PARSER = Parser(
    module="webmin",
    dataset="webmin.log",
    programs=("webmin", "usermin"),
    signature=r"[0-9]{9,11}\.[0-9.]+ \[[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4} [0-9:]{8}\] ",
    lines=(
        Line(ACTION, action="webmin-action"),
        LOGIN(rf"Successful login as {FROM}", outcome="success"),
        LOGIN(rf"(?P<event__reason>(?:Invalid|Non-existent|Expired) login) as {FROM}"),
        LOGIN(
            r"Security alert: Host (?P<source__address>[^ ]+) (?P<event__reason>blocked after [0-9]+ failed logins)"
            r"(?: for user (?P<user__name>.*))?",
            action="address-block",
            type=("denied",),
        ),
        LOGIN(
            r"Security alert: User (?P<user__name>.*) (?P<event__reason>locked after [0-9]+ failed logins)",
            action="account-lock",
            type=("denied",),
        ),
        Line(
            r"(?:Logout by (?P<user__name>.*) from (?P<source__address>[^ ]+)|Timeout of session for (?P<_idle>.*))",
            action="logout",
            category=("session",),
            type=("end",),
            outcome="success",
        ),
    ),
    finish=finish,
)
