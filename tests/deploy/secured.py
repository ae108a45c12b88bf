"""secured: OpenSearch with its security and index-management plugins, as far as we use them.

In:   users of a new cluster; the address of an OpenSearch without plugins, to which what is allowed is passed on
Out:  an HTTP server that answers as the real one: 401, 403, authinfo, roles, role mappings, policies
Docs: opensearch-project/security: AbstractApiAction, EndpointValidator, RequestContentValidator, SecurityInfoAction,
      static_action_groups.yml, legacy PrivilegesEvaluatorImpl; opensearch-project/index-management:
      TransportIndexPolicyAction, Policy.kt, TransportAddPolicyAction, TransportChangePolicyAction

The plugins are in no package registry, so this stands for them. It is stricter where the real one is lenient: an action
that is not in `actions.py` is refused.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3

from tests.deploy.actions import GROUPS, Needed, needed

ALL = {"cluster_permissions": ["*"], "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]}
PLUGINS = ("opensearch-security", "opensearch-index-management")
Answer = tuple[int, Any]


@dataclass
class Secured:
    users: dict[str, tuple[str, list[str]]]
    """Password and backend roles by name."""
    upstream: str = ""
    plugins: tuple[str, ...] = PLUGINS
    roles: dict[str, Any] = field(default_factory=lambda: {"all_access": ALL, "kibana_user": {"static": True}})
    mappings: dict[str, Any] = field(
        default_factory=lambda: {
            "all_access": {"reserved": False, "backend_roles": ["admin"], "description": "Maps admin to all_access"},
            "kibana_user": {"reserved": False, "backend_roles": ["kibanauser"]},
        }
    )
    policies: dict[str, Any] = field(default_factory=dict)
    managed: list[tuple[str, str, str]] = field(default_factory=list)
    """Action, pattern, policy of each add and change_policy."""
    puts: list[str] = field(default_factory=list)
    refused: list[tuple[str, str, str, str]] = field(default_factory=list)
    """User, method, path, missing action."""
    indices: tuple[str, ...] = ()
    """What stands, where there is no upstream to ask."""
    written: list[tuple[str, Any]] = field(default_factory=list)
    """Index and document of what was written, where there is no upstream to take it."""
    url: str = ""

    def held(self, user: str) -> list[str]:
        """The roles of a user, by the mappings."""
        backend = set(self.users[user][1])
        return sorted(
            name
            for name, mapping in self.mappings.items()
            if backend & set(mapping.get("backend_roles", ())) or user in mapping.get("users", ())
        )

    def may(self, user: str, action: str, index: str = "") -> bool:
        """`index` "" is a permission of the cluster."""
        for name in self.held(user):
            role = self.roles.get(name, {})
            if not index and _among(action, role.get("cluster_permissions", ())):
                return True
            for given in role.get("index_permissions", ()) if index else ():
                matched = any(fnmatchcase(index, pattern) for pattern in given["index_patterns"])
                if matched and _among(action, given["allowed_actions"]):
                    return True
        return False

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """None = it is for OpenSearch itself, and allowed."""
        user = self._user(headers.get("authorization", ""))
        if user is None:
            return 401, ""
        parts = urlsplit(target)
        path = parts.path
        if path == "/_plugins/_security/authinfo":
            return 200, self._authinfo(user)
        if path.startswith("/_plugins/_security/api/"):
            if "all_access" not in self.held(user):
                return 403, {"status": "FORBIDDEN", "message": "No permission to access REST API: User has no roles"}
            return self._security(method, path.split("/")[4:], body)
        if path.startswith("/_plugins/_ism/"):
            if not self.may(user, "cluster:admin/opendistro/ism/policy/write"):
                return self._forbidden(user, Needed("cluster:admin/opendistro/ism/policy/write"))
            return self._ism(method, path.split("/")[3:], parse_qs(parts.query), body)
        if path == "/_cat/plugins":
            return 200, [{"component": name} for name in self.plugins]
        for one in needed(method, path, body):
            if not self.may(user, one.action, one.target):
                self.refused.append((user, method, path, one.action))
                return self._forbidden(user, one)
        if not self.upstream:
            pattern = path.split("/")[1]
            if method == "POST" and path.endswith("/_doc"):
                self.written.append((pattern, json.loads(body)))
            return 200, {index: {} for index in self.indices if fnmatchcase(index, pattern)}
        return None

    def _user(self, authorization: str) -> str | None:
        kind, _, encoded = authorization.partition(" ")
        if kind != "Basic":
            return None
        name, _, password = base64.b64decode(encoded).decode("utf-8").partition(":")
        return name if name in self.users and self.users[name][0] == password else None

    def _authinfo(self, user: str) -> dict[str, Any]:
        return {
            "user": f"User [name={user}, backend_roles={self.users[user][1]}, requestedTenant=null]",
            "user_name": user,
            "user_requested_tenant": None,
            "remote_address": "127.0.0.1:50000",
            "backend_roles": self.users[user][1],
            "custom_attribute_names": [],
            "roles": ["own_index", *self.held(user)],
            "tenants": {user: True},
            "principal": None,
            "peer_certificates": "0",
            "sso_logout_url": None,
        }

    @staticmethod
    def _forbidden(user: str, one: Needed) -> Answer:
        reason = f"no permissions for [{one.action}] and User [name={user}, backend_roles=[], requestedTenant=null]"
        cause = {"type": "security_exception", "reason": reason}
        return 403, {"error": {"root_cause": [cause], **cause}, "status": 403}

    def _security(self, method: str, place: list[str], body: bytes) -> Answer:
        kind, name = place
        kept, allowed = {
            "roles": (self.roles, {"cluster_permissions", "index_permissions", "tenant_permissions", "description"}),
            "rolesmapping": (
                self.mappings,
                {"backend_roles", "and_backend_roles", "hosts", "users", "description"},
            ),
        }[kind]
        if method == "GET":
            if name not in kept:
                return 404, {"status": "NOT_FOUND", "message": f"{kind.rstrip('s')} '{name}' not found."}
            return 200, {name: {"hidden": False, "static": False, "reserved": False, **kept[name]}}
        content = json.loads(body)
        if unknown := content.keys() - allowed:
            return 400, {
                "status": "error",
                "reason": "Invalid configuration",
                "invalid_keys": {"keys": ",".join(unknown)},
            }
        if any(not isinstance(value, list) for key, value in content.items() if key != "description"):
            return 400, {"status": "error", "reason": "Wrong datatype"}
        if kept.get(name, {}).get("reserved"):
            return 403, {"status": "FORBIDDEN", "message": f"Resource '{name}' is reserved."}
        if kind == "rolesmapping" and name not in self.roles:
            return 404, {"status": "NOT_FOUND", "message": f"role '{name}' not found."}
        there = name in kept
        kept[name] = content
        self.puts.append(f"{kind}/{name}")
        word = "updated" if there else "created"
        return (200 if there else 201), {"status": "OK" if there else "CREATED", "message": f"'{name}' {word}."}

    def _ism(self, method: str, place: list[str], query: Mapping[str, list[str]], body: bytes) -> Answer:
        action, name = place
        if action in ("add", "change_policy"):
            policy_id = json.loads(body)["policy_id"]
            assert policy_id in self.policies, "Could not find policy"
            self.managed.append((action, name, policy_id))
            return 200, {"updated_indices": 1, "failures": False, "failed_indices": []}
        standing = self.policies.get(name)
        if method == "GET":
            if standing is None:
                return 404, _error(404, "status_exception", "Policy not found")
            return 200, standing
        asked = (query.get("if_seq_no"), query.get("if_primary_term"))
        held = ([str(standing["_seq_no"])], [str(standing["_primary_term"])]) if standing else (None, None)
        if asked != held:
            return 409, _error(409, "version_conflict_engine_exception", f"[{name}]: version conflict")
        if fault := _fault(json.loads(body)["policy"]):
            return 400, _error(400, "illegal_argument_exception", fault)
        self.puts.append(f"policies/{name}")
        self.policies[name] = {
            "_id": name,
            "_version": 1,
            "_seq_no": len(self.puts),
            "_primary_term": 1,
            "policy": _kept(name, json.loads(body)["policy"]),
        }
        return (200 if standing else 201), self.policies[name]


def _among(action: str, given: Any) -> bool:
    return any(
        _among(action, GROUPS[permission]) if permission in GROUPS else fnmatchcase(action, permission)
        for permission in given
    )


def _error(status: int, kind: str, reason: str) -> dict[str, Any]:
    cause = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


def _fault(policy: Mapping[str, Any]) -> str:
    """What the plugin's parser would refuse."""
    known = {"description", "default_state", "states", "ism_template", "error_notification", "schema_version"}
    if unknown := policy.keys() - known:
        return f"Invalid field: [{min(unknown)}] found in Policy."
    names = [state["name"] for state in policy["states"]]
    if policy["default_state"] not in names:
        return "Policy must have a valid default state"
    for state in policy["states"]:
        if unknown := state.keys() - {"name", "actions", "transitions"}:
            return f"Invalid field: [{min(unknown)}] found in State."
        for transition in state["transitions"]:
            if transition["state_name"] not in names:
                return f"Policy contains a transition in state={state['name']} pointing to a nonexistent state"
            if len(transition["conditions"]) != 1:
                return "Cannot provide more than one Transition condition"
    return ""


