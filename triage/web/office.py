"""office: what the pages work with, made once for the process.

In:   the configuration and a client
Out:  the desk, the audit, the rule set, the person at the page
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from opensearchpy import OpenSearch
from starlette.requests import Request

from detectors.sigma.ruleset import Ruleset
from hamrong import rule_set, zone
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.sources import Register
from triage.audit import Act, Audit
from triage.desk import Desk
from triage.queue_counts import Counter
from triage.web.access import Access, ForbiddenError, Person
from triage.words import Words

LOOK_SECONDS = 30.0
"""The rules' files are looked at no more often."""

SUFFIXES = (".yml", ".yaml", ".txt")

log = logging.getLogger(__name__)


class Office:
    def __init__(self, cfg: Config, client: OpenSearch) -> None:
        self.cfg = cfg
        self.client = client
        self.desk = Desk(client, cfg.opensearch.alerts_alias)
        self.audit = Audit(client)
        self.counter = Counter(client, cfg.opensearch.alerts_alias)
        self.access = Access(cfg)
        self.lock = threading.RLock()
        """Held while the rule set explains: it is one thread's at a time."""
        self._ruleset: Ruleset | None = None
        self._seen: tuple[object, ...] = ()
        self._due = 0.0

    @property
    def ruleset(self) -> Ruleset:
        """The rules as their files are, seconds after a change; a faulty file is left out.

        Raises HamrongError when they cannot be read and never could.
        """
        with self.lock:
            if self._ruleset is None or time.monotonic() >= self._due:
                try:
                    self._look()
                except HamrongError as error:
                    if self._ruleset is None:
                        raise
                    log.warning("the pages explain by the rules of before: %s", error)
                self._due = time.monotonic() + LOOK_SECONDS
            assert self._ruleset is not None
            return self._ruleset

    def _look(self) -> None:
        folders = rule_set.folders(self.cfg.detection)
        # Filters expire with the day.
        seen = (zone.today(), *(state for folder in folders for state in _states(folder)))
        if self._ruleset is None or seen != self._seen:
            self._ruleset = rule_set.load(self.cfg.detection)
            self._seen = seen

    @cached_property
    def systems(self) -> dict[str, Words]:
        """Names of the shared systems, by id."""
        register = Register.load(self.cfg.detection.sources)
        return {system.id: (system.name_vi, system.name_en) for system in register.systems}

    @property
    def alias(self) -> str:
        return self.cfg.opensearch.alerts_alias

    def person(self, request: Request) -> Person:
        return self.access.person(request)

    def changing(self, request: Request, token: str) -> Person:
        """Who may change; whoever may not is on record."""
        try:
            return self.access.changing(request, token)
        except ForbiddenError as error:
            self.record(request, str(request.session["name"]), "change-refused", str(error), outcome="failure")
            raise

    def record(
        self, request: Request, who: str, action: str, note: str = "", outcome: str = "success", **about: str
    ) -> None:
        """`about` with `__` for the dots of a field."""
        address = request.client.host if request.client else ""
        fields = {name.replace("__", "."): value for name, value in about.items()}
        self.audit.record(Act(who, action, address, outcome, fields, note))


def _states(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Each file of rules and lists with its time and size."""
    for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if file.suffix in SUFFIXES and (found := _stat(file)):
            yield str(file), found.st_mtime_ns, found.st_size


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        # It went away a moment ago.
        return None


def of(request: Request) -> Office:
    office: Office = request.app.state.office
    return office
