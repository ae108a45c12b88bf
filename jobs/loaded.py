"""loaded: the rule set and the register of this Python process.

In:   the detection settings
Out:  the same objects again for the same settings, as long as they stand for what is live

Spark keeps its Python workers between batches, and they are forks of one process (`jobs.daemon`) that has read all this
before: no micro-batch pays for it, but the first after a change of the rules.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from detectors.sigma import rule_files
from detectors.sigma.budget import Budget
from detectors.sigma.lifecycle import running
from detectors.sigma.rule_files import Written
from detectors.sigma.ruleset import Ruleset
from hamrong import zone
from hamrong.config import Detection
from hamrong.errors import InvalidFileError, ServiceError
from ingest.sources import Register
from jobs.reload.sets import RuleSets

LOOK_SECONDS = 0.2
"""What is live is asked no more often: there are hundreds of groups in a batch of correlations."""

log = logging.getLogger(__name__)


def live(detection: Detection) -> Ruleset:
    """The set that is live now; until one was published, that of the files.

    A task asks once and keeps what it got, so that what it matched and what it tells are of one set. While the place of
    published sets is away, the set stays that this process has; raises ServiceError when it has none.
    """
    return _follower(detection).ruleset()


@lru_cache(maxsize=2)
def ruleset(detection: Detection) -> Ruleset:
    """The set of the files in `detection.rules`, as they are at the first call. Raises InvalidFileError."""
    return made(written(detection, detection.rules), detection)


@lru_cache(maxsize=2)
def register(detection: Detection) -> Register:
    return Register.load(detection.sources)


def written(detection: Detection, paths: Sequence[Path]) -> Written:
    """What the streams run of these files and folders."""
    found = rule_files.read(paths, detection.cache, today=zone.today())
    found.entries = running(found.entries)
    return found


def made(found: Written, detection: Detection) -> Ruleset:
    """The rule set of what was read. Raises InvalidFileError for a fault; what cannot be used here is left out."""
    budget = Budget(detection.rule_microseconds, detection.rule_matches)
    # Hundreds of thousands of objects, none of which goes: looking for garbage among them takes as long as making them.
    gc.disable()
    try:
        ruleset = Ruleset.of(found, detection.cache, strict=False, budget=budget)
    finally:
        gc.enable()
    if ruleset.problems:
        raise InvalidFileError(ruleset.problems)
    return ruleset


def forget() -> None:
    """The set is loaded anew at the next call: what it has put aside is tried again."""
    _follower.cache_clear()
    ruleset.cache_clear()


class _Follower:
    def __init__(self, detection: Detection) -> None:
        self._detection = detection
        self._sets = RuleSets(detection.rule_sets)
        self._kept: Ruleset | None = None
        self._due = 0.0
        self._told = ""

    def ruleset(self) -> Ruleset:
        if time.monotonic() >= self._due:
            try:
                self._follow()
                self._told = ""
            except ServiceError as error:
                if self._kept is None:
                    raise
                if str(error) != self._told:
                    self._told = str(error)
                    log.warning("the rules stay as they are: %s", error)
            self._due = time.monotonic() + LOOK_SECONDS
        return self._kept or ruleset(self._detection)

    def _follow(self) -> None:
        live = self._sets.live()
        if live and (self._kept is None or self._kept.version != live.version):
            self._kept = made(self._sets.written(live.version), self._detection)


@lru_cache(maxsize=2)
def _follower(detection: Detection) -> _Follower:
    return _Follower(detection)
