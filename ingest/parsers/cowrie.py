r"""cowrie: what clients do in the honeypot Cowrie, as its text log writes it.

In:   `2026-03-05T08:15:02+0700 [cowrie.ssh.factory.CowrieSSHFactory] New connection: 198.51.100.7:47630
      (192.0.2.1:2222) ...` and the lines of its transports; its JSON is read by cowrie_json.py
Out:  `source.*`, `destination.*`, `user.name`, `process.command_line`; `cowrie.*`
Docs: Cowrie documentation, "Output Event Code Reference"; src/cowrie/ssh and src/cowrie/core/output.py

A log-in that a honeypot accepts is an attack that went on, and is marked a success as it would be on a server.
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

STAMP = r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})) )?"
# The transport's name ends with the number of its connection and the client's address.
PEER = r"\[[^\]]*,[0-9]+,(?P<source__address>[0-9A-Fa-f.:]+)\] "
ANY = r"\[[^\]]*\] "
LOGIN = partial(Line, action="ssh-login", category=("authentication",), type=("start",))
TRIED = STAMP + PEER + r"login attempt \[(?:b')?(?P<user__name>.*?)'?/(?:b')?(?P<cowrie__password>.*?)'?\] "
NETWORK = partial(Line, category=("network",))
SESSION = partial(Line, category=("session",), type=("info",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone)}


PARSER = Parser(
    module="cowrie",
    dataset="cowrie.log",
    programs=("cowrie",),
    signature=(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}) "
        r"\[(?:cowrie\.|HoneyPot|CowrieTelnet|SSHService |SSHChannel )"
    ),
    lines=(
        NETWORK(
            STAMP + ANY + r"New connection: (?P<source__address>[0-9A-Fa-f.:]+):(?P<source__port>[0-9]{1,5}) "
            r"\((?P<destination__address>[0-9A-Fa-f.:]+):(?P<destination__port>[0-9]{1,5})\) "
            r"\[session: (?P<cowrie__session>[^\]]*)\]",
            action="ssh-connect",
            type=("connection", "start"),
        ),
        LOGIN(TRIED + "failed", outcome="failure"),
        LOGIN(TRIED + "succeeded", outcome="success"),
        NETWORK(
            STAMP + PEER + r"(?P<event__reason>Connection lost after [0-9.]+ seconds)",
            action="ssh-disconnect",
            type=("connection", "end"),
        ),
        NETWORK(
            STAMP + PEER + r"direct-tcp connection request to (?P<destination__address>[^ ]+):"
            r"(?P<destination__port>[0-9]{1,5}) from .*",
            action="ssh-forward",
            type=("connection", "info"),
        ),
        SESSION(STAMP + PEER + r"CMD: (?P<process__command_line>.*)", action="ssh-command"),
        SESSION(STAMP + PEER + r"Remote SSH version: (?:b')?(?P<cowrie__client_version>.*?)'?", action="ssh-version"),
        SESSION(STAMP + PEER + r"(?P<message>.*)", action="ssh-note"),
        SESSION(STAMP + ANY + r"(?P<message>.*)", action="ssh-note"),
    ),
    finish=finish,
)
