"""backlog: lines like a province's, and the topic that they are put into.

In:   the demo's scenes, and Windows events as JSON lines
Out:  lines; messages in Kafka as the gateway writes them
"""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from confluent_kafka import Producer

from hamrong.config import Config
from hamrong.demo import scene, traffic
from ingest.gateway.session import CLIENT

SEED = 20261124
DISTINCT = 60_000


def mix(count: int, events: Path | None, share: float) -> list[bytes]:
    """The demo's lines of now, and among them real Windows events, shuffled; repeated when they are too few."""
    rendered = traffic.render(scene.load(), SEED, datetime.now(UTC), 600, min(count, DISTINCT) / 600)
    syslog = [line for _, line in rendered]
    if not events:
        return list(itertools.islice(itertools.cycle(syslog), count))
    content = events.read_bytes()
    windows = (gzip.decompress(content) if events.suffix == ".gz" else content).splitlines()
    wanted = {id(syslog): round(count * (1 - share)), id(windows): round(count * share)}
    lines = [
        line for lines in (syslog, windows) for line in itertools.islice(itertools.cycle(lines), wanted[id(lines)])
    ]
    Random(SEED).shuffle(lines)
    return lines


class Feeder:
    """Puts lines into the topic as the gateway does."""

    def __init__(self, cfg: Config) -> None:
        self._producer = Producer({**CLIENT, "bootstrap.servers": cfg.kafka.bootstrap_servers})
        self._topic = cfg.kafka.raw_topic
        self._sent = 0

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def send(self, lines: Sequence[bytes]) -> None:
        now = time.time_ns() // 1_000_000
        for line in lines:
            self._sent += 1
            identity: list[tuple[str, Any]] = [("id", b"bench-%d" % self._sent)]
            # Some three hundred peers, spread over the partitions as their keys fall.
            key = b"192.0.2.%d" % (self._sent % 251)
            while True:
                try:
                    self._producer.produce(self._topic, line, key, timestamp=now, headers=identity)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        self._producer.flush()
