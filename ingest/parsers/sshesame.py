r"""sshesame: what clients do in the honeypot sshesame.

In:   `2026/03/05 08:15:02 [198.51.100.7:42736] authentication for user "root" with password "x" accepted`; behind
      `[channel 26]` what a session does
Out:  `user.name`, `source.*`, `destination.*` of a forwarding, `process.command_line`; `sshesame.*`
Docs: sshesame, README, "Sample output"; logging.go

A log-in that a honeypot accepts is an attack that went on, and is marked a success as it would be on a server.
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}) )?"
    r"\[\[?(?P<source__address>[0-9A-Fa-f.:%a-z]+?)\]?:(?P<source__port>[0-9]{1,5})\] "
)
CHANNEL = HEAD + r"\[channel (?P<sshesame__channel>[0-9]+)\] "
LOGIN = partial(Line, action="ssh-login", category=("authentication",), type=("start",))
ATTEMPT = HEAD + r'authentication for user "(?P<user__name>.*)" (?P<sshesame__method>with .*|without credentials) '
NETWORK = partial(Line, category=("network",))
SESSION = partial(Line, category=("session",), type=("info",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone)}


PARSER = Parser(
    module="sshesame",
    dataset="sshesame.log",
    programs=("sshesame",),
    signature=r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[\[?[0-9A-Fa-f.:%a-z]+\]?:[0-9]+\] ",
    lines=(
        LOGIN(ATTEMPT + "accepted", outcome="success"),
        LOGIN(ATTEMPT + "rejected", outcome="failure"),
        NETWORK(
            HEAD + r'connection with client version "(?P<sshesame__client_version>.*)" established',
            action="ssh-connect",
            type=("connection", "start"),
        ),
        NETWORK(HEAD + r"connection closed", action="ssh-disconnect", type=("connection", "end")),
        NETWORK(
            CHANNEL + r"direct TCP/IP forwarding from [^ ]+ to \[?(?P<destination__address>[^ ]+?)\]?"
            r":(?P<destination__port>[0-9]{1,5}) (?P<event__reason>requested|rejected)",
            action="ssh-forward",
            type=("connection", "info"),
        ),
        SESSION(CHANNEL + r'command "(?P<process__command_line>.*)" requested', action="ssh-command"),
        SESSION(CHANNEL + r'input: "(?P<sshesame__input>.*)"', action="ssh-input"),
        SESSION(CHANNEL + r"(?P<event__reason>session|shell) requested", action="ssh-session", type=("start",)),
        SESSION(CHANNEL + r"closed", action="ssh-session", type=("end",)),
        SESSION(rf"(?:{HEAD})(?:\[channel (?P<sshesame__channel>[0-9]+)\] )?(?P<event__reason>.*)", action="ssh-note"),
    ),
    finish=finish,
)
