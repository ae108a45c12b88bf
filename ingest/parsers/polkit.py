r"""polkit: programs run and actions allowed in another user's name.

In:   messages of pkexec and polkitd
Out:  `user.name` who asked, `user.effective.name` as whom, `process.command_line`, `event.outcome`
Docs: polkit src/programs/pkexec.c log_message(); src/polkitbackend/polkitbackendinteractiveauthority.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

# What the caller chose, its folder and its command, stands last.
WHERE = (
    r"\[USER=(?P<user__effective__name>[^\]]*)\] \[TTY=(?P<system__auth__sudo__tty>[^\]]*)\] "
    r"\[CWD=(?P<process__working_directory>.*?)\] \[COMMAND=(?P<process__command_line>.*)\]"
)
COMMAND = partial(Line, action="polkit-command", category=("process",), type=("start",))
ACTION = (
    r"(?:to gain (?:(?P<polkit__kind>[A-Z-]+) )?authorization )?for action (?P<polkit__action>[^ ]+) for "
    r"(?P<polkit__subject>[^ ]+)(?: \[(?P<process__command_line>.*)\])? \(owned by unix-user:(?P<user__name>[^)]*)\)"
)
AUTH = partial(Line, action="polkit-authorize", category=("authentication",), type=("info",))
OPERATOR = r"Operator of (?P<polkit__session>[^ ]+) "

PARSER = Parser(
    module="linux",
    dataset="linux.polkit",
    programs=("pkexec", "polkitd", "polkit-agent-helper-1"),
    lines=(
        COMMAND(rf"(?P<user__name>[^:]+): Executing command {WHERE}", outcome="success"),
        COMMAND(rf"(?P<user__name>[^:]+): (?P<event__reason>.*?) {WHERE}", outcome="failure"),
        AUTH(
            OPERATOR + r"successfully authenticated as unix-user:(?P<user__effective__name>[^ ]+) " + ACTION,
            outcome="success",
        ),
        AUTH(OPERATOR + r"FAILED to authenticate " + ACTION, outcome="failure"),
        Line(
            r"(?P<event__reason>Registered|Unregistered) Authentication Agent for (?P<polkit__session>[^ ]+) .*",
            action="polkit-agent",
            category=("process",),
            type=("info",),
        ),
    ),
)
