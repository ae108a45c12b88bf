"""session: the spool -> Kafka, from one look at what Kafka has to the first error.

In:   the spool's entries, in order
Out:  messages in `syslog.raw`: key the peer's address, value the line, timestamp the receive time, headers `id` and,
      if the frame was cut or bad, `flags`; what Kafka refuses for good, cut, in `syslog.dead` with the `reason`

Promise: every entry is acknowledged by all in-sync replicas before the spool forgets it, and none is doubled: the
client is idempotent, and each session first looks up what an earlier one left in Kafka (`delivered`). Should a broker
append a request of a dead process after that look, the `id` still tells the copy.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from hamrong.config import Kafka
from ingest.gateway.counters import Counters
from ingest.gateway.delivered import SECONDS, find_delivered, partition_key
from ingest.gateway.framing import BAD_FRAME, CUT
from ingest.gateway.spool import Commit, Entry, Reader, Spool

log = logging.getLogger("hamrong.gateway")

COMMIT_SECONDS = 0.5
DEAD_BYTES = 16 << 10
QUEUE_MESSAGES = 50_000
QUEUE_BATCHES = 32
_OVERHEAD_BYTES = 512
"""What a message's key, headers and Kafka's own fields may take beside its value."""
_FLAGS = {CUT: b"cut", BAD_FRAME: b"bad_frame", CUT | BAD_FRAME: b"cut,bad_frame"}
_PURGED = ("_PURGE_QUEUE", "_PURGE_INFLIGHT")
_Headers = list[tuple[str, str | bytes | None]]
CLIENT: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 10,
    "batch.size": 512 << 10,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 128 << 10,
    # For ever: Kafka may be away for days, the spool waits.
    "message.timeout.ms": 0,
    "reconnect.backoff.max.ms": 5_000,
    "log_level": 0,
}


@dataclass
class _Batch:
    """Entries read together; done when none is outstanding."""

    end: int
    """The sequence behind its last entry."""
    count: int
    outstanding: int = 0
    offsets: dict[str, int] = field(default_factory=dict)


class Session:
    """One client's life: from finding out what Kafka has to the first error that it does not mend itself."""

    def __init__(self, kafka: Kafka, gateway: str, spool: Spool, counters: Counters) -> None:
        """Raises KafkaException or ServiceError while Kafka is away or lacks the topics."""
        self._kafka, self._gateway, self._spool, self._counters = kafka, gateway, spool, counters
        self.error: KafkaError | None = None
        self.trouble: KafkaError | None = None
        """The last error that the client means to mend itself."""
        self.heard = time.monotonic()
        """When Kafka last acknowledged something, or nothing was outstanding."""
        self._batches: deque[_Batch] = deque()
        self._sequence = spool.committed.sequence
        self._offsets = dict(spool.committed.offsets)
        self._limit = _topic_limit(kafka)
        self._reader = Reader(spool, self._sequence)
        waiting = self._reader.read()
        self._delivered = self._find_delivered(waiting)
        self._last_delivered = max(self._delivered, default=0)
        self._producer = Producer(
            {
                **CLIENT,
                "bootstrap.servers": kafka.bootstrap_servers,
                "client.id": f"hamrong-gateway-{gateway}",
                "message.max.bytes": self._limit,
                "error_cb": self._take_trouble,
            }
        )
        self._committed = time.monotonic()
        self._send(waiting)

    def step(self) -> bool:
        """Sends what waits and takes in acknowledgements, within a second; False = nothing is left to do."""
        entries: list[Entry] = []
        if len(self._producer) < QUEUE_MESSAGES and len(self._batches) < QUEUE_BATCHES:
            entries = self._reader.read()
            self._send(entries)
        self._producer.poll(0 if entries or not self._batches else 0.005)
        if not entries and not self._batches:
            self._spool.wait(0.5)
        self._settle()
        return bool(entries or self._batches)

    def close(self) -> None:
        """Commits what is acknowledged; the rest stays in the spool."""
        self._producer.purge()
        self._producer.flush(1.0)
        self._settle(at_once=True)
        self._reader.close()

    def _find_delivered(self, waiting: list[Entry]) -> set[int]:
        if not waiting:
            return set()
        topics = [self._kafka.raw_topic, self._kafka.dead_topic]
        since = waiting[0].received
        return find_delivered(self._kafka.bootstrap_servers, topics, self._offsets, self._gateway, since)

    def _send(self, entries: list[Entry]) -> None:
        if not entries:
            return
        # One outstanding more than there are messages: a batch is not done while it is being sent.
        batch = _Batch(entries[-1].sequence + 1, len(entries), outstanding=1)
        self._batches.append(batch)
        acknowledged = self._acknowledger(batch)
        delivered, limit, prefix = self._delivered, self._limit - _OVERHEAD_BYTES, self._gateway.encode() + b"-"
        for entry in entries:
            if delivered and entry.sequence in delivered:
                self._counters.found_in_kafka += 1
                continue
            headers: _Headers = [("id", b"%b%d" % (prefix, entry.sequence))]
            if entry.flags:
                headers.append(("flags", _FLAGS[entry.flags]))
            batch.outstanding += 1
            if len(entry.message) > limit:
                self._bury(entry, headers, acknowledged)
            else:
                self._produce(self._kafka.raw_topic, entry, entry.message, headers, acknowledged)
            self._counters.sent += 1
        batch.outstanding -= 1

    def _produce(self, topic: str, entry: Entry, value: bytes, headers: _Headers, acknowledged: Any) -> None:
        try:
            self._producer.produce(
                topic, value, entry.peer, on_delivery=acknowledged, timestamp=entry.received, headers=headers
            )
        except KafkaException as error:
            self.error = error.args[0]

    def _bury(self, entry: Entry, headers: _Headers, acknowledged: Any) -> None:
        reason = f"the message has {len(entry.message)} bytes, {self._kafka.raw_topic} takes {self._limit}"
        cut = entry.message[: min(DEAD_BYTES, self._limit // 2)]
        self._counters.dead += 1
        self._produce(self._kafka.dead_topic, entry, cut, [*headers, ("reason", reason.encode())], acknowledged)

    def _acknowledger(self, batch: _Batch) -> Any:
        offsets = batch.offsets

        def acknowledged(error: KafkaError | None, message: Any) -> None:
            if error is None:
                batch.outstanding -= 1
                # Acknowledgements of a partition come in the order of its offsets.
                offsets[partition_key(message.topic(), message.partition())] = message.offset() + 1
            elif error.name() not in _PURGED:
                self.error = error

        return acknowledged

    def _settle(self, at_once: bool = False) -> None:
        """Takes the batches that are done off the front, and commits from time to time."""
        now = time.monotonic()
        while self._batches and not self._batches[0].outstanding:
            batch = self._batches.popleft()
            self._counters.acknowledged += batch.count
            self._sequence, self.heard = batch.end, now
            # Until all that an earlier session left in Kafka is passed, it must stay within the next look's reach.
            if batch.end > self._last_delivered:
                self._offsets.update(batch.offsets)
        if not self._batches:
            self.heard = now
        due = at_once or now - self._committed > COMMIT_SECONDS
        if due and self._sequence > self._spool.committed.sequence:
            self._committed = now
            try:
                self._spool.commit(Commit(self._sequence, dict(self._offsets)))
            except OSError as error:
                log.warning("the spool's commit.json cannot be written: %s", error.strerror)

    def _take_trouble(self, error: KafkaError) -> None:
        self.trouble = error
        if error.fatal():
            self.error = error


def _topic_limit(kafka: Kafka) -> int:
    """The greatest message that the topic takes, so that one too great is refused here, alone, and not by the broker
    together with the others of its request."""
    troubles: list[KafkaError] = []
    settings: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "error_cb": troubles.append,
        "log_level": 0,
    }
    admin = AdminClient(settings)
    end = time.monotonic() + SECONDS
    while True:
        try:
            metadata = admin.list_topics(kafka.raw_topic, timeout=1.0).topics[kafka.raw_topic]
            break
        except KafkaException:
            # A broker that is slow gets its time; one that refuses is asked again later.
            admin.poll(0)
            if time.monotonic() > end or any(trouble.name() == "_ALL_BROKERS_DOWN" for trouble in troubles):
                raise
    if metadata.error:
        raise KafkaException(metadata.error)
    resource = ConfigResource(ConfigResource.Type.TOPIC, kafka.raw_topic)
    answer = admin.describe_configs([resource], request_timeout=SECONDS)[resource].result()
    return int(answer["max.message.bytes"].value)
