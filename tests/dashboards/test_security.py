"""Roles and policies have the plugins' shape, and are put where the plugins are."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from opensearchpy import OpenSearch

from dashboards import security
from dashboards.security import MANAGEMENT, SECURITY, install_policies, install_roles, policy

ROLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in security.ROLES.glob("*.json")}


class Plugins:
    """The two plugins' addresses, as far as they are used; what is put is kept."""

    def __init__(self, *plugins: str) -> None:
        self._plugins = plugins
        self.kept: dict[str, dict[str, Any]] = {}
        self.puts = 0
        self.cat = self.transport = self

    def plugins(self, **_: str) -> list[dict[str, str]]:
        return [{"component": name} for name in self._plugins]

    def perform_request(self, method: str, url: str, params: Any = None, body: Any = None) -> dict[str, Any]:
        if method == "GET":
            return self.kept.get(url, {})
        standing = self.kept.get(url)
        if standing and "policies" in url:
            assert params == {"if_seq_no": standing["_seq_no"], "if_primary_term": 1}
        self.puts += 1
        self.kept[url] = {**json.loads(json.dumps(body)), "_seq_no": self.puts, "_primary_term": 1}
        return {}


def client(plugins: Plugins) -> OpenSearch:
    return cast("OpenSearch", plugins)


def test_the_four_roles_are_there() -> None:
    assert set(ROLES) == {"soc_viewer", "soc_analyst", "soc_engineer", "soc_ingest"}


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_the_plugins_shape(name: str) -> None:
    role = ROLES[name]
    assert set(role) == {"description", "cluster_permissions", "index_permissions", "tenant_permissions"}
    assert all(isinstance(permission, str) for permission in role["cluster_permissions"])
    for given in role["index_permissions"]:
        assert set(given) == {"index_patterns", "dls", "fls", "masked_fields", "allowed_actions"}
        assert given["index_patterns"]
        assert given["allowed_actions"]
        assert "*" not in given["index_patterns"]
    for given in role["tenant_permissions"]:
        assert set(given) == {"tenant_patterns", "allowed_actions"}


def written(role: str) -> set[str]:
    return {
        pattern
        for given in ROLES[role]["index_permissions"]
        if any("write" in action for action in given["allowed_actions"])
        for pattern in given["index_patterns"]
    }


def test_who_writes_what() -> None:
    assert written("soc_viewer") == set()
    assert written("soc_analyst") == {"soc-alerts*"}
    assert written("soc_engineer") == {"soc-alerts*", "soc-rules"}
    assert {"soc-alerts*", "soc-audit-*"} <= written("soc_ingest")


def test_roles_are_put_where_the_plugin_is() -> None:
    there = Plugins(SECURITY)
    assert len(install_roles(client(there))) == len(there.kept) == 4
    nowhere = Plugins()
    assert "no opensearch-security" in install_roles(client(nowhere))[0]
    assert not nowhere.kept


def test_policies_are_put_once_and_follow_the_configuration() -> None:
    there = Plugins(MANAGEMENT)
    assert set(install_policies(client(there), {})) == {
        f"policy soc-{of}: created" for of in ("alerts", "audit", "sources")
    }
    for kept in there.kept.values():
        kept["policy"]["last_updated_time"] = 1
    puts = there.puts
    assert all(line.endswith("unchanged") for line in install_policies(client(there), {}))
    assert there.puts == puts
    assert "policy soc-audit: updated" in install_policies(client(there), {"soc-audit": 36})
    assert "no opensearch-index-management" in install_policies(client(Plugins()), {})[0]


@pytest.mark.parametrize("name", ["soc-alerts", "soc-audit", "soc-sources"])
def test_a_policy_leads_only_to_states_that_it_has(name: str) -> None:
    content = policy(name)["policy"]
    states = {state["name"] for state in content["states"]}
    assert content["default_state"] in states
    assert {to["state_name"] for state in content["states"] for to in state["transitions"]} <= states


def test_no_policy_deletes_alerts() -> None:
    assert not any(
        "delete" in action for state in policy("soc-alerts")["policy"]["states"] for action in state["actions"]
    )


def test_months_are_whole_and_0_is_for_ever() -> None:
    transition = policy("soc-audit", 1)["policy"]["states"][0]["transitions"][0]
    assert transition["conditions"] == {"min_index_age": "62d"}
    assert policy("soc-audit", 0)["policy"]["states"][0]["transitions"] == []
