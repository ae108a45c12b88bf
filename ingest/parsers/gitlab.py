r"""gitlab: the requests that GitLab's web application and API log in JSON -> http and url fields, log-ins.

In:   messages that are one JSON object with `method`, `path` and `controller` (production_json.log) or `route`
      (api_json.log), and `remote_ip`
Out:  `source.*`, `user.name`, `user.id`, `url.*`, `http.*`, `event.duration`; `gitlab.*` of what ran
Docs: GitLab documentation, "Log system", production_json.log, api_json.log; Devise, SessionsController
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines, web_requests
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "time": "@timestamp",
    "method": "http.request.method",
    "path": "url.original",
    "host": "url.domain",
    "status": "http.response.status_code",
    "remote_ip": "source.address",
    "username": "user.name",
    "user_id": "user.id",
    "ua": "user_agent.original",
    "correlation_id": "http.request.id",
    "severity": "log.level",
    "controller": "gitlab.controller",
    "route": "gitlab.route",
    "action": "gitlab.action",
    "meta.user": "gitlab.user",
    "meta.project": "gitlab.project",
    "meta.feature_category": "gitlab.feature_category",
}
# Who logs in is not yet the request's user, but one of its parameters.
ACCOUNT = ("username", "login", "email")
CONTROLLERS = ("SessionsController", "OmniauthCallbacksController", "Ldap::OmniauthCallbacksController")
# Devise answers a good log-in with the way to another page, a failed one with the form again.
ELSEWHERE = 302


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not all(isinstance(document.get(name), str) for name in ("method", "path", "remote_ip")):
        return None
    event = renamed({name: value for name, value in document.items() if name in NAMES}, NAMES, "gitlab")
    if isinstance(seconds := document.get("duration_s"), int | float) and 0 <= seconds < 1e9:
        event["event.duration"] = round(seconds * 1e9)
    if "user.name" not in event and (account := _account(document.get("params"))):
        event["user.name"] = account
    return event | _login(document)


def _login(document: Document) -> Document:
    action = document.get("action")
    # `new` and `destroy` show the form and log out; the callbacks are named by their providers.
    if document.get("controller") not in CONTROLLERS or action in ("new", "destroy", None):
        return {}
    good = document.get("status") == ELSEWHERE and action != "failure"
    return {"event.action": "login", "event.outcome": "success" if good else "failure"}


def _account(parameters: object) -> str | None:
    """Of `[{"key": "user", "value": {"login": "an"}}]`, or of `[{"key": "username", "value": "an"}]`."""
    for parameter in parameters if isinstance(parameters, list) else ():
        if not isinstance(parameter, dict):
            continue
        value = parameter.get("value")
        if parameter.get("key") in ("user", "ldap_user") and isinstance(value, dict):
            value = next((value[name] for name in ACCOUNT if name in value), None)
        elif parameter.get("key") not in ("username", "login"):
            continue
        if isinstance(value, str) and value:
            return value
    return None


def finish(columns: Columns, context: Context) -> Columns:
    web = web_requests.complete(columns)
    tried = columns["event.action"].is_valid()
    return web | {
        "event.action": pc.coalesce(columns["event.action"], web["event.action"]),
        "event.category": pc.if_else(tried, pa.scalar(["authentication", "web"], TEXTS), web["event.category"]),
        "event.type": pc.if_else(tried, pa.scalar(["start"], TEXTS), web["event.type"]),
        "event.outcome": pc.coalesce(columns["event.outcome"], web["event.outcome"]),
    }


PARSER = Parser(
    module="gitlab",
    dataset="gitlab.access",
    signature=r'\s*\{.*"method" ?: ?"[A-Z]+".*"(?:controller|route)" ?: ?".*"remote_ip" ?: ?"',
    read=read,
    finish=finish,
)
