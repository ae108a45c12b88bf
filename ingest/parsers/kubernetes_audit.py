r"""kubernetes_audit: the audit log of a Kubernetes API server in JSON.

In:   messages that are one JSON object with `apiVersion` `audit.k8s.io/…` and `kind` `Event`
Out:  `user.name`, `source.ip`, `event.action` (the verb), `url.original`, `http.*`; the rest as `kubernetes.audit.*`
Docs: Kubernetes, "Auditing"; kube-apiserver Audit Configuration (v1), type Event

A request gives an event a stage. Its bodies (`requestObject`, `responseObject`) are there only by the server's policy.
"""

from __future__ import annotations

import pyarrow as pa

from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "stageTimestamp": "@timestamp",
    "verb": "event.action",
    "requestURI": "url.original",
    "userAgent": "user_agent.original",
    "user.username": "user.name",
    "user.uid": "user.id",
    "user.groups": "user.roles",
    "impersonatedUser.username": "user.effective.name",
    "responseStatus.code": "http.response.status_code",
    "responseStatus.reason": "event.reason",
}
TYPES = {
    **dict.fromkeys(("get", "list", "watch", "head"), "access"),
    "create": "creation",
    **dict.fromkeys(("update", "patch"), "change"),
    **dict.fromkeys(("delete", "deletecollection"), "deletion"),
}
REFUSED = 400


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not str(document.get("apiVersion")).startswith("audit.k8s.io/") or document.get("kind") != "Event":
        return None
    event = renamed(document, NAMES, "kubernetes.audit")
    addresses = document.get("sourceIPs")
    if isinstance(addresses, list) and addresses:
        # The client's own first, then each proxy's.
        event["source.address"] = addresses[0]
    status = document.get("responseStatus.code")
    if isinstance(status, int):
        event["event.outcome"] = "failure" if status >= REFUSED else "success"
    event["event.category"] = ["iam" if document.get("objectRef.apiGroup") == "rbac.authorization.k8s.io" else "api"]
    event["event.type"] = [TYPES.get(str(document.get("verb")), "info")]
    return event


PARSER = Parser(
    module="kubernetes",
    dataset="kubernetes.audit",
    signature=r'\s*\{.*"apiVersion" ?: ?"audit\.k8s\.io/',
    read=read,
)
