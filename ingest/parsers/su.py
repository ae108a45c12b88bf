r"""su: who became whom, and who tried.

In:   messages of su, of shadow, util-linux, BSD and old SysV
Out:  `user.name` who asked, `user.effective.name` as whom
Docs: shadow src/su.c; util-linux login-utils/su-common.c log_syslog()
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

SU = partial(Line, action="su", category=("authentication",), type=("start",))
BECAME = partial(SU, outcome="success")
FAILED = partial(SU, outcome="failure")
FROM, TO = r"(?P<user__name>.*)", r"(?P<user__effective__name>.*)"

PARSER = Parser(
    module="linux",
    dataset="linux.su",
    programs=("su",),
    lines=(
        BECAME(rf"Successful su for {TO} by {FROM}"),
        FAILED(rf"FAILED su for {TO} by {FROM}"),
        FAILED(rf"FAILED SU \(to {TO}\) {FROM} on .*"),
        BECAME(rf"\(to {TO}\) {FROM} on .*"),
        BECAME(r"\+ [^ ]+ (?P<user__name>[^:]*):(?P<user__effective__name>.*)"),
        FAILED(r"- [^ ]+ (?P<user__name>[^:]*):(?P<user__effective__name>.*)"),
        FAILED(rf"'su {TO}' failed for {FROM} on .*"),
        BECAME(rf"'su {TO}' succeeded for {FROM} on .*"),
        FAILED(rf"BAD SU {FROM} to {TO} on .*"),
        BECAME(r"(?P<user__name>[^ ]+) to (?P<user__effective__name>[^ ]+) on [^ ]+"),
    ),
)
