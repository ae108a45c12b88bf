r"""clamav: malware found, and signatures brought up to date.

In:   messages of clamd, clamav-milter, clamonacc, clamscan and freshclam
Out:  `file.path`, `rule.name` the signature, `source.ip` of a stream, `email.*` of a mail
Docs: ClamAV clamd/scanner.c, clamav-milter/clamfi.c, libfreshclam
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.columns import list_of
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = r"(?:[A-Z][a-z]{2} (?P<_stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4}) -> )?"
# The name of a file is its maker's; the signature holds no blank and comes last.
SIGNATURE = r"(?P<rule__name>[^ ]+?)(?:\((?P<file__hash__md5>[0-9a-f]{32}):(?P<file__size>[0-9]+)\))?"
FOUND = partial(Line, action="malware-found", category=("malware",), type=("info",))
UPDATE = partial(Line, action="signatures-update", category=("configuration",), type=("change",))


def finish(columns: Columns, context: Context) -> Columns:
    return {
        "@timestamp": stamps.bsd(columns["_stamp"], context.received, context.zone),
        "email.from.address": list_of([columns["_from"]]),
        "email.to.address": list_of([columns["_to"]]),
        "threat.indicator.name": columns["rule.name"],
    }


PARSER = Parser(
    module="clamav",
    dataset="clamav.log",
    programs=("clamd", "clamav", "clamav-milter", "clamonacc", "clamscan", "clamdscan", "freshclam", "clamav-daemon"),
    signature=r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4} -> ",
    lines=(
        FOUND(
            HEAD + r"(?:instream|stream)\((?P<source__address>[0-9A-Fa-f.:]+?)(?:@(?P<source__port>[0-9]+))?\): "
            rf"{SIGNATURE} FOUND"
        ),
        FOUND(HEAD + rf"(?:fd\[[0-9]+\]|[Ss]tream ?[0-9]*): {SIGNATURE} FOUND"),
        FOUND(HEAD + r"(?:ScanOnAccess: )?(?P<file__path>.*): " + SIGNATURE + r" FOUND(?: \((?P<event__reason>.*)\))?"),
        FOUND(
            HEAD + r"(?P<file__path>/.*): (?P<event__reason>moved to|copied to|removed\.?)(?: '?.*)?",
            action="malware-removed",
        ),
        FOUND(
            HEAD + r"Message (?:(?P<clamav__queue_id>[^ ]+) )?from <?(?P<_from>[^ >]*)>? to <?(?P<_to>[^ >]*)>? "
            r"(?:with subject '.*?' )?(?:message-id .*? )?(?:date .*? )?infected by (?P<rule__name>[^ ]+)"
        ),
        UPDATE(
            HEAD + r"(?P<clamav__database>[a-z]+(?:\.c[lv]d)?) (?P<event__reason>updated|(?:database )?is up to date) "
            r"\(version: (?P<clamav__version>[0-9]+), .*\)",
            outcome="success",
        ),
        UPDATE(
            HEAD + r"(?P<event__reason>Database updated \([0-9]+ signatures\).*|Database correctly reloaded.*)",
            outcome="success",
        ),
        UPDATE(
            HEAD + r"(?:ERROR|WARNING): ?(?P<event__reason>.*(?:[Uu]pdate|database|mirror|download|DNS|OUTDATED).*)",
            outcome="failure",
        ),
        Line(
            HEAD + r"(?:ERROR|WARNING|!|\^)[: ]*(?P<event__reason>.*)",
            action="scanner-error",
            category=("process",),
            type=("error",),
            outcome="failure",
        ),
    ),
    finish=finish,
)
