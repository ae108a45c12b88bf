"""Roles, role mappings and policies have the plugins' shape, and are put where the plugins are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards import security
from dashboards.security import install_policies, install_roles, policy, role
from hamrong.config import OpenSearch as Settings
from hamrong.config import Secret
from hamrong.errors import ServiceError
from tests.deploy.actions import GROUPS
from tests.deploy.secured import Secured, serving
from triage import store

NAMES = sorted(path.stem for path in security.ROLES.glob("*.json"))
ROLES = {name: role(name, Settings()) for name in NAMES}
MAPPINGS = json.loads(security.MAPPINGS.read_text(encoding="utf-8"))
PEOPLE = ("soc_viewer", "soc_analyst", "soc_engineer")


@pytest.fixture
def there() -> Iterator[Secured]:
    users = {"admin": ("quản-trị", ["admin"]), "hamrong": ("dịch-vụ", ["soc_ingest"])}
    with serving(Secured(users, indices=("soc-audit-2026.11",))) as secured:
        yield secured


def client(secured: Secured, user: str = "admin") -> OpenSearch:
    return store.client(Settings(url=secured.url, user=user, password=Secret(secured.users[user][0])))


def test_the_four_roles_are_there() -> None:
    assert set(ROLES) == {*PEOPLE, "soc_ingest"}


@pytest.mark.parametrize("name", NAMES)
def test_a_role_has_the_plugins_shape(name: str) -> None:
    assert set(ROLES[name]) == {"description", "cluster_permissions", "index_permissions", "tenant_permissions"}
    for given in ROLES[name]["index_permissions"]:
        assert set(given) == {"index_patterns", "allowed_actions"}
        assert given["index_patterns"]
        assert "*" not in given["index_patterns"]
        for action in given["allowed_actions"]:
            assert action in GROUPS or action.startswith("indices:"), action
    for action in ROLES[name]["cluster_permissions"]:
        assert action in GROUPS or action.startswith(("indices:", "cluster:")), action
    for given in ROLES[name]["tenant_permissions"]:
        assert set(given) == {"tenant_patterns", "allowed_actions"}


def written(name: str) -> set[str]:
    return {
        pattern
        for given in ROLES[name]["index_permissions"]
        if set(given["allowed_actions"]) - {"read", "indices:admin/mappings/get"}
        for pattern in given["index_patterns"]
    }


def test_only_the_services_write_so_that_no_change_goes_round_the_history_and_the_audit() -> None:
    for name in PEOPLE:
        assert written(name) == set()
    assert {"soc-alerts*", "soc-audit-*", "soc-notified"} <= written("soc_ingest")


def test_only_an_engineer_reads_the_audit() -> None:
    read = {
        name: {pattern for one in ROLES[name]["index_permissions"] for pattern in one["index_patterns"]}
        for name in PEOPLE
    }
    assert {name for name in PEOPLE if "soc-audit-*" in read[name]} == {"soc_engineer"}


def test_every_person_may_open_dashboards_and_every_mapping_is_of_a_role() -> None:
    assert set(MAPPINGS["kibana_user"]) == set(PEOPLE)
    assert MAPPINGS.keys() - {"kibana_user"} == ROLES.keys()


def test_roles_follow_the_names_of_the_configuration() -> None:
    named = role("soc_viewer", Settings(alerts_alias="site-alerts", rules_index="site-rules"))
    patterns = named["index_permissions"][0]["index_patterns"]
    assert {"site-alerts*", "site-rules", "soc-rule-costs"} <= set(patterns)
    assert not [pattern for pattern in patterns if pattern.startswith("soc-alerts")]
    template = policy("soc-alerts", Settings(alerts_alias="site-alerts"))["policy"]["ism_template"][0]
    assert template["index_patterns"] == ["site-alerts-*", "soc-shadow-alerts-*"]


def test_roles_are_put_once_and_people_get_them(there: Secured) -> None:
    with client(there) as opensearch:
        assert all(line.endswith(": would be created") for line in install_roles(opensearch, Settings(), True)[:-1])
        assert there.puts == []
        lines = install_roles(opensearch, Settings())
        assert len(there.puts) == len(lines) == 9
        assert lines[-1] == "role mapping kibana_user: updated"
        assert all(line.endswith("unchanged") for line in install_roles(opensearch, Settings()))
        assert len(there.puts) == 9
    assert "soc_ingest" in there.held("hamrong")


def test_what_a_site_added_to_a_mapping_stays(there: Secured) -> None:
    there.mappings["soc_analyst"] = {
        "reserved": False,
        "backend_roles": ["CN=Truc ca,DC=example,DC=org"],
        "users": ["an"],
        "and_backend_roles": [],
    }
    with client(there) as opensearch:
        assert "role mapping soc_analyst: updated" in install_roles(opensearch, Settings())
    assert there.mappings["soc_analyst"] == {
        "backend_roles": ["CN=Truc ca,DC=example,DC=org", "soc_analyst"],
        "users": ["an"],
    }
    assert there.mappings["kibana_user"]["backend_roles"] == ["kibanauser", *PEOPLE]


def test_a_role_that_somebody_changed_is_mended(there: Secured) -> None:
    with client(there) as opensearch:
        install_roles(opensearch, Settings())
        there.roles["soc_viewer"]["index_permissions"][0]["allowed_actions"] = ["write"]
        assert "role soc_viewer: updated" in install_roles(opensearch, Settings())


def test_who_may_not_is_told_what_the_plugin_says(there: Secured) -> None:
    with client(there, "hamrong") as opensearch, pytest.raises(ServiceError, match="No permission to access REST API"):
        install_roles(opensearch, Settings())
    there.mappings["soc_viewer"] = {"reserved": True}
    with client(there) as opensearch, pytest.raises(ServiceError, match=r"'soc_viewer' is reserved\. \(403\)"):
        install_roles(opensearch, Settings())


def test_policies_are_put_once_follow_the_configuration_and_reach_standing_indices(there: Secured) -> None:
    with client(there) as opensearch:
        assert "policy soc-audit: would be created" in install_policies(opensearch, Settings(), True)
        lines = install_policies(opensearch, Settings())
        assert lines == [f"policy soc-{of}: created" for of in ("alerts", "audit", "sources")]
        assert there.managed == [("add", "soc-audit-*", "soc-audit")]
        assert all(line.endswith("unchanged") for line in install_policies(opensearch, Settings()))
        longer = dataclasses.replace(Settings(), keep_months_audit=36)
        assert "policy soc-audit: would be updated" in install_policies(opensearch, longer, True)
        assert "policy soc-audit: updated" in install_policies(opensearch, longer)
        assert len(there.puts) == 4
    assert there.managed[1:] == [("change_policy", "soc-audit-*", "soc-audit")]


def test_a_policy_that_another_changed_meanwhile_is_not_overwritten(
    there: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(there) as opensearch:
        install_policies(opensearch, Settings())
        forever = dataclasses.replace(Settings(), keep_months_audit=0)
        real = there.answer

        def answer(method: str, target: str, *rest: Any) -> Any:
            if method == "PUT":
                there.policies["soc-audit"]["_seq_no"] += 1
            return real(method, target, *rest)

        monkeypatch.setattr(there, "answer", answer)
        with pytest.raises(ServiceError, match="version conflict"):
            install_policies(opensearch, forever)


def test_what_is_left_out_is_said_in_a_sentence(there: Secured) -> None:
    there.plugins = ()
    with client(there) as opensearch:
        (roles,) = install_roles(opensearch, Settings())
        (policies,) = install_policies(opensearch, Settings())
    assert "no opensearch-security" in roles
    assert "no opensearch-index-management" in policies
    assert there.puts == []


@pytest.mark.parametrize("name", ["soc-alerts", "soc-audit", "soc-sources"])
def test_a_policy_leads_only_to_states_that_it_has(name: str) -> None:
    content = policy(name, Settings())["policy"]
    states = {state["name"] for state in content["states"]}
    assert content["default_state"] in states
    assert {to["state_name"] for state in content["states"] for to in state["transitions"]} <= states


def test_no_policy_deletes_alerts() -> None:
    states = policy("soc-alerts", Settings())["policy"]["states"]
    assert not any("delete" in action for state in states for action in state["actions"])


def test_months_are_whole_and_0_is_for_ever() -> None:
    transition = policy("soc-audit", Settings(), 1)["policy"]["states"][0]["transitions"][0]
    assert transition["conditions"] == {"min_index_age": "62d"}
    assert policy("soc-audit", Settings(), 0)["policy"]["states"][0]["transitions"] == []
