"""security: who may do what, and how long indices live, where OpenSearch's plugins are there to see to it.

In:   `roles/*.json`, `role_mappings.json`, `policies/*.json`; the names of our indices in the configuration
Out:  roles and role mappings of the security plugin, policies of the index-management plugin; a sentence for each
Docs: OpenSearch Security, "Roles", "Role mappings"; Index State Management API

A second call changes nothing. What a site has added to a mapping stays. OpenSearch without a plugin (the embedded one)
is told in a sentence and left as it is. With `dry_run` the sentences say what would be done.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from opensearchpy import OpenSearch, OpenSearchException, TransportError

from hamrong.config import OpenSearch as Settings
from hamrong.errors import ServiceError

HERE = Path(__file__).parent
ROLES, POLICIES = HERE / "roles", HERE / "policies"
MAPPINGS = HERE / "role_mappings.json"
"""Role -> backend roles that get it. `kibana_user` is the plugin's own: without it nobody opens Dashboards."""
SECURITY, MANAGEMENT = "opensearch-security", "opensearch-index-management"
API, ISM = "/_plugins/_security/api", "/_plugins/_ism"


def install_roles(client: OpenSearch, settings: Settings, dry_run: bool = False) -> list[str]:
    """The roles, then who gets them. Raises ServiceError when OpenSearch is away or refuses."""
    try:
        if SECURITY not in _plugins(client):
            return [f"roles: left out, as this OpenSearch has no {SECURITY}: whoever reaches it may do everything"]
        done = []
        for name in sorted(path.stem for path in ROLES.glob("*.json")):
            address, wanted = f"{API}/roles/{name}", role(name, settings)
            standing = _get(client, address).get(name)
            what = _put(client, address, standing, wanted, dry_run)
            done.append(f"role {name}: {what}")
        for name, backend_roles in json.loads(MAPPINGS.read_text(encoding="utf-8")).items():
            done.append(f"role mapping {name}: {_map(client, name, backend_roles, dry_run)}")
    except OpenSearchException as error:
        raise ServiceError(f"OpenSearch does not take the roles: {_reason(error)}") from error
    return done


def install_policies(client: OpenSearch, settings: Settings, dry_run: bool = False) -> list[str]:
    """Raises ServiceError like `install_roles`."""
    months = {"soc-audit": settings.keep_months_audit, "soc-sources": settings.keep_months_sources}
    try:
        if MANAGEMENT not in _plugins(client):
            return [f"policies: left out, as this OpenSearch has no {MANAGEMENT}: 'hamrong maintain' drops old indices"]
        return [
            f"policy {name}: {_install(client, name, policy(name, settings, months.get(name)), dry_run)}"
            for name in sorted(path.stem for path in POLICIES.glob("*.json"))
        ]
    except OpenSearchException as error:
        raise ServiceError(f"OpenSearch does not take the policies: {_reason(error)}") from error


def role(name: str, settings: Settings) -> dict[str, Any]:
    """The document, for the indices as the configuration calls them."""
    content = _read(ROLES / f"{name}.json")
    for given in content["index_permissions"]:
        given["index_patterns"] = [_named(pattern, settings) for pattern in given["index_patterns"]]
    return content


def policy(name: str, settings: Settings, months: int | None = None) -> dict[str, Any]:
    """The document, with the age of its last state for so many months; None leaves it, 0 takes the state away."""
    content = _read(POLICIES / f"{name}.json")
    first = content["policy"]["states"][0]
    if months == 0:
        first["transitions"] = []
    elif months is not None:
        # An index holds a month of its own before the months that are kept after it.
        first["transitions"][0]["conditions"]["min_index_age"] = f"{(months + 1) * 31}d"
    for template in content["policy"]["ism_template"]:
        template["index_patterns"] = [_named(pattern, settings) for pattern in template["index_patterns"]]
    return content


