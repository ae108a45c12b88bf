r"""province: the audit lines of the province's own systems -> ECS events.

In:   messages that are one JSON object with an `event.action`
Out:  ECS fields as sent; `soc.audit.*`; category and type by the action
Docs: docs/formats/province-audit.md
"""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from ingest import json_lines
from ingest.event import TEXTS, Columns
from ingest.json_lines import Document
from ingest.lines import Context, Parsed, Parser

# event.action -> event.category, event.type
ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "login": (("authentication",), ("start",)),
    "otp-check": (("authentication",), ("info",)),
    "logout": (("authentication",), ("end",)),
    "case-submit": (("file",), ("creation",)),
    "case-open": (("file",), ("access",)),
    "case-update": (("file",), ("change",)),
    "file-open": (("file",), ("access",)),
    "file-download": (("file",), ("access",)),
    "document-issue": (("file",), ("creation",)),
    "document-forward": (("file",), ("change",)),
    "record-read": (("database",), ("access",)),
    "data-export": (("database",), ("access",)),
    "payment": (("web",), ("info",)),
    "payment-mismatch": (("web",), ("info",)),
    "role-grant": (("iam",), ("user", "change")),
    "role-revoke": (("iam",), ("user", "change")),
    "user-create": (("iam",), ("user", "creation")),
    "user-delete": (("iam",), ("user", "deletion")),
    "user-change": (("iam",), ("user", "change")),
    "dataset-publish": (("database",), ("creation",)),
    "dataset-delete": (("database",), ("deletion",)),
    "api-call": (("api",), ("access",)),
    "order-place": (("web",), ("info",)),
    "trace-issue": (("web",), ("creation",)),
    "config-change": (("configuration",), ("change",)),
}
LEVEL = "soc.audit.document.level"
OUTCOMES = pa.array(["success", "failure", "unknown"])


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("event.action"), str):
        return None
    if isinstance(level := document.get(LEVEL), str):
        # "Mật" typed on a Mac is five code points and on Windows three; rules compare with the one in the document.
        document[LEVEL] = unicodedata.normalize("NFC", level).lower().strip()
    return document


def finish(columns: Columns, context: Context) -> Columns:
    place = pc.index_in(columns["event.action"], pa.array(ACTIONS))
    outcome = columns["event.outcome"]
    return {
        "event.category": pa.array([category for category, _ in ACTIONS.values()], TEXTS).take(place),
        "event.type": pa.array([kind for _, kind in ACTIONS.values()], TEXTS).take(place),
        "event.outcome": pc.if_else(pc.is_in(outcome, OUTCOMES), outcome, "unknown"),
    }


PARSER = Parser(module="province", dataset="province.audit", signature=r"\s*\{", read=read, finish=finish)
