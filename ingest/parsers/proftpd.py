r"""proftpd: log-ins to a ProFTPD server.

In:   lines of proftpd, from its file or by syslog, `server (client[address]): message`
Out:  `user.name`, `source.ip`, `event.outcome`
Docs: ProFTPD src/log.c pr_log_pri(), modules/mod_auth.c; mod_sftp
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}) (?P<host__name>[^ ]+) "
    r"proftpd\[(?P<process__pid>[0-9]+)\]:? )?"
    r"(?P<server__address>[^ ]+) \((?P<_name>[^\[\]()]*)\[(?P<source__address>[0-9A-Fa-f.:]+)\]\)(?::| -) "
)
# The client's name; what follows it is proftpd's, so the name is greedy.
USER = r"USER (?P<user__name>.*)"
LOGIN = partial(Line, action="ftp-login", category=("authentication",), type=("start",))
FAILED = partial(LOGIN, outcome="failure")
NETWORK = partial(Line, category=("network",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone)}


PARSER = Parser(
    module="proftpd",
    dataset="proftpd.log",
    programs=("proftpd",),
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} [^ ]+ proftpd\[[0-9]+\]",
    lines=(
        FAILED(HEAD + USER + r": (?P<event__reason>no such user found) from .*"),
        FAILED(HEAD + USER + r" \((?:Login failed|Limit access denies login)\): (?P<event__reason>.*)"),
        FAILED(HEAD + r"(?P<event__reason>Maximum login attempts \([0-9]+\) exceeded).*"),
        FAILED(HEAD + r"(?P<event__reason>SECURITY VIOLATION: (?:(?P<user__name>root) login attempted)?.*)"),
        LOGIN(HEAD + r"(?:USER|ANON) (?P<user__name>.*): Login successful\.?", outcome="success"),
        NETWORK(HEAD + r"(?:FTP|SSH2|SFTP) session opened\.?", action="ftp-connect", type=("connection", "start")),
        NETWORK(HEAD + r"(?:FTP|SSH2|SFTP) session closed\.?", action="ftp-disconnect", type=("connection", "end")),
        NETWORK(
            HEAD + r"(?P<event__reason>(?:FTP )?(?:login timed out|no transfer timeout|idle timeout|session idle).*)",
            action="ftp-disconnect",
            type=("connection", "end"),
        ),
        NETWORK(HEAD + r"(?P<event__reason>.*)", action="ftp-note", type=("connection", "info")),
    ),
    finish=finish,
)
