r"""hestiacp: log-ins to the pages of Hestia and Vesta Control Panel.

In:   `2026-03-05 08:15:02 an 198.51.100.7 failed to login` of auth.log
Out:  `user.name`, `source.ip`, `event.outcome`
Docs: Hestia Control Panel, web/login/index.php; Vesta Control Panel, v-log-user-login
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = r"(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}) (?P<user__name>.+) (?P<source__address>[0-9A-Fa-f.:]{7,45})"
LOGIN = partial(Line, action="login", category=("authentication",), type=("start",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone)}


PARSER = Parser(
    module="hestiacp",
    dataset="hestiacp.auth",
    signature=(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} .+ [0-9A-Fa-f.:]{7,45} (?:failed to login|(?:successfully )?logged) ?"
    ),
    lines=(
        LOGIN(HEAD + r" failed to log ?in", outcome="failure"),
        LOGIN(HEAD + r" (?:successfully )?logged in", outcome="success"),
        Line(HEAD + r" logged out", action="logout", category=("session",), type=("end",), outcome="success"),
    ),
    finish=finish,
)
