"""uncounted: matches that correlations should have counted and did not.

In:   the accumulator of `jobs.correlator`
Out:  a sentence in the log for each correlation; documents in `soc-rule-costs`, one for each correlation, hour and run

Promise: a document holds the sums of its hour and is set, never added to. OpenSearch being away stops no batch: what it
did not take is told with the next that something was lost in.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearchException
from opensearchpy.helpers import bulk

from hamrong.config import Config
from jobs.rule_costs import asked

WORDS = {"late": "came too late to be counted", "forgotten": "are forgotten, since one group had too many"}
"""By the name of the field."""

Counts = Counter[tuple[str, str]]
"""By correlation and one of WORDS."""

log = logging.getLogger(__name__)


class Uncounted:
    """What one run of the query has told."""

    def __init__(self) -> None:
        self._run = uuid.uuid4().hex
        self._logged: Counts = Counter()
        self._written: Counts = Counter()
        self._hour = datetime.min.replace(tzinfo=UTC)
        self._before: Counts = Counter()
        """What was written when the hour began."""

    def tell(self, counts: Counts, cfg: Config, now: datetime) -> None:
        """`counts`: all since the query started."""
        for (name, why), count in sorted((counts - self._logged).items()):
            log.warning("correlation %s: %d matches %s (%d in all)", name, count, WORDS[why], counts[name, why])
        self._logged = Counter(counts)
        if counts == self._written:
            return
        try:
            with asked(cfg) as client:
                bulk(client, self._documents(counts, cfg, now))
            self._written = Counter(counts)
        except OpenSearchException as error:
            log.warning("what correlations did not count is not told to OpenSearch: %.500s", error)

    def _documents(self, counts: Counts, cfg: Config, now: datetime) -> Iterator[dict[str, Any]]:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._before = hour, self._written
        since = counts - self._before
        for name in sorted({name for name, _ in since}):
            sums = {why: since[name, why] for why in WORDS}
            identity = f"{name} {hour.isoformat()} {self._run}"
            yield {
                "_index": cfg.opensearch.rule_costs_index,
                "_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
                "_source": {
                    "@timestamp": hour.isoformat(),
                    "rule": {"id": name},
                    "soc": {"cost": {"worker": self._run, **sums}},
                },
            }
