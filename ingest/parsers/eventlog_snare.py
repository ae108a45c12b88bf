r"""eventlog_snare: Windows events of the Snare agent, fields between tabs -> ECS.

In:   `MSWinEventLog <criticality> <log> <counter> <time> <event id> <source> <user> <type of SID> <type> <computer>
      <category> <data> <text> <counter>`, between tabs, or `#011` where rsyslog has written them so
Out:  `winlog.*` and ECS, see ingest/vendors/winlog.py
Docs: Snare for Windows, "Output format"
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from ingest.lines import Context, Parsed, Parser
from ingest.vendors import winlog

TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9:]{8}) ([0-9]{4})")
MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11,
    "Dec": 12,
}  # fmt: skip
OUTCOMES = {"Success Audit": "success", "Failure Audit": "failure"}
FIELDS = 14
"""Until the text, which may hold tabs itself; the last counter is not in all versions."""


def _time(text: str) -> str | None:
    """`Thu Mar 05 08:15:02 2026` as ISO 8601."""
    written = TIME.fullmatch(text)
    if not written or written[1] not in MONTHS:
        return None
    return f"{written[4]}-{MONTHS[written[1]]:02}-{int(written[2]):02} {written[3]}"


def _record(text: str) -> winlog.Record | None:
    parts = text.replace("#011", "\t").split("\t", FIELDS - 1) if "#011" in text[:20] else text.split("\t", FIELDS - 1)
    if len(parts) < FIELDS or not parts[5].isdecimal():
        return None
    _, _, channel, counter, time, event_id, source, user, _, kind, computer, category, _, rest = parts
    domain, _, name = user.rpartition("\\")
    head, tab, last = rest.rpartition("\t")
    header = {
        "channel": channel, "record_id": counter, "time": _time(time), "event_id": event_id, "provider": source,
        "outcome": OUTCOMES.get(kind), "level": kind, "computer": computer, "task": category,
        "message": (head if tab and last.strip().isdigit() else rest).strip(),
    }  # fmt: skip
    if name not in ("", "N/A", "Unknown User"):
        header |= {"user_name": name, "user_domain": domain or None}
    return {key: value for key, value in header.items() if value}, {}


def read(messages: pa.Array, context: Context) -> Parsed:
    found = [(row, record) for row, text in enumerate(messages.to_pylist()) if (record := _record(text))]
    rows = np.array([row for row, _ in found], dtype=np.int64)
    if not found:
        return rows, {}
    return rows, winlog.events([record for _, record in found], context.zone.take(pa.array(rows)))


PARSER = Parser(
    module="windows",
    dataset="windows.forwarded",
    programs=("mswineventlog",),
    signature=r"MSWinEventLog(?:\t|#011)",
    read=read,
)
