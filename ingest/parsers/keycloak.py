r"""keycloak: log-ins and changes of accounts that Keycloak logs as events.

In:   `2026-03-05 08:15:02,113 WARN  [org.keycloak.events] (executor-thread-1) type="LOGIN_ERROR", realmId="...", ...`,
      with or without quotes; of administrators `operationType="CREATE", ... resourceType="USER", ...`
Out:  `user.name`, `user.id`, `source.ip`, `event.action` (the type in lower case), `event.reason`; every pair as
      `keycloak.*`
Docs: Keycloak Server Administration Guide, "Configuring auditing to track events"; JBossLoggingEventListenerProvider
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_valid
from ingest.event import TEXTS, Columns
from ingest.formats import key_value
from ingest.formats.labels import when
from ingest.lines import Context, Parsed, Parser

HEAD = (
    r"(?s)^(?:(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[,.][0-9]{3,9}(?:Z|[+-][0-9]{2}:?[0-9]{2})?) +)?"
    r"(?P<level>[A-Z]+) +\[(?P<logger>org\.key[a-z]*\.events)\] \((?P<thread>[^)]*)\) "
    r"(?P<pairs>(?:type|operationType)=.*)$"
)
USED = ("username", "userId", "ipAddress", "error")
IDENTITY = (
    r"^(?:LOGIN|LOGOUT|CODE_TO_TOKEN|REFRESH_TOKEN|CLIENT_LOGIN|IDENTITY_PROVIDER_|USER_SESSION|IMPERSONATE|TOKEN)"
)


def read(messages: pa.Array, context: Context) -> Parsed:
    parts = pc.extract_regex(messages, HEAD)
    rows = np.flatnonzero(is_valid(parts))
    if not len(rows):
        return rows, {}
    return rows, _columns(parts.take(pa.array(rows)), context.take(rows))


def _columns(parts: pa.StructArray, context: Context) -> Columns:
    pairs = key_value.split(parts.field("pairs"), separators=b", ")

    def said(name: str) -> pa.Array:
        column = pairs.column(name)
        return when(pc.not_equal(column, "null"), column)

    kind, change = said("type"), said("operationType")
    failed = pc.or_(pc.ends_with(kind, "_ERROR").fill_null(False), said("error").is_valid())
    login = pc.match_substring_regex(kind, IDENTITY).fill_null(False)
    ended = pc.starts_with(kind, "LOGOUT").fill_null(False)
    other = pc.and_(change.is_valid(), pc.invert(pc.starts_with(said("resourceType"), "USER").fill_null(False)))
    sort = pc.if_else(login, pc.if_else(ended, 1, 0), pc.if_else(other, 3, 2))
    return {
        "@timestamp": stamps.iso(parts.field("stamp"), context.zone),
        "log.level": parts.field("level"),
        "log.logger": parts.field("logger"),
        "process.thread.name": parts.field("thread"),
        "message": parts.field("pairs"),
        "event.action": pc.utf8_lower(pc.replace_substring_regex(pc.coalesce(kind, change), "_ERROR$", "")),
        "event.outcome": pc.if_else(failed, "failure", "success"),
        "event.category": pa.array(
            [["authentication", "session"], ["session"], ["iam"], ["configuration"]], TEXTS
        ).take(sort),
        "event.type": pa.array([["start"], ["end"], ["user", "change"], ["change"]], TEXTS).take(sort),
        "event.reason": said("error"),
        "user.name": said("username"),
        "user.id": said("userId"),
        "source.address": said("ipAddress"),
        "vendor": pairs.others("keycloak.", USED),
    }


PARSER = Parser(
    module="keycloak",
    dataset="keycloak.events",
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[,.][0-9]{3,9}(?:Z|[+-][0-9]{2}:?[0-9]{2})? +)?"
        r"[A-Z]+ +\[org\.key[a-z]*\.events\] "
    ),
    read=read,
)
