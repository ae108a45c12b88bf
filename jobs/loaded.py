"""loaded: the rule set and the register of this Python process, read once.

In:   the detection settings
Out:  the same objects again for the same settings

Spark keeps its Python workers between batches, so what is read here is paid once a worker.
"""

from __future__ import annotations

from functools import lru_cache

from detectors.sigma.ruleset import Ruleset
from hamrong.config import Detection
from ingest.sources import Register


@lru_cache(maxsize=2)
def ruleset(detection: Detection) -> Ruleset:
    return Ruleset.load(detection.rules, detection.cache)


@lru_cache(maxsize=2)
def register(detection: Detection) -> Register:
    return Register.load(detection.sources)
