r"""login: log-ins at a terminal or a serial line, and doas.

In:   messages of login, getty and doas
Out:  `user.name`, `user.effective.name`, `source.address` of a remote log-in, `event.outcome`
Docs: util-linux login-utils/login.c; shadow src/login.c; OpenBSD doas.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

TTY = r"[‘'`]?(?P<system__auth__login__tty>[^ ’',]+)[’']?"
FROM = r"(?: FROM ['‘`]?(?P<source__address>[^ ’']+)['’]?)?"
LOGIN = partial(Line, action="login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")
COMMAND = partial(Line, action="doas-command", category=("process",), type=("start",))

PARSER = Parser(
    module="linux",
    dataset="linux.login",
    programs=("login", "agetty", "getty", "doas"),
    lines=(
        LOGIN(rf"(?:DIALUP AT [^ ]+|LOGIN ON {TTY}) BY (?P<user__name>.*?){FROM}"),
        LOGIN(rf"ROOT LOGIN +(?:ON|on) {TTY}{FROM}", fields={"user.name": "root"}),
        FAILED(
            rf"FAILED LOGIN(?: SESSION)?(?: [0-9]+| \([0-9]+\))?(?: (?:ON|on) {TTY})?{FROM} FOR "
            r"[‘'`]?(?P<user__name>.*?)['’]?, (?P<event__reason>.*)"
        ),
        FAILED(
            rf"TOO MANY LOGIN TRIES(?: \([0-9]+\))?(?: (?:ON|on) {TTY})?{FROM} FOR [‘'`]?(?P<user__name>.*?)['’]?"
            r"(?:, .*)?",
            action="login-max-attempts",
            type=("info",),
        ),
        COMMAND(
            r"(?P<user__name>[^ ]+) ran command (?P<process__command_line>.*) as (?P<user__effective__name>[^ ]+) from "
            r"(?P<process__working_directory>.*)",
            outcome="success",
        ),
        COMMAND(
            r"(?P<event__reason>command not permitted) for (?P<user__name>[^ :]+): (?P<process__command_line>.*)",
            outcome="failure",
        ),
        COMMAND(r"(?P<event__reason>failed auth) for (?P<user__name>.*)", outcome="failure"),
    ),
)