def _named(pattern: str, settings: Settings) -> str:
    """The pattern of an index that the configuration calls otherwise."""
    names = {
        "soc-alerts": settings.alerts_alias,
        "soc-shadow-alerts": settings.shadow_alias,
        "soc-canaries": settings.canaries_index,
        "soc-rules": settings.rules_index,
        "soc-rule-costs": settings.rule_costs_index,
        "soc-sources": settings.sources_index,
    }
    base = pattern.rstrip("*").rstrip("-")
    return names.get(base, base) + pattern.removeprefix(base)


def _map(client: OpenSearch, name: str, backend_roles: list[str], dry_run: bool) -> str:
    """Adds our backend roles to those that stand there."""
    address = f"{API}/rolesmapping/{name}"
    standing = _get(client, address).get(name)
    held = standing or {}
    wanted = {
        field: held[field]
        for field in ("hosts", "users", "and_backend_roles", "description")
        if held.get(field)  # reserved, hidden and static are the plugin's to say, and refused
    }
    others = list(held.get("backend_roles") or ())
    wanted["backend_roles"] = others + [one for one in backend_roles if one not in others]
    return _put(client, address, standing, wanted, dry_run)


def _put(client: OpenSearch, address: str, standing: Any, wanted: dict[str, Any], dry_run: bool) -> str:
    if standing and _holds(standing, wanted):
        return "unchanged"
    what = "updated" if standing else "created"
    return _done(what, dry_run, lambda: client.transport.perform_request("PUT", address, body=wanted))


def _install(client: OpenSearch, name: str, content: dict[str, Any], dry_run: bool) -> str:
    address = f"{ISM}/policies/{name}"
    standing = _get(client, address)
    patterns = [pattern for one in content["policy"]["ism_template"] for pattern in one["index_patterns"]]

    def create() -> None:
        client.transport.perform_request("PUT", address, body=content)
        # A template of the plugin is for indices to come.
        _tell(client, "add", patterns, name)

    def update() -> None:
        # Without the two a policy that stands is a conflict.
        lock = {"if_seq_no": standing["_seq_no"], "if_primary_term": standing["_primary_term"]}
        client.transport.perform_request("PUT", address, params=lock, body=content)
        # A managed index keeps the policy as it was when the index came under it.
        _tell(client, "change_policy", patterns, name)

    if not standing.get("policy"):
        return _done("created", dry_run, create)
    if _holds(standing["policy"], content["policy"]):
        return "unchanged"
    return _done("updated", dry_run, update)


def _tell(client: OpenSearch, action: str, patterns: list[str], policy_id: str) -> None:
    for pattern in patterns:
        # For no index at all the plugin asks for no documents, which OpenSearch refuses.
        if client.indices.get_settings(index=pattern, allow_no_indices=True):
            body = {"policy_id": policy_id}
            client.transport.perform_request("POST", f"{ISM}/{action}/{pattern}", body=body)


def _done(what: str, dry_run: bool, act: Callable[[], object]) -> str:
    if dry_run:
        return f"would be {what}"
    act()
    return what


def _get(client: OpenSearch, address: str) -> dict[str, Any]:
    """The answer, `{}` when there is no such thing."""
    answer = client.transport.perform_request("GET", address, params={"ignore": 404})
    return {} if "status" in answer else cast("dict[str, Any]", answer)


def _holds(standing: Any, wanted: Any) -> bool:
    """Whether `standing` says all of `wanted`; the plugins add values of their own, such as retries."""
    if isinstance(wanted, dict):
        return isinstance(standing, dict) and all(_holds(standing.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        is_list = isinstance(standing, list) and len(standing) == len(wanted)
        return is_list and all(_holds(here, there) for here, there in zip(standing, wanted, strict=True))
    return bool(standing == wanted)


def _reason(error: OpenSearchException) -> str:
    """What the security plugin says in `message` or `reason`, which the client's own words leave out."""
    info = error.info if isinstance(error, TransportError) else None
    said = info.get("message") or info.get("reason") if isinstance(info, dict) else None
    return f"{said} ({error.status_code})" if said and isinstance(error, TransportError) else str(error)


def _plugins(client: OpenSearch) -> set[str]:
    return {plugin["component"] for plugin in client.cat.plugins(format="json")}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
