r"""cas: the audit trail of Apereo CAS (single sign-on).

In:   `... INFO [org.apereo.inspektr.audit.support.X] - WHEN|CAS|WHAT|ACTION|WHO|CLIENT|SERVER`
      and its older spelling; with an application server's stamp in front or without
Out:  `user.name`, `source.ip`, `server.ip`, `event.action` (the audit action in lower case); `cas.audit.what`
Docs: Apereo CAS, "Audits"; Inspektr, AbstractStringAuditTrailManager (a line for each record)
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXTS, Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

STAMP = r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:[,.][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?),? )?"
LOGGER = r"(?P<log__level>[A-Z]+) +\[(?P<log__logger>(?:org\.apereo|com\.github)\.inspektr\.[A-Za-z0-9_.]+)\] - "
# What was asked for holds what the client sent: only the last bars are CAS's.
RECORD = (
    r"<?(?P<_when>[^|]*)\|(?P<service__type>[^|]*)\|(?P<cas__audit__what>.*)\|(?P<_action>[A-Z_0-9]+)\|"
    r"(?P<user__name>[^|]*)\|(?P<source__address>[^|]*)\|(?P<server__address>[^|>]*)>?"
)


def finish(columns: Columns, context: Context) -> Columns:
    action = columns["_action"]
    failed = pc.match_substring_regex(action, "_(?:FAILED|NOT_CREATED|DENIED|REJECTED)$|^(?:.*_)?EVALUATION_FAILED$")
    login = pc.match_substring_regex(action, "AUTHENTICATION")
    ended = pc.match_substring_regex(action, "DESTROYED|LOGOUT")
    kind = pc.if_else(login, 0, pc.if_else(ended, 1, 2))
    # Nobody has logged in yet when a log-in fails: CAS writes the account that was tried, or this.
    user = when(
        pc.invert(pc.match_substring_regex(columns["user.name"], r"^(?:audit:unknown|anonymous)?$")),
        columns["user.name"],
    )
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "event.action": pc.utf8_lower(action),
        "event.category": pa.array([["authentication"], ["session"], ["session"]], TEXTS).take(kind),
        "event.type": pa.array([["start"], ["end"], ["info"]], TEXTS).take(kind),
        "event.outcome": pc.if_else(failed, "failure", "success"),
        "user.name": user,
    }


PARSER = Parser(
    module="cas",
    dataset="cas.audit",
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:[,.][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?,? )?"
        r"[A-Z]+ +\[(?:org\.apereo|com\.github)\.inspektr\."
    ),
    lines=(Line(STAMP + LOGGER + RECORD),),
    finish=finish,
)
