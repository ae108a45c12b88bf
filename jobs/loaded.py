"""loaded: the rule set and the register of this Python process, read once.

In:   the detection settings
Out:  the same objects again for the same settings

Spark keeps its Python workers between batches, and they are forks of one process (`jobs.daemon`) that has read all this
before: no micro-batch pays for it.
"""

from __future__ import annotations

from functools import lru_cache

from detectors.sigma.budget import Budget
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Detection
from ingest.sources import Register


@lru_cache(maxsize=2)
def ruleset(detection: Detection) -> Ruleset:
    budget = Budget(detection.rule_microseconds, detection.rule_matches)
    return Ruleset.load(detection.rules, detection.cache, budget=budget)


@lru_cache(maxsize=2)
def register(detection: Detection) -> Register:
    return Register.load(detection.sources)
