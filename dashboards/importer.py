"""importer: built boards into a running OpenSearch Dashboards.

In:   `*.ndjson` and `objects/settings.yml`
Out:  saved objects and settings in Dashboards; done twice, it changes nothing more
Docs: OpenSearch Dashboards `POST /api/saved_objects/_import`, `POST /api/opensearch-dashboards/settings`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from hamrong.config import Secret
from hamrong.credentials import basic
from hamrong.errors import ServiceError


@dataclass(frozen=True)
class Dashboards:
    """Where Dashboards is, and who asks."""

    url: str
    user: str = ""
    password: Secret = Secret("")
    tenant: str = "global"
    """Of the security plugin; objects in a private tenant would be seen by nobody else."""
    ca_file: str = ""
    timeout_seconds: float = 60.0

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer to a POST. Raises ServiceError when there is none, or it is a refusal."""
        headers = {"osd-xsrf": "hamrong", "securitytenant": self.tenant, **basic(self.user, self.password)}
        url = self.url.rstrip("/") + path
        with urllib3.PoolManager(ca_certs=self.ca_file or None, timeout=self.timeout_seconds) as pool:
            try:
                response = pool.request("POST", url, headers=headers, retries=False, **body)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise ServiceError(f"{url}: no answer from OpenSearch Dashboards: {error}") from error
        if response.status != 200:
            words = response.data[:300].decode("utf-8", "replace")
            raise ServiceError(f"{url}: OpenSearch Dashboards answered {response.status}: {words}")
        try:
            answer: dict[str, Any] = json.loads(response.data)
        except ValueError as error:
            raise ServiceError(f"{url}: this is not OpenSearch Dashboards, its answer is not JSON") from error
        return answer


@dataclass(frozen=True)
class Imported:
    board: str
    objects: int
    """How many Dashboards took."""
    refused: list[str] = field(default_factory=list)
    """One sentence for each object that it did not take."""


def import_boards(dashboards: Dashboards, boards: Iterable[Path]) -> list[Imported]:
    """Every object of every board, over what stands. Raises ServiceError when Dashboards is away or refuses all."""
    done = []
    for board in boards:
        fields = {"file": (board.name, board.read_bytes(), "application/ndjson")}
        answer = dashboards.post("/api/saved_objects/_import?overwrite=true", fields=fields)
        refused = [_sentence(error) for error in answer.get("errors", [])]
        done.append(Imported(board.stem, answer.get("successCount", 0), refused))
    return done


def apply_settings(dashboards: Dashboards, settings: Mapping[str, Any]) -> None:
    """Sets advanced settings for everyone of the tenant."""
    dashboards.post("/api/opensearch-dashboards/settings", json={"changes": dict(settings)})


def _sentence(error: Mapping[str, Any]) -> str:
    """What Dashboards says of one object that it did not take."""
    cause = error.get("error", {})
    missing = [f"{reference['type']} {reference['id']}" for reference in cause.get("references", [])]
    words = cause.get("message") or cause.get("type", "unknown")
    return f"{error.get('type')} {error.get('id')}: {words}{': ' if missing else ''}{', '.join(missing)}"
