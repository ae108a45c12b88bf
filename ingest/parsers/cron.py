r"""cron: commands that cron starts, and changes of its tables.

In:   messages of cron, crond and crontab, `(user) VERB (detail)`
Out:  `user.name`, `process.command_line`
Docs: Vixie cron misc.c log_it(); cronie
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

USER = r"\((?P<user__name>[^)]*)\) "
TABLE = partial(Line, category=("configuration",))

PARSER = Parser(
    module="linux",
    dataset="linux.cron",
    programs=("cron", "crond", "crontab", "anacron"),
    lines=(
        Line(
            USER + r"CMD \( *(?P<process__command_line>.*)\)",
            action="cron-command",
            category=("process",),
            type=("start",),
        ),
        TABLE(USER + r"LIST \((?P<user__target__name>.*)\)", action="crontab-list", type=("access",)),
        TABLE(
            USER + r"(?P<event__reason>BEGIN EDIT|END EDIT|REPLACE|DELETE) \((?P<user__target__name>.*)\)",
            action="crontab-change",
            type=("change",),
        ),
        TABLE(
            USER + r"AUTH \((?P<event__reason>crontab command not allowed.*)\)",
            action="crontab-change",
            type=("denied",),
            outcome="failure",
        ),
        TABLE(
            USER + r"(?P<event__reason>RELOAD) \((?P<file__path>.*)\)",
            action="crontab-load",
            type=("access",),
        ),
        TABLE(
            USER + r"(?P<event__reason>(?:ORPHAN|BAD FILE MODE|WRONG FILE OWNER|NO PASSWD ENTRY)(?: \(.*\))?)",
            action="crontab-load",
            type=("access",),
            outcome="failure",
        ),
        Line(
            USER + r"CMDEND \( *(?P<process__command_line>.*)\)",
            action="cron-command-end",
            category=("process",),
            type=("end",),
        ),
        Line(
            USER + r"CMDOUT \((?P<cron__output>.*)\)",
            action="cron-command-output",
            category=("process",),
            type=("info",),
        ),
        Line(
            USER + r"(?P<event__reason>FAILED to (?:authorize user with PAM|open PAM security session).*|"
            r"PAM ERROR \(.*\)|ERROR \(.*\)|DEATH \(.*\))",
            action="cron-refused",
            category=("process",),
            type=("denied",),
            outcome="failure",
        ),
        Line(
            r"Job `(?P<cron__job>[^']*)' (?P<event__reason>started|terminated(?: \(.*\))?)",
            action="cron-job",
            category=("process",),
            type=("info",),
        ),
    ),
)
