r"""amavis: what the mail filter passed and blocked, and why.

In:   messages of amavis and amavisd
Out:  `event.outcome`, `source.ip`, `email.*`, `rule.name` of malware
Docs: amavisd-new, "log templates" ($log_templ)
"""

from __future__ import annotations

import pyarrow.compute as pc

from ingest.columns import list_of
from ingest.event import TEXTS, Columns
from ingest.lines import Context, Line, Parser

VERDICT = (
    r"\([0-9-]+\) (?P<amavis__action>Passed|Blocked|Not-Delivered) (?P<amavis__category>[A-Z0-9-]+)"
    r"(?: \((?P<rule__name>[^)]*)\))?(?: \{(?P<amavis__actions>[^}]*)\})?, "
)
CLIENT = (
    r"(?:LOCAL )?(?:[A-Z/-]+ )?(?:\[(?P<source__address>[0-9A-Fa-f.:]+)\](?::(?P<source__port>[0-9]+))?)?"
    r"(?: \[[^\]]*\])? ?(?:\(.*?\) )?(?:/?[A-Z/]+ )?"
)


def finish(columns: Columns, context: Context) -> Columns:
    recipients = pc.split_pattern(columns["_to"], ">,<")
    return {
        "event.outcome": pc.if_else(pc.equal(columns["amavis.action"], "Passed"), "success", "failure"),
        "email.from.address": list_of([columns["_from"]]),
        "email.to.address": recipients.cast(TEXTS),
    }


PARSER = Parser(
    module="amavis",
    dataset="amavis.log",
    programs=("amavis", "amavisd", "amavisd-new"),
    lines=(
        Line(
            VERDICT + CLIENT + r"<(?P<_from>.*?)> -> <(?P<_to>.*?)>(?:, quarantine: (?P<amavis__quarantine>[^,]*))?"
            r"(?:, Queue-ID: (?P<amavis__queue_id>[^,]*))?(?:, Message-ID: <(?P<email__message_id>[^>]*)>)?"
            r"(?:, .*?Hits: (?P<amavis__hits>[0-9.-]+))?(?:, .*)?",
            action="mail-filter",
            category=("email", "malware"),
            type=("info",),
        ),
    ),
    finish=finish,
)
