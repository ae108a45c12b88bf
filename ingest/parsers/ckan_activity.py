r"""ckan_activity: CKAN's stream of activities -> data sets published, changed and deleted.

In:   one activity a line, as the API's activity lists hold them: `{"activity_type": "deleted package", ...}`
Out:  `event.action` as in docs/formats/province-audit.md, `user.id`, `soc.audit.object`, `ckan.activity.*`
Docs: CKAN API guide, "activity"; ckanext-activity, activity types
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.lines import Context, Parsed, Parser

# "<verb> <what>" of an activity type
VERBS = {"new": "creation", "changed": "change", "deleted": "deletion"}
ACTIONS = {
    "package": {"new": "dataset-publish", "changed": "dataset-update", "deleted": "dataset-delete"},
    "user": {"new": "user-create", "changed": "user-change", "deleted": "user-delete"},
}


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    kind = document.get("activity_type")
    if not isinstance(kind, str) or " " not in kind:
        return None
    verb, _, what = kind.partition(" ")
    found: dict[str, Any] = {
        "event.action": ACTIONS.get(what, {}).get(verb) or kind.replace(" ", "-"),
        "event.category": ["iam" if what == "user" else "database"],
        "event.type": ["user", VERBS.get(verb, "info")] if what == "user" else [VERBS.get(verb, "info")],
        "event.outcome": "success",
        "@timestamp": _utc(document.get("timestamp")),
        "user.id": document.get("user_id"),
        "user.name": document.get("user.name") or document.get("data.actor"),
        "soc.audit.object": document.get("data.package.name") or document.get("object_id"),
        "ckan.activity.id": document.get("id"),
        "ckan.activity.type": kind,
        "ckan.activity.object_id": document.get("object_id"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _utc(stamp: Any) -> str | None:
    """CKAN writes UTC and does not say so."""
    if not isinstance(stamp, str):
        return None
    return stamp if stamp.endswith("Z") or stamp[-6:-5] in ("+", "-") else f"{stamp}Z"


PARSER = Parser(
    module="ckan",
    dataset="ckan.activity",
    signature=r'\s*\{.*"activity_type" ?:',
    read=read,
)
