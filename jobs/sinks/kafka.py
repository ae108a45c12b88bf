"""kafka: messages to a topic, from a task.

In:   key, value, headers
Out:  the topic

Promise: at least once; `flush` returns when every message is acknowledged, and raises when one is not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from confluent_kafka import KafkaError, Producer

from hamrong.errors import ServiceError

Headers = list[tuple[str, str | bytes | None]]

PATIENCE_SECONDS = 60


class Topics:
    """A client of one broker; tasks of one process share it, one after the other."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._error: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                # The task waits for the answer anyway.
                "linger.ms": 0,
                "message.timeout.ms": PATIENCE_SECONDS * 1000,
                "log_level": 0,
            }
        )

    def send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered, headers=headers)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        left = self._producer.flush(PATIENCE_SECONDS + 5)
        error, self._error = self._error, None
        if left or error:
            self._producer.purge()
            # What is purged is told of too, and is not the next task's fault.
            self._producer.flush(1)
            self._error = None
            raise ServiceError(
                f"Kafka at {self._servers} did not take {left or 'some'} messages: {error or 'no answer'}"
            )

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        self._error = error or self._error


@lru_cache(maxsize=2)
def topics(bootstrap_servers: str) -> Topics:
    """This process's client: it is dear to connect once a second."""
    return Topics(bootstrap_servers)
