r"""pureftpd: log-ins and transfers of a Pure-FTPd server.

In:   messages of pure-ftpd, `(user@client) [LEVEL] message`
Out:  `user.name`, `source.ip`, `file.path`, `event.outcome`
Docs: Pure-FTPd src/messages_en.h; src/ftpd.c logfile()
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

HEAD = r"\((?P<_who>.*?)@(?P<source__address>[^@() ]+)\) \[(?P<log__level>[A-Z]+)\] "
SIZE = r" +\((?P<file__size>[0-9]+) bytes, [^)]*\)"
LOGIN = partial(Line, action="ftp-login", category=("authentication",), type=("start",))
FILE = partial(Line, category=("file",), outcome="success")
NETWORK = partial(Line, category=("network",))


def finish(columns: Columns, context: Context) -> Columns:
    """Before its log-in a client is called `?`."""
    who = columns["_who"]
    return {"user.name": pc.coalesce(columns["user.name"], when(pc.not_equal(who, "?"), who))}


PARSER = Parser(
    module="pureftpd",
    dataset="pureftpd.log",
    programs=("pure-ftpd", "pure-ftpd-mysql", "pure-ftpd-ldap", "pure-ftpd-postgresql"),
    lines=(
        LOGIN(HEAD + r"Authentication failed for user \[(?P<user__name>.*)\]", outcome="failure"),
        LOGIN(HEAD + r"(?P<event__reason>Too many authentication failures)", outcome="failure"),
        LOGIN(HEAD + r"(?P<event__reason>Can't login as \[(?P<user__name>.*)\]: account disabled)", outcome="failure"),
        LOGIN(HEAD + r"(?:PAM_RHOST enabled\. .*|(?P<user__name>.*) is now logged in)", outcome="success"),
        LOGIN(
            HEAD + r"Anonymous user logged in(?: the virtual FTP: .*)?",
            outcome="success",
            fields={"user.name": "anonymous"},
        ),
        NETWORK(HEAD + r"New connection from .*", action="ftp-connect", type=("connection", "start")),
        NETWORK(HEAD + r"Logout(?: - .*)?\.?", action="ftp-disconnect", type=("connection", "end")),
        NETWORK(HEAD + r"(?P<event__reason>Timeout.*)", action="ftp-disconnect", type=("connection", "end")),
        FILE(HEAD + rf"(?P<file__path>.*) uploaded{SIZE}", action="ftp-upload", type=("creation",)),
        FILE(HEAD + rf"(?P<file__path>.*) downloaded{SIZE}", action="ftp-download", type=("access",)),
        FILE(HEAD + r"Deleted (?P<file__path>.*)", action="ftp-delete", type=("deletion",)),
        FILE(
            HEAD + r"(?:File successfully renamed or moved|(?:Created|Removed) directory):? ?(?P<file__path>.*)",
            action="ftp-change",
            type=("change",),
        ),
        Line(
            HEAD + r"(?P<event__reason>Can't (?:open|create|remove|change directory|delete|rename) .*)",
            action="ftp-change",
            category=("file",),
            type=("change",),
            outcome="failure",
        ),
    ),
    finish=finish,
)
