"""office: what the pages work with, made once for the process.

In:   the configuration and a client
Out:  the desk, the audit, the rule set, the person at the page
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property

from opensearchpy import OpenSearch
from starlette.requests import Request

from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from ingest.sources import Register
from triage.audit import Act, Audit
from triage.desk import Desk
from triage.web.access import Person, changing, person
from triage.words import Words


@dataclass
class Office:
    cfg: Config
    client: OpenSearch
    desk: Desk
    audit: Audit
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the rule set explains: it is one thread's at a time."""

    @cached_property
    def ruleset(self) -> Ruleset:
        """As it is when first asked for; a faulty file is left out."""
        return Ruleset.load(self.cfg.detection.rules, self.cfg.detection.cache, strict=False)

    @cached_property
    def systems(self) -> dict[str, Words]:
        """Names of the shared systems, by id."""
        register = Register.load(self.cfg.detection.sources)
        return {system.id: (system.name_vi, system.name_en) for system in register.systems}

    @property
    def alias(self) -> str:
        return self.cfg.opensearch.alerts_alias

    def person(self, request: Request) -> Person:
        return person(request, self.cfg)

    def changing(self, request: Request, token: str) -> Person:
        return changing(request, token, self.cfg)

    def record(
        self, request: Request, who: str, action: str, note: str = "", outcome: str = "success", **about: str
    ) -> None:
        """`about` with `__` for the dots of a field."""
        address = request.client.host if request.client else ""
        fields = {name.replace("__", "."): value for name, value in about.items()}
        self.audit.record(Act(who, action, address, outcome, fields, note))


def of(request: Request) -> Office:
    office: Office = request.app.state.office
    return office