def _kept(name: str, policy: dict[str, Any]) -> dict[str, Any]:
    """A policy as the plugin gives it back: with values of its own."""
    retry = {"count": 3, "backoff": "exponential", "delay": "1m"}
    states = [
        {**state, "actions": [{"retry": retry, **action} for action in state["actions"]]} for state in policy["states"]
    ]
    templates = [{**template, "last_updated_time": 1} for template in policy["ism_template"]]
    own = {"policy_id": name, "last_updated_time": 1, "schema_version": 23, "error_notification": None}
    return {**policy, **own, "states": states, "ism_template": templates}


@contextmanager
def serving(secured: Secured) -> Iterator[Secured]:
    """`secured`, with its address."""
    pool = urllib3.PoolManager(maxsize=16, timeout=120)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer: a second one would wait for the client's delayed acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = secured.answer(
                self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body
            )
            kind = "application/json"
            if answer is None:
                there = pool.request(
                    self.command,
                    secured.upstream + self.path,
                    body=body,
                    headers={"Content-Type": self.headers.get("Content-Type") or kind},
                )
                status, data = there.status, there.data
                kind = there.headers.get("Content-Type", kind)
            else:
                status, data = answer[0], b"" if answer[1] == "" else json.dumps(answer[1]).encode()
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="OpenSearch Security"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 (names of the standard library)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        secured.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield secured
        finally:
            server.shutdown()
            thread.join()
