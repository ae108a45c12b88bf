r"""oracle_audit: Oracle Database's audit trail and listener log -> ECS database fields.

In:   `LENGTH : '160' ACTION :[7] 'CONNECT' DATABASE USER:[3] 'sys' ...` (mandatory audit of SYS), `LENGTH: "260"
      SESSIONID:[6] "123456" ... RETURNCODE:[4] "1017" ...` (standard audit), `LENGTH: '200' TYPE:"4" ...` (unified
      audit), each by syslog or as a file's record joined to one line; lines of `listener.log`
Out:  `user.name`, `source.*`, `event.action`, `event.outcome`; `oracle.database_audit.*`
Docs: Oracle Database Security Guide, "Auditing Administrative Users", AUDIT_SYSLOG_LEVEL, UNIFIED_AUDIT_SYSTEMLOG;
      Net Services Administrator's Guide, "Listener Log Files"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXTS, Columns
from ingest.lines import Context, Line, Parser

DATE = (
    r"(?:[A-Z][a-z]{2} (?P<_stamp>[A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8} [0-9]{4})"
    r"(?: (?P<_offset>[+-][0-9]{2}:[0-9]{2}))?\s+)?"
)
# The name of the program holds a blank, so that the header is read without it.
PROGRAM = r"(?:Oracle (?:Unified )?Audit\[(?P<process__pid>[0-9]+)\]: )?"
LENGTH = PROGRAM + r"LENGTH ?: ?['\"](?P<oracle__database_audit__length>[0-9]+)['\"]\s+"


def part(key: str, name: str, kind: str = "[^'\"]*") -> str:
    """`KEY :[3] 'value'` with either quote; the brackets hold the value's length."""
    return rf"{key} ?:\[[0-9]+\] ['\"](?P<{name}>{kind})['\"]"


# ACTION is the user's own statement and may hold all that follows it: the last of each is the server's.
SYS = (
    DATE + LENGTH + part("ACTION", "oracle__database_audit__action", ".*") + r"\s+"
    + part("DATABASE USER", "user__name") + r"\s+" + part("PRIVILEGE", "oracle__database_audit__privilege") + r"\s+"
    + part("CLIENT USER", "client__user__name") + r"\s+" + part("CLIENT TERMINAL", "oracle__database_audit__terminal")
    + r"\s+" + part("STATUS", "oracle__database_audit__status")
    + r"(?:\s+" + part("DBID", "oracle__database_audit__dbid") + r")?(?:\s+"
    + part("SESSIONID", "oracle__database_audit__session_id") + r")?(?:\s+"
    + part("USERHOST", "source__domain") + r")?(?:\s+" + part("CLIENT ADDRESS", "_address", ".*?") + r")?(?:\s+"
    + part("ACTION NUMBER", "oracle__database_audit__action_number") + r")?\s*"
)  # fmt: skip
STANDARD = (
    DATE + LENGTH + part("SESSIONID", "oracle__database_audit__session_id") + r"\s+"
    + part("ENTRYID", "oracle__database_audit__entry_id") + r"\s+" + r".*?" + part("USERID", "user__name") + r"\s+"
    + part("USERHOST", "source__domain") + r"\s+(?:" + part("TERMINAL", "oracle__database_audit__terminal") + r"\s+)?"
    + part("ACTION", "oracle__database_audit__action_number") + r"\s+"
    + part("RETURNCODE", "oracle__database_audit__status") + r"(?:\s+"
    + part(r"COMMENT\$TEXT", "oracle__database_audit__comment", "[^\"]*") + r")?.*"
)  # fmt: skip
UNIFIED = (
    LENGTH + r'TYPE:"(?P<oracle__database_audit__type>[^"]*)"\s+DBID:"(?P<oracle__database_audit__dbid>[^"]*)"\s+'
    r'SESID:"(?P<oracle__database_audit__session_id>[^"]*)"\s+CLIENTID:"(?P<oracle__database_audit__client_id>[^"]*)"\s+'
    r'ENTRYID:"(?P<oracle__database_audit__entry_id>[^"]*)"\s+STMTID:"[^"]*"\s+DBUSER:"(?P<user__name>[^"]*)"\s+'
    r'CURUSER:"(?P<user__effective__name>[^"]*)"\s+ACTION:"(?P<oracle__database_audit__action_number>[0-9]*)"\s+'
    r'RETCODE:"(?P<oracle__database_audit__status>[0-9]*)"\s+SCHEMA:"(?P<oracle__database_audit__schema>[^"]*)"\s+'
    r'OBJNAME:"(?P<oracle__database_audit__object>[^"]*)".*'
)
LISTENER = (
    r"(?P<_day>[0-9]{2}-[A-Z]{3}-[0-9]{4} [0-9:]{8}) \* (?P<_connect>\(CONNECT_DATA=.*\)) \* "
    r"\(ADDRESS=\(PROTOCOL=[a-z]+\)\(HOST=(?P<source__address>[^)]*)\)\(PORT=(?P<source__port>[0-9]+)\)\) \* "
    r"(?P<oracle__listener__event>[a-z_]+)(?: \* (?P<oracle__listener__service>[^ ]+))? \* "
    r"(?P<oracle__database_audit__status>[0-9]+)"
)
ADDRESS = r"\(HOST=(?P<host>[^)]*)\)(?:\(PORT=(?P<port>[0-9]+)\))?"
# AUDIT_ACTIONS: the numbers that tell of a session; every other one acts on an object.
LOGON = pa.array(["100", "CONNECT", "LOGON"])
LOGOFF = pa.array(["101", "102", "DISCONNECT", "LOGOFF"])


