r"""sshd: OpenSSH server lines -> log-ins, attempts and connections.

In:   messages of sshd, and of the sshd-session and sshd-auth that OpenSSH 9.8 split from it
Out:  `user.name`, `source.*`, `system.auth.ssh.method`
Docs: OpenSSH auth.c auth_log(), packet.c, session.c; ECS event.category "authentication"
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

# Greedy on purpose: a client may send "x from 192.0.2.1 port 1" as its user name, and only the last " from " was
# written by sshd itself.
USER = r"(?P<user__name>.*)"
FROM = r"(?P<source__address>[^ ,]+?)(?: port (?P<source__port>[0-9]+))?"
METHOD = r"(?P<system__auth__ssh__method>[^ ]+) for (?:(?P<event__reason>invalid user|illegal user) )?"
# Whose log-in was under way, which newer versions write before the address; the address is a number then.
WHOM = r"(?:(?:authenticating user|invalid user|user) (?P<user__name>.*) )?"
PEER = WHOM + r"(?P<source__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+(?:%[^ ]+)?)(?: port (?P<source__port>[0-9]+))?"
WHY = r"(?P<event__reason>.*?)"
# The mark of the unprivileged child.
END = r"(?: \[preauth\])?"

LOGIN = partial(Line, action="ssh-login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="ssh-login", category=("authentication",), type=("start",), outcome="failure")
REFUSED = partial(Line, action="ssh-not-allowed", category=("authentication",), type=("denied",), outcome="failure")
NOTE = partial(Line, category=("authentication",), type=("info",), outcome="failure")
CONNECTED = partial(Line, action="ssh-connect", category=("network",), type=("connection", "start"))
CLOSED = partial(Line, action="ssh-disconnect", category=("network",), type=("connection", "end"))
PROBE = partial(Line, action="ssh-probe", category=("network",), type=("connection", "info"), outcome="failure")
SESSION = partial(Line, action="ssh-session", category=("session",))

PARSER = Parser(
    module="linux",
    dataset="linux.sshd",
    programs=("sshd", "sshd-session", "sshd-auth", "internal-sftp"),
    lines=(
        FAILED(rf"Failed {METHOD}{USER} from {FROM}(?: ssh2?)?(?:: (?P<system__auth__ssh__signature>.*))?{END}"),
        LOGIN(rf"Accepted {METHOD}{USER} from {FROM}(?: ssh2?)?(?:: (?P<system__auth__ssh__signature>.*))?"),
        CLOSED(rf"Connection (?P<event__reason>closed|reset) by {PEER}{END}"),
        CLOSED(rf"Received disconnect from {FROM}: ?[0-9]+: ?{WHY}{END}"),
        CLOSED(rf"Disconnected from {PEER}{END}"),
        NOTE(rf"(?:Invalid|Illegal) user (?P<user__name>.*?) ?from {FROM}{END}", action="ssh-invalid-user"),
        NOTE(rf"input_userauth_request: (?:invalid|illegal) user (?P<user__name>.*?){END}", action="ssh-invalid-user"),
        NOTE(
            rf"(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?{USER} from {FROM} ssh.*",
            action="ssh-max-attempts",
        ),
        NOTE(
            rf"Disconnecting(?: {PEER})?: (?P<event__reason>Too many authentication failures)(?: for .*)?{END}",
            action="ssh-max-attempts",
        ),
        CLOSED(rf"Disconnecting(?: {PEER})?: {WHY}{END}"),
        FAILED(rf"error: PAM: {WHY} for (?:illegal user |invalid user )?{USER} from (?P<source__address>[^ ]+)"),
        REFUSED(rf"User {USER} from (?P<source__address>[^ ]+) not allowed because (?P<event__reason>.*)"),
        REFUSED(rf"User {USER} not allowed because (?P<event__reason>.*)"),
        REFUSED(rf"ROOT LOGIN REFUSED FROM {FROM}", fields={"user.name": "root", "event.reason": "root log-in is off"}),
        REFUSED(r"refused connect from (?:[^ ]+ )?\(?(?P<source__address>[^ )]+)\)?"),
        CONNECTED(
            rf"Connection from {FROM} on (?P<destination__address>[^ ]+) port (?P<destination__port>[0-9]+)(?: .*)?"
        ),
        PROBE(
            rf"Did not receive identification string from {FROM}", fields={"event.reason": "no identification string"}
        ),
        PROBE(rf"(?P<event__reason>Bad protocol version identification '.*') from {FROM}"),
        PROBE(rf"(?:error: )?(?:banner exchange|ssh_dispatch_run_fatal): Connection from {PEER}: {WHY}{END}"),
        PROBE(rf"(?:fatal: )?Unable to negotiate with {PEER}: {WHY}{END}"),
        PROBE(
            rf"(?:fatal: )?(?P<event__reason>Timeout before authentication) for (?:connection from )?{FROM}(?: to .*)?"
        ),
        PROBE(
            r"drop connection #[0-9]+ from \[(?P<source__address>[^ \]]+)\]:(?P<source__port>[0-9]+) on [^ ]+ "
            r"(?P<event__reason>.*)"
        ),
        PROBE(
            r"reverse mapping checking getaddrinfo for (?P<source__domain>[^ ]+) \[(?P<source__address>[^ \]]+)\].*",
            fields={"event.reason": "the name of the address does not lead back to it"},
        ),
        PROBE(
            r"Address (?P<source__address>[^ ]+) maps to (?P<source__domain>[^ ]+), but this does not map back.*",
            fields={"event.reason": "the name of the address does not lead back to it"},
        ),
        PROBE(rf"(?P<event__reason>scanned) from {FROM} with .*"),
        PROBE(rf"(?P<event__reason>Magic value check failed .*) from {FROM}"),
        PROBE(rf"(?:error: )?(?P<event__reason>Protocol major versions differ) for {FROM}: .*"),
        NOTE(rf"Postponed {METHOD}{USER} from {FROM}(?: ssh2?)?{END}", action="ssh-login-continued", outcome=None),
        NOTE(r"(?:error: )?(?P<event__reason>PAM: .*|PAM service\(sshd\) ignoring max retries; .*)", action="ssh-note"),
        NOTE(r"(?P<event__reason>Authentication refused: .*)", action="ssh-not-allowed"),
        NOTE(rf"(?P<event__reason>userauth_pubkey: .* not in .*?){END}", action="ssh-not-allowed"),
        SESSION(
            r"subsystem request for (?P<system__auth__ssh__subsystem>[^ ]+)(?: by user (?P<user__name>.*))?",
            action="ssh-session",
            type=("info",),
        ),
        SESSION(
            r"session (?P<event__reason>opened|closed) for local user (?P<user__name>.*) from "
            r"\[(?P<source__address>[^\]]+)\]",
            action="ssh-session",
            type=("info",),
        ),
        Line(
            r"(?P<event__reason>Received signal [0-9]+; (?:terminating|restarting)\.)",
            action="ssh-stop",
            category=("process",),
            type=("end",),
        ),
        SESSION(rf"Starting session: .* for {USER} from {FROM} id [0-9]+", type=("start",)),
        SESSION(rf"Close session: user {USER} from {FROM} id [0-9]+", type=("end",)),
        Line(
            r"Server listening on (?P<server__address>[^ ]+) port (?P<server__port>[0-9]+)\.",
            action="ssh-listen",
            category=("process",),
            type=("info",),
        ),
        # Whatever else sshd says of a client, whose address it writes last.
        Line(rf".* from (?P<source__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+) port (?P<source__port>[0-9]+){END}"),
    ),
)
