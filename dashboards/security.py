"""security: who may do what, and how long indices live, where OpenSearch's plugins are there to see to it.

In:   `roles/*.json`, `policies/*.json`
Out:  roles of the security plugin, policies of the index-management plugin; a sentence for each
Docs: OpenSearch Security, "Roles API"; Index State Management API

A second call changes nothing. OpenSearch without the plugin (the embedded one) is told in a sentence and left as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch, OpenSearchException

from hamrong.errors import ServiceError

ROLES = Path(__file__).parent / "roles"
POLICIES = Path(__file__).parent / "policies"
SECURITY, MANAGEMENT = "opensearch-security", "opensearch-index-management"


def install_roles(client: OpenSearch) -> list[str]:
    """Raises ServiceError when OpenSearch is away or refuses."""
    try:
        if SECURITY not in _plugins(client):
            return [f"roles: left out, as this OpenSearch has no {SECURITY}: whoever reaches it may do everything"]
        for path in sorted(ROLES.glob("*.json")):
            client.transport.perform_request("PUT", f"/_plugins/_security/api/roles/{path.stem}", body=_read(path))
    except OpenSearchException as error:
        raise ServiceError(f"OpenSearch does not take the roles: {error}") from error
    return [f"role {path.stem}: set" for path in sorted(ROLES.glob("*.json"))]


def install_policies(client: OpenSearch, keep_months: dict[str, int]) -> list[str]:
    """`keep_months` are those of a policy's indices; 0 = for ever. Raises ServiceError like `install_roles`."""
    try:
        if MANAGEMENT not in _plugins(client):
            return [f"policies: left out, as this OpenSearch has no {MANAGEMENT}: 'hamrong maintain' drops old indices"]
        return [
            f"policy {path.stem}: {_install(client, path.stem, policy(path.stem, keep_months.get(path.stem)))}"
            for path in sorted(POLICIES.glob("*.json"))
        ]
    except OpenSearchException as error:
        raise ServiceError(f"OpenSearch does not take the policies: {error}") from error


def policy(name: str, months: int | None = None) -> dict[str, Any]:
    """The document, with the age of its last state for so many months; None leaves it, 0 takes the state away."""
    content = _read(POLICIES / f"{name}.json")
    first = content["policy"]["states"][0]
    if months == 0:
        first["transitions"] = []
    elif months is not None:
        # An index holds a month of its own before the months that are kept after it.
        first["transitions"][0]["conditions"]["min_index_age"] = f"{(months + 1) * 31}d"
    return content


def _install(client: OpenSearch, name: str, content: dict[str, Any]) -> str:
    address = f"/_plugins/_ism/policies/{name}"
    standing = client.transport.perform_request("GET", address, params={"ignore": 404})
    if not standing.get("policy"):
        client.transport.perform_request("PUT", address, body=content)
        return "created"
    if _holds(standing["policy"], content["policy"]):
        return "unchanged"
    lock = {"if_seq_no": standing["_seq_no"], "if_primary_term": standing["_primary_term"]}
    client.transport.perform_request("PUT", address, params=lock, body=content)
    return "updated"


def _holds(standing: Any, wanted: Any) -> bool:
    """Whether `standing` says all of `wanted`; the plugin adds values of its own, such as retries."""
    if isinstance(wanted, dict):
        return isinstance(standing, dict) and all(_holds(standing.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        is_list = isinstance(standing, list) and len(standing) == len(wanted)
        return is_list and all(_holds(here, there) for here, there in zip(standing, wanted, strict=True))
    return bool(standing == wanted)


def _plugins(client: OpenSearch) -> set[str]:
    return {plugin["component"] for plugin in client.cat.plugins(format="json")}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
