"""delivered: what Kafka already has of the lines that the spool has not seen acknowledged.

In:   the end of a topic, from the offsets noted at the last commit
Out:  the sequences of this gateway's lines found there

Between a commit and a crash, lines reach Kafka whose acknowledgement no one noted. Sending them again would double
them; their message id (header `id`: gateway name, "-", sequence) tells them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from hamrong.errors import ServiceError

_CLOCK_STEP_MILLISECONDS = 60_000
_SILENCE_SECONDS = 30.0
SECONDS = 5.0
"""How long one question to Kafka may take."""


def partition_key(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def find_delivered(
    bootstrap_servers: str, topics: Sequence[str], offsets: Mapping[str, int], gateway: str, since: int
) -> set[int]:
    """The sequences of `gateway` in the topics from `offsets` on.

    A partition without a noted offset is read from a minute before `since`, the receive time (milliseconds) of the
    first line that waits. Raises KafkaException or ServiceError when Kafka does not answer.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": f"hamrong-gateway-{gateway}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
            "log_level": 0,
        }
    )
    try:
        starts, ends = _spans(consumer, topics, offsets, since - _CLOCK_STEP_MILLISECONDS)
        found: set[int] = set()
        if starts:
            consumer.assign(starts)
            _read(consumer, ends, gateway.encode() + b"-", found)
        return found
    finally:
        consumer.close()


def _spans(
    consumer: Consumer, topics: Sequence[str], offsets: Mapping[str, int], since: int
) -> tuple[list[TopicPartition], dict[tuple[str, int], int]]:
    """Where to begin in each partition that has something to read, and where it ends now."""
    starts: list[TopicPartition] = []
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        metadata = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
        if metadata.error:
            raise KafkaException(metadata.error)
        for number in metadata.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=SECONDS)
            noted = offsets.get(partition_key(topic, number))
            if noted is None:
                asked = TopicPartition(topic, number, max(0, since))
                noted = consumer.offsets_for_times([asked], timeout=SECONDS)[0].offset
                noted = high if noted < 0 else noted
            # Offsets beyond the end are a former topic's of this name.
            start = low if noted > high else max(noted, low)
            if start < high:
                starts.append(TopicPartition(topic, number, start))
                ends[topic, number] = high
    return starts, ends


def _read(consumer: Consumer, ends: dict[tuple[str, int], int], prefix: bytes, found: set[int]) -> None:
    heard = time.monotonic()
    while ends:
        messages: list[Any] = consumer.consume(10_000, timeout=0.5)
        if not messages and time.monotonic() - heard > _SILENCE_SECONDS:
            raise ServiceError(f"the end of {', '.join(f'{topic}/{number}' for topic, number in ends)} cannot be read")
        for message in messages:
            heard = time.monotonic()
            place = message.topic(), message.partition()
            if error := message.error():
                if error.name() != "_PARTITION_EOF":
                    raise KafkaException(error)
                ends.pop(place, None)
                continue
            identity = dict(message.headers() or ()).get("id") or b""
            if identity.startswith(prefix) and identity[len(prefix) :].isdigit():
                found.add(int(identity[len(prefix) :]))
            if message.offset() + 1 >= ends.get(place, 0):
                ends.pop(place, None)
