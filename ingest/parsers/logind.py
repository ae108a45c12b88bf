r"""logind: sessions that systemd-logind opens and closes, and the end of the system.

In:   messages of systemd-logind
Out:  `user.name` of a new session, `system.auth.session.id`
Docs: systemd src/login/logind-session.c, logind-action.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

SESSION = partial(Line, category=("session",), outcome="success")
ID = r"'?(?P<system__auth__session__id>[^ ']+)'?"

PARSER = Parser(
    module="linux",
    dataset="linux.logind",
    programs=("systemd-logind",),
    lines=(
        SESSION(
            rf"New session {ID} of user '?(?P<user__name>.+?)'?(?: with class .*)?\.",
            action="session-open",
            type=("start",),
        ),
        SESSION(rf"Removed session {ID}\.", action="session-close", type=("end",)),
        SESSION(rf"Session {ID} logged out\..*", action="session-close", type=("end",)),
        Line(
            r"(?:The system will|System is) (?P<event__reason>power(?:ing)? (?:off|down)|(?:reboot|halt)(?:ing)?)\b.*",
            action="shutdown",
            category=("host",),
            type=("end",),
        ),
        Line(
            r"(?P<event__reason>(?:Power|Suspend|Hibernate|Reboot) key pressed.*|Lid (?:closed|opened)|Suspending.*|"
            r"Operation '.*' finished|Delay lock is active.*)\.?",
            action="power-event",
            category=("host",),
            type=("info",),
        ),
        Line(
            r"(?P<event__reason>Failed to .*|Creating /run/nologin, .*)",
            action="logind-note",
            category=("session",),
            type=("info",),
        ),
    ),
)
