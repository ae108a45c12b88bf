r"""vsftpd: log-ins and transfers of an FTP server, in vsftpd's own form and as the xferlog of every FTP server.

In:   lines of vsftpd, from its file or by syslog; lines of an xferlog
Out:  `user.name`, `source.ip`, `file.path`, `event.outcome`
Docs: vsftpd logging.c; xferlog(5)
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats.labels import mapped
from ingest.lines import Context, Line, Parser

STAMP = r"[A-Z][a-z]{2} (?P<_stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4}) "
HEAD = rf"(?:{STAMP})?(?:\[pid (?P<process__pid>[0-9]+)\] )?(?:\[(?P<user__name>.*?)\] )?"
CLIENT = r'Client "(?P<source__address>[^"]+)"'
SIZE = r"(?:, (?P<file__size>[0-9]+) bytes)?(?:, [0-9.]+Kbyte/sec)?"
XFER = (
    STAMP + r"(?P<ftp__seconds>[0-9]+) (?P<source__address>[^ ]+) (?P<file__size>[0-9]+) (?P<file__path>.*) [ab] "
    r"[^ ] (?P<_way>[oid]) [agr] (?P<user__name>.*) ftp [01] (?P<ftp__identity>[^ ]+)(?: (?P<_status>[ci]))?"
)
LOGIN = partial(Line, action="ftp-login", category=("authentication",), type=("start",))
FILE = partial(Line, category=("file",))
ACTIONS = {"o": "ftp-download", "i": "ftp-upload", "d": "ftp-delete"}


def finish(columns: Columns, context: Context) -> Columns:
    complete = mapped(columns["_status"], {"c": "success", "i": "failure"})
    return {
        "@timestamp": stamps.bsd(columns["_stamp"], context.received, context.zone),
        "event.action": pc.coalesce(mapped(columns["_way"], ACTIONS), columns["event.action"]),
        "event.outcome": pc.coalesce(columns["event.outcome"], complete),
    }


PARSER = Parser(
    module="vsftpd",
    dataset="vsftpd.log",
    programs=("vsftpd",),
    signature=(
        r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4} "
        r"(?:\[pid [0-9]+\] |[0-9]+ [^ ]+ [0-9]+ .* [ab] [^ ] [oid] [agr] .* ftp [01] )"
    ),
    lines=(
        LOGIN(HEAD + rf"OK LOGIN: {CLIENT}(?:, anon password \"(?P<ftp__password>.*)\")?", outcome="success"),
        LOGIN(HEAD + rf"FAIL LOGIN: {CLIENT}", outcome="failure"),
        Line(
            HEAD + rf"CONNECT: {CLIENT}(?:, \"(?P<event__reason>.*)\")?",
            action="ftp-connect",
            category=("network",),
            type=("connection", "start"),
        ),
        LOGIN(HEAD + rf"FTP response: {CLIENT}, \"(?P<event__reason>530 .*)\"", outcome="failure"),
        Line(
            HEAD + rf"FTP (?:command|response): {CLIENT}, \"(?P<process__command_line>.*)\"",
            action="ftp-command",
            category=("network",),
            type=("protocol", "info"),
        ),
        FILE(
            HEAD + rf"OK UPLOAD: {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-upload",
            type=("creation",),
            outcome="success",
        ),
        FILE(
            HEAD + rf"FAIL UPLOAD: {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-upload",
            type=("creation",),
            outcome="failure",
        ),
        FILE(
            HEAD + rf"OK DOWNLOAD: {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-download",
            type=("access",),
            outcome="success",
        ),
        FILE(
            HEAD + rf"FAIL DOWNLOAD: {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-download",
            type=("access",),
            outcome="failure",
        ),
        FILE(
            HEAD + rf"OK (?:DELETE|RMDIR): {CLIENT}, \"(?P<file__path>.*)\"",
            action="ftp-delete",
            type=("deletion",),
            outcome="success",
        ),
        FILE(
            HEAD + rf"OK (?:MKDIR|RENAME|CHMOD|APPEND): {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-change",
            type=("change",),
            outcome="success",
        ),
        FILE(
            HEAD + rf"FAIL [A-Z]+: {CLIENT}, \"(?P<file__path>.*)\"{SIZE}",
            action="ftp-change",
            type=("change",),
            outcome="failure",
        ),
        FILE(XFER, type=("access",)),
    ),
    finish=finish,
)
