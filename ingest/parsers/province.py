r"""province: the audit lines of the province's own systems -> ECS events.

In:   messages that are one JSON object with an `event.action`
Out:  ECS fields as sent; `soc.audit.*`; category and type by the action; citizens' identity numbers masked
Docs: docs/formats/province-audit.md
"""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import identity, json_lines
from ingest.formats.json_lines import Document
from ingest.lines import Context, Parsed, Parser

# (event.category, event.type) -> the actions
KINDS: dict[tuple[str, str], str] = {
    ("authentication", "start"): "login",
    ("authentication", "info"): "otp-check",
    ("authentication", "end"): "logout",
    ("file", "creation"): "case-submit file-upload document-issue document-receive result-issue",
    ("file", "access"): "case-open file-open file-download",
    ("file", "change"): (
        "case-receive case-update case-forward case-return case-approve document-forward document-sign document-recall"
    ),
    ("file", "deletion"): "case-cancel file-delete",
    ("database", "access"): "record-read record-verify data-export",
    ("database", "change"): "record-change dataset-update",
    ("database", "creation"): "dataset-publish",
    ("database", "deletion"): "dataset-delete",
    ("web", "info"): "payment payment-mismatch payment-refund order-place order-cancel trace-read",
    ("web", "creation"): "trace-issue product-publish",
    ("web", "deletion"): "trace-revoke product-delete",
    ("iam", "user change"): (
        "role-grant role-revoke user-change password-change password-reset account-lock account-unlock"
    ),
    ("iam", "user creation"): "user-create",
    ("iam", "user deletion"): "user-delete",
    ("api", "access"): "api-call",
    ("configuration", "creation"): "api-publish api-key-issue",
    ("configuration", "deletion"): "api-retire api-key-revoke",
    ("configuration", "change"): "config-change api-change",
}
# event.action -> event.category, event.type
ACTIONS = {
    action: ((category,), tuple(types.split()))
    for (category, types), actions in KINDS.items()
    for action in actions.split()
}
LEVEL = "soc.audit.document.level"
OUTCOMES = pa.array(["success", "failure", "unknown"])


def read(messages: pa.Array, context: Context) -> Parsed:
    rows, columns = json_lines.read(messages, context.zone, _accept)
    # The line itself is the message of an event that brings none; it is a field like any other, to be masked.
    whole = messages.take(pa.array(rows))
    columns["message"] = pc.coalesce(columns["message"], whole) if "message" in columns else whole
    return rows, columns | identity.masked(columns)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("event.action"), str) or any(name.startswith("winlog.") for name in document):
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


PARSER = Parser(
    module="province", dataset="province.audit", signature=r'\s*\{.*"(?:event\.)?action" ?:', read=read, finish=finish
)
