r"""sudo: commands run, and refused, in another user's name.

In:   messages of sudo, `user : [reason ; ]TTY=... ; PWD=... ; USER=... ; COMMAND=...`
Out:  `user.name` who asked, `user.effective.name` as whom, `process.command_line`
Docs: sudoers(5), "Event logging", "Accepted command log entries"
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

USER = r" *(?P<user__name>[^ ].*?) : "
# The command comes last and may hold anything, " ; USER=" too: each part before it ends at its first " ; ".
WHERE = (
    r"(?:HOST=[^;]*? ; )?TTY=(?P<system__auth__sudo__tty>.*?) ; (?:CHROOT=.*? ; )?"
    r"(?:PWD|CWD)=(?P<process__working_directory>.*?) ; (?:USER=(?P<user__effective__name>.*?) ; )?"
    r"(?:GROUP=(?P<group__name>.*?) ; )?(?:TSID=.*? ; )?(?:ENV=.*? ; )?COMMAND=(?P<process__command_line>.*)"
)

COMMAND = partial(Line, action="sudo-command", category=("process",), type=("start",))

PARSER = Parser(
    module="linux",
    dataset="linux.sudo",
    programs=("sudo",),
    lines=(
        COMMAND(USER + WHERE, outcome="success"),
        COMMAND(USER + rf"(?P<event__reason>[^=]*?) ; {WHERE}", outcome="failure"),
    ),
)
