"""compose: what docker-compose.yml starts, read without Docker.

In:   docker-compose.yml and the environment that `.env` would give
Out:  each service with its command line and environment
Docs: Compose specification, "Interpolation"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from hamrong.config import PROJECT

FILE = PROJECT / "docker-compose.yml"
DOTENV = {
    "SERVER_NAME": "soc.example.org",
    "OPENSEARCH_ADMIN_PASSWORD": "an-admin-password",
    "HAMRONG_OPENSEARCH_PASSWORD": "a-service-password",
    "DASHBOARDS_PASSWORD": "a-dashboards-password",
    "COOKIE_PASSWORD": "0123456789abcdef0123456789abcdef",
    "TRIAGE_SECRET": "a-triage-secret",
}


@dataclass(frozen=True)
class Service:
    name: str
    argv: list[str]
    """Program and arguments, as in the container; empty = the image's own."""
    env: dict[str, str]
    content: dict[str, Any] = field(repr=False)
    """Everything that stands there, interpolated."""

    @property
    def ours(self) -> bool:
        """Whether it runs from this project's image."""
        return "build" in self.content


def services(environment: Mapping[str, str] = DOTENV) -> dict[str, Service]:
    """Every service by name. Raises KeyError when a variable that must be set is not."""
    content = interpolated(yaml.safe_load(FILE.read_text(encoding="utf-8")), environment)
    return {name: _service(name, one) for name, one in content["services"].items()}


def _service(name: str, content: dict[str, Any]) -> Service:
    entry = content.get("entrypoint", ["hamrong"] if "build" in content else [])
    return Service(name, [*entry, *content.get("command", [])], content.get("environment", {}), content)


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """The value with its variables filled in."""
    if isinstance(value, dict):
        return {key: interpolated(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner, environment) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", lambda match: _value(match, environment), value)
    return value


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name, sign, rest = match.groups()
    if sign == "-":
        return environment.get(name) or rest
    return environment[name]
