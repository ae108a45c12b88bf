r"""dropbear: the small SSH server of routers and cameras -> log-ins and attempts.

In:   messages of dropbear
Out:  `user.name`, `source.*`, `system.auth.ssh.method`, with the actions of sshd
Docs: Dropbear src/svr-authpasswd.c, svr-authpubkey.c, svr-session.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

# The name in quotes is the client's, greedily; the address is dropbear's.
FROM = r"<?(?P<source__address>[0-9.]+|[0-9A-Fa-f:]+?):(?P<source__port>[0-9]+)>?"
USER = r"'(?P<user__name>.*)'"
LOGIN = partial(Line, action="ssh-login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="ssh-login", category=("authentication",), type=("start",), outcome="failure")
NOTE = partial(Line, category=("authentication",), type=("info",), outcome="failure")
CLOSED = partial(Line, action="ssh-disconnect", category=("network",), type=("connection", "end"))

PARSER = Parser(
    module="linux",
    dataset="linux.sshd",
    programs=("dropbear",),
    signature=(
        r"Bad (?:PAM )?password attempt for '|Login attempt for nonexistent user |Exit before auth |"
        r"(?:PAM )?[Pp]assword auth succeeded for '|Pubkey auth succeeded for '"
    ),
    lines=(
        FAILED(
            rf"Bad (?:PAM )?(?P<system__auth__ssh__method>password) attempt for {USER} from {FROM}",
            fields={"event.reason": "wrong password"},
        ),
        NOTE(rf"Login attempt for nonexistent user(?: {USER})? from {FROM}", action="ssh-invalid-user"),
        NOTE(rf"Login attempt (?:with|for) (?P<event__reason>.*?)(?: {USER})? from {FROM}", action="ssh-not-allowed"),
        LOGIN(
            rf"(?:PAM p|P)assword auth succeeded for {USER} from {FROM}",
            fields={"system.auth.ssh.method": "password"},
        ),
        LOGIN(
            rf"Pubkey auth succeeded for {USER} with (?:[^ ]+ )?key (?P<system__auth__ssh__signature>.*) from {FROM}",
            fields={"system.auth.ssh.method": "publickey"},
        ),
        NOTE(
            r"Exit before auth(?: from "
            + FROM
            + r")?: \(user '(?P<user__name>.*)', [0-9]+ fails\): (?P<event__reason>Max auth tries reached).*",
            action="ssh-max-attempts",
        ),
        CLOSED(rf"Exit before auth(?: \(user {USER}, [0-9]+ fails\))?(?: from {FROM})?: (?P<event__reason>.*)"),
        CLOSED(rf"Exit \((?P<user__name>.*)\)(?: from {FROM})?: (?P<event__reason>.*)"),
        Line(
            rf"Child connection from {FROM}", action="ssh-connect", category=("network",), type=("connection", "start")
        ),
    ),
)
