"""loader: index templates into OpenSearch.

In:   `templates/*.json`
Out:  the templates in OpenSearch, and their fields in the indices that stand already
Docs: OpenSearch index template API, `_meta` and `version`
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from opensearchpy import OpenSearch, OpenSearchException

from dashboards.mapping import TEMPLATES, template
from hamrong.errors import ServiceError


def install_templates(
    client: OpenSearch, replicas: int | None = None, alias: str = "soc-alerts", dry_run: bool = False
) -> dict[str, str]:
    """Each template by name, and what was done: created, updated, unchanged, or newer (a later version stands, kept).

    `replicas` None keeps the number that stands, 0 where none does. `alias` stands for `soc-alerts` in every name.
    With `dry_run` it is only said. A second call changes nothing. Raises ServiceError when OpenSearch is away or
    refuses.
    """
    done = {}
    try:
        for path in sorted(TEMPLATES.glob("*.json")):
            name = path.stem.replace("soc-alerts", alias, 1)
            done[name] = _install(client, name, renamed(template(path.stem), alias), replicas, dry_run)
    except OpenSearchException as error:
        raise ServiceError(f"OpenSearch does not take the index templates: {_cause(error)}") from error
    return done


def renamed(content: dict[str, Any], alias: str) -> dict[str, Any]:
    """The template for indices and an alias of another name."""
    inner = content["template"]
    return {
        **content,
        "index_patterns": [pattern.replace("soc-alerts", alias, 1) for pattern in content["index_patterns"]],
        "template": {
            **inner,
            "aliases": {
                name.replace("soc-alerts", alias, 1): value for name, value in inner.get("aliases", {}).items()
            },
        },
    }


def _install(client: OpenSearch, name: str, content: dict[str, Any], replicas: int | None, dry_run: bool) -> str:
    standing = _standing(client, name)
    if standing.get("version", 0) > content["version"]:
        return "newer"
    index = content["template"]["settings"]["index"]
    index["number_of_replicas"] = _replicas(standing) if replicas is None else replicas
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    if standing.get("_meta", {}).get("sha256") == digest:
        return "unchanged"
    what = "updated" if standing else "created"
    if dry_run:
        return f"would be {what}"
    content["_meta"]["sha256"] = digest
    for pattern in content["index_patterns"]:
        # The indices before the template: if one refuses, the next call tries again.
        client.indices.put_mapping(index=pattern, body=content["template"]["mappings"], allow_no_indices=True)
        settings = {"index": {"number_of_replicas": index["number_of_replicas"]}}
        client.indices.put_settings(index=pattern, body=settings, allow_no_indices=True)
    client.indices.put_index_template(name=name, body=content)
    return what


def _standing(client: OpenSearch, name: str) -> dict[str, Any]:
    """The template in OpenSearch, `{}` when there is none."""
    answer = client.indices.get_index_template(name=name, ignore=404)
    found: list[dict[str, Any]] = answer.get("index_templates", [])
    return found[0]["index_template"] if found else {}


def _replicas(standing: dict[str, Any]) -> int:
    settings = standing.get("template", {}).get("settings", {}).get("index", {})
    return int(settings.get("number_of_replicas", 0))


def _cause(error: OpenSearchException) -> str:
    """The innermost cause: the outer ones only say that something is wrong."""
    info = error.args[2] if len(error.args) > 2 else {}
    cause = info.get("error", {}) if isinstance(info, dict) else {}
    while isinstance(cause, dict) and isinstance(cause.get("caused_by"), dict):
        cause = cause["caused_by"]
    return str(cause["reason"]) if isinstance(cause, dict) and "reason" in cause else str(error)
