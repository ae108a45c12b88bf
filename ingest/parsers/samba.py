r"""samba: log-ins to a Samba file server or domain controller, and what was done with its files.

In:   messages of smbd, winbindd and samba with the debug class auth_audit; full_audit's `user|address|share|...`
Out:  `user.name`, `user.domain`, `source.ip`, `file.path`, `event.outcome`
Docs: Samba auth/auth_log.c log_authentication_event_human_readable(); vfs_full_audit(8)
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.formats.labels import one_of
from ingest.lines import Context, Line, Parser

HEAD = r"(?:\s*\[[0-9/]{10} [0-9:.]+, +[0-9]+\].*?\n? *)?\s*"
HOST = r"\[ipv[46]:(?P<source__address>[0-9.]+|[0-9A-Fa-f:]+?):(?P<source__port>[0-9]+)\]"
LOCAL = r" local host \[ipv[46]:(?P<destination__address>[0-9.]+|[0-9A-Fa-f:]+?):(?P<destination__port>[0-9]+)\]"
# The client's own words in brackets come before the status, which is Samba's; so the last status counts.
AUTH = (
    r"Auth: \[(?P<samba__service>[^\]]*)\] user \[(?P<user__domain>.*?)\]\\\[(?P<user__name>.*)\] at \[[^\]]*\] with "
    r"\[(?P<samba__method>[^\]]*)\] status \[(?P<event__reason>[A-Z_0-9]+)\] workstation \[(?P<source__domain>.*)\] "
    rf"remote host {HOST}"
)
AUDIT = (
    r"(?P<user__name>[^|]*)\|(?P<source__address>[0-9A-Fa-f.:]+)\|(?:(?P<source__domain>[^|]*)\|)?(?P<samba__share>[^|]+)"
    r"\|(?P<samba__operation>[a-z_]+)\|(?P<_result>ok|fail \([^|]*\))(?:\|[rw]{1,2})?(?:\|(?P<file__path>.*))?"
)
FILE = partial(Line, action="share-access", category=("file",), type=("access",))


def finish(columns: Columns, context: Context) -> Columns:
    status, result = columns["event.reason"], columns["_result"]
    well = pc.or_(one_of(status, "NT_STATUS_OK"), one_of(result, "ok"))
    return {"event.outcome": pc.if_else(well, "success", "failure")}


PARSER = Parser(
    module="samba",
    dataset="samba.log",
    programs=("smbd", "samba", "winbindd", "smbd_audit", "nmbd"),
    signature=r"\s*Auth: \[[^\]]*\] user \[",
    lines=(
        Line(
            HEAD + AUTH + rf"(?:.*{LOCAL})?.*",
            action="share-login",
            category=("authentication",),
            type=("start",),
        ),
        FILE(AUDIT),
    ),
    finish=finish,
)