def finish(columns: Columns, context: Context) -> Columns:
    status = columns["oracle.database_audit.status"]
    number = pc.coalesce(columns["oracle.database_audit.action_number"], columns["oracle.database_audit.action"])
    connecting = pc.is_valid(columns["oracle.listener.event"])
    logon, logoff = pc.is_in(number, LOGON), pc.is_in(number, LOGOFF)
    ends = captured(pc.extract_regex(_addresses(columns), f"^.*?{ADDRESS}"))
    action = pc.case_when(
        pc.make_struct(connecting, logon, logoff),
        "database-connect",
        "database-login",
        "database-logout",
        "database-audit",
    )
    program = captured(pc.extract_regex(columns["_connect"], r"^.*\(USER=(?P<user>[^)]*)\)"))
    return {
        "@timestamp": pc.coalesce(_stamp(columns, context), _listener_stamp(columns["_day"], context)),
        "source.address": pc.coalesce(columns["source.address"], ends["host"]),
        "source.port": pc.coalesce(columns["source.port"], ends["port"]),
        "client.user.name": pc.coalesce(columns["client.user.name"], program["user"]),
        "event.action": action,
        "event.category": pa.array(CATEGORIES.values(), TEXTS).take(pc.index_in(action, pa.array(CATEGORIES))),
        "event.type": pa.array(TYPES.values(), TEXTS).take(pc.index_in(action, pa.array(TYPES))),
        "event.outcome": pc.if_else(pc.equal(status, "0"), "success", "failure"),
    }


CATEGORIES = {
    "database-connect": ["database", "network"],
    "database-login": ["database", "authentication"],
    "database-logout": ["database", "session"],
    "database-audit": ["database"],
}
TYPES = {
    "database-connect": ["connection", "start"],
    "database-login": ["start"],
    "database-logout": ["end"],
    "database-audit": ["access"],
}


def _addresses(columns: Columns) -> pa.Array:
    comment = columns["oracle.database_audit.comment"]
    return pc.coalesce(columns["_address"], pc.replace_substring_regex(comment, r"^.*?Client address: ", ""))


def _stamp(columns: Columns, context: Context) -> pa.Array:
    """`Mar  5 08:15:02 2026`, in the zone that stands behind it or that of the source."""
    written = columns["_stamp"]
    local = stamps.bsd(written, context.received, pa.repeat(pa.scalar("UTC"), len(written)))
    plain = stamps.bsd(written, context.received, context.zone)
    text = pc.binary_join_element_wise(pc.strftime(local, "%Y-%m-%dT%H:%M:%S"), columns["_offset"], "")
    return pc.coalesce(stamps.iso(pc.replace_substring_regex(text, r"\.0+", ""), context.zone), plain)


def _listener_stamp(days: pa.Array, context: Context) -> pa.Array:
    month = pc.utf8_capitalize(pc.utf8_slice_codeunits(days, 3, 6))
    parts = (month, pc.utf8_slice_codeunits(days, 0, 2), pc.utf8_slice_codeunits(days, 7, 20))
    return stamps.bsd(pc.binary_join_element_wise(*parts, " "), context.received, context.zone)


PARSER = Parser(
    module="oracle",
    dataset="oracle.database_audit",
    signature=(
        r"(?:[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8} [0-9]{4}[^\n]*\s+)?"
        r"(?:Oracle (?:Unified )?Audit\[[0-9]+\]: )?LENGTH ?: ?['\"]"
        r"|[0-9]{2}-[A-Z]{3}-[0-9]{4} [0-9:]{8} \* \(CONNECT_DATA="
    ),
    lines=(Line(SYS), Line(UNIFIED), Line(STANDARD), Line(LISTENER)),
    finish=finish,
)
