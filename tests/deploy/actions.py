"""actions: which permissions OpenSearch's security plugin asks for a request.

In:   method, path and body of a request of ours
Out:  the actions, each with the index that it is on, or of the cluster
Docs: OpenSearch's REST handlers and their transport actions; the plugin's static action groups. Creating an index by
      writing to it counts as indices:admin/create, a new field as indices:admin/mapping/put (PrivilegesEvaluatorImpl).
"""

from __future__ import annotations

import json
from typing import NamedTuple
from urllib.parse import unquote

GROUPS = {
    "read": ["indices:data/read*", "indices:admin/mappings/fields/get*", "indices:admin/resolve/index"],
    "write": ["indices:data/write*", "indices:admin/mapping/put"],
    "create_index": ["indices:admin/create", "indices:admin/mapping/put"],
    "cluster_composite_ops_ro": [
        "indices:data/read/mget",
        "indices:data/read/msearch",
        "indices:data/read/mtv",
        "indices:admin/aliases/exists*",
        "indices:admin/aliases/get*",
        "indices:data/read/scroll",
        "indices:admin/resolve/index",
    ],
    "cluster_composite_ops": [
        "indices:data/write/bulk",
        "indices:admin/aliases*",
        "indices:data/write/reindex",
        "cluster_composite_ops_ro",
    ],
    "cluster_monitor": ["cluster:monitor/*"],
}
"""Of the plugin's static action groups those that our roles name."""


class Needed(NamedTuple):
    action: str
    target: str = ""
    """The index; "" = a permission of the cluster."""


CREATING = ("indices:admin/create", "indices:admin/mapping/put")
ON_INDEX = {
    ("GET", "_search"): ("indices:data/read/search",),
    ("POST", "_search"): ("indices:data/read/search",),
    ("GET", "_count"): ("indices:data/read/search",),
    ("POST", "_count"): ("indices:data/read/search",),
    ("GET", "_doc"): ("indices:data/read/get",),
    ("PUT", "_doc"): ("indices:data/write/index", "indices:data/write/bulk[s]", *CREATING),
    ("POST", "_doc"): ("indices:data/write/index", "indices:data/write/bulk[s]", *CREATING),
    ("PUT", "_create"): ("indices:data/write/index", "indices:data/write/bulk[s]", *CREATING),
    ("POST", "_update"): ("indices:data/write/update", "indices:data/write/bulk[s]", *CREATING),
    ("POST", "_delete_by_query"): (
        "indices:data/write/delete/byquery",
        "indices:data/read/search",
        "indices:data/write/bulk[s]",
        "indices:data/write/delete",
    ),
    ("POST", "_refresh"): ("indices:admin/refresh",),
    ("GET", "_settings"): ("indices:monitor/settings/get",),
    ("PUT", "_settings"): ("indices:admin/settings/update",),
    ("PUT", "_mapping"): ("indices:admin/mapping/put",),
    ("DELETE", ""): ("indices:admin/delete",),
}
OF_CLUSTER = {
    ("GET", "_cluster"): "cluster:monitor/health",
    ("GET", "_index_template"): "indices:admin/index_template/get",
    ("PUT", "_index_template"): "indices:admin/index_template/put",
    ("GET", ""): "cluster:monitor/main",
    ("HEAD", ""): "cluster:monitor/main",
}
ITEMS = {"index": "index", "create": "index", "update": "update", "delete": "delete"}


def needed(method: str, path: str, body: bytes) -> list[Needed]:
    """Raises KeyError for a request that we did not know of: look its action up and write it above."""
    first, _, rest = unquote(path).strip("/").partition("/")
    if first == "_bulk" or rest == "_bulk":
        found = {Needed("indices:data/write/bulk")}
        for item, about in _headers(body):
            index = about.get("_index", first)
            for action in (f"indices:data/write/{ITEMS[item]}", "indices:data/write/bulk[s]", *CREATING):
                found.add(Needed(action, index))
        return sorted(found)
    if first == "_msearch" or rest == "_msearch":
        lines = [json.loads(line) for line in body.splitlines()[::2]]
        names = {name for line in lines for name in _names(line.get("index", first))}
        return [
            Needed("indices:data/read/msearch"),
            *sorted(Needed("indices:data/read/search", name) for name in names),
        ]
    if first.startswith("_") or not first:
        return [Needed(OF_CLUSTER[(method, first)])]
    operation = rest.partition("/")[0]
    actions = ON_INDEX[(method, operation)]
    of_cluster = [Needed("indices:data/read/scroll")] if operation == "_delete_by_query" else []
    return of_cluster + [Needed(action, name) for name in _names(first) for action in actions]


def _names(index: str | list[str]) -> list[str]:
    return index.split(",") if isinstance(index, str) else index


def _headers(body: bytes) -> list[tuple[str, dict[str, str]]]:
    """Each item's kind and what is said of it; the lines between are documents."""
    lines = [line for line in body.splitlines() if line.strip()]
    found, at = [], 0
    while at < len(lines):
        ((kind, about),) = json.loads(lines[at]).items()
        found.append((kind, about))
        at += 1 if kind == "delete" else 2
    return found
