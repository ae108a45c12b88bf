"""daemon: the parent of Spark's Python workers, with the rules loaded before it forks.

In:   the detection settings, in the environment (`jobs.session`)
Out:  `pyspark.daemon`, as Spark expects it

Loading and compiling a few thousand rules takes seconds, and Spark ends a worker that has had nothing to do for a
minute. So the rules are loaded here, once: a new worker has them at its birth, and all workers share their memory. When
other rules have become live since, they are loaded here before the next worker is born; those that live load their own.
"""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime

import pyarrow as pa
from pyspark import daemon

from hamrong import config
from hamrong.config import Detection
from ingest.event import TIMESTAMP, raw
from jobs import detect, loaded


def main() -> None:
    detection = config.load().detection
    warm(detection)
    _settle()
    has = loaded.live(detection)

    def follow() -> None:
        nonlocal has
        if (live := loaded.live(detection)) is not has:
            live.compile()
            has = live
            _settle()

    os.register_at_fork(before=follow)
    daemon.manager()


def _settle() -> None:
    """A collection would write to every object, and the workers would no longer share them."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def warm(detection: Detection) -> None:
    """Load, compile and import what the first line would."""
    register, ruleset = loaded.register(detection), loaded.live(detection)
    ruleset.compile()
    columns = {"value": pa.array([b"-"]), "received": pa.array([datetime(1970, 1, 1, tzinfo=UTC)], TIMESTAMP)}
    detect.detect(raw(1, columns), register, ruleset)


if __name__ == "__main__":
    main()
