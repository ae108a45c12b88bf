"""opensearch: alerts, indexed by bulk requests from the executors.

In:   alert documents (`detectors.alert`), or rows from which they are made
Out:  the documents in `soc-alerts-YYYY.MM`, each also on the topic `soc.alerts`; refused ones on `syslog.dead`;
      those of rules on trial in `soc-shadow-alerts-YYYY.MM` alone, and those of canaries in `soc-canaries`

Promise: at least once, and a replay changes nothing (`triage.store`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame

from hamrong.config import Config
from jobs.canaries import road
from jobs.sinks import kafka
from triage import store

Build = Callable[[pa.RecordBatch], list[dict[str, Any]]]


class Outlet:
    """Where a task puts its alerts; used in `with`. Every alert is where it belongs when that ends without an error.

    Raises when OpenSearch or Kafka stays away: the micro-batch then fails as a whole and is replayed.
    """

    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg
        self._client = store.client(cfg.opensearch)
        self._sent = False

    def __enter__(self) -> Outlet:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._client.close()
        if self._sent and not kind:
            self._topics().flush()

    def send(self, documents: list[dict[str, Any]]) -> None:
        """Indexes them, and puts each on its topic, if an analyst is to see it."""
        self.trace(road.answers(documents))
        documents = [document for document in documents if not road.of_alert(document)]
        for alias, its in store.by_alias(documents, self._cfg.opensearch).items():
            told = self._cfg.kafka.alerts_topic if alias == self._cfg.opensearch.alerts_alias else None
            for document, refused in store.put(self._client, its, alias):
                if topic := self._cfg.kafka.dead_topic if refused else told:
                    self._sent = True
                    headers: kafka.Headers = [("what", b"alert"), ("reason", refused.encode())] if refused else []
                    self._topics().send(topic, document["soc"]["alert"]["id"], orjson.dumps(document), headers)

    def trace(self, documents: list[dict[str, Any]]) -> None:
        """What came of canaries' lines (`jobs.canaries.road`)."""
        road.put(self._client, documents, self._cfg.opensearch.canaries_index)

    def _topics(self) -> kafka.Topics:
        return kafka.topics(self._cfg.kafka.bootstrap_servers)


def publish(rows: DataFrame, build: Build, cfg: Config) -> None:
    """Index and publish the alerts of `rows` in one job; `build` runs on the executors."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with Outlet(cfg) as outlet:
            for batch in batches:
                outlet.send(build(batch))
        yield from ()

    rows.mapInArrow(run, "nothing boolean").write.format("noop").mode("overwrite").save()
