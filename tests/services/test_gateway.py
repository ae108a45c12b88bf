"""The gateway into a real Kafka: each line received is there exactly once, whatever dies."""

from __future__ import annotations

import random
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, TopicPartition

from hamrong import config
from hamrong.config import PROJECT
from hamrong.stack import kafka
from hamrong.stack.process import Services
from ingest.gateway.delivered import find_delivered
from ingest.gateway.sender import Sender, Target
from tests.ingest.gateway.running import Gateway, gateway

pytestmark = pytest.mark.services

BATCH = 3000


class Topics(NamedTuple):
    """A test's own topics."""

    bootstrap: str
    raw: str
    dead: str

    @property
    def settings(self) -> dict[str, str]:
        return {"kafka_raw_topic": self.raw, "kafka_dead_topic": self.dead}

    def messages(self, topic: str) -> list[Any]:
        """Every message of the topic, by partition and offset."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "tests", "enable.auto.commit": False, "log_level": 0}
        )
        read: list[Any] = []
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            place = TopicPartition(topic, number, 0)
            _, high = consumer.get_watermark_offsets(place, timeout=10)
            consumer.assign([place])
            end = time.monotonic() + 60
            while (len(read) == 0 or read[-1].partition() != number or read[-1].offset() < high - 1) and high:
                read += consumer.consume(5000, timeout=1.0)
                assert time.monotonic() < end
        consumer.close()
        return read


def make_topics(bootstrap: str) -> Topics:
    name = uuid.uuid4().hex[:8]
    made = Topics(bootstrap, f"raw-{name}", f"dead-{name}")
    kafka.create_topics(bootstrap, config.Kafka(raw_topic=made.raw, dead_topic=made.dead, alerts_topic=f"soc-{name}"))
    return made


@pytest.fixture
def topics(kafka_bootstrap: str) -> Topics:
    return make_topics(kafka_bootstrap)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[tuple[Services, Path]]:
    """A broker that a test may stop; started and stopped by the test through `kafka.launch` and `Services.stop`."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "jars").symlink_to(PROJECT / ".hamrong" / "jars")
    services = Services(home)
    yield services, home
    services.stop(kafka.NAME)


def launch(services: Services, home: Path) -> str:
    service = kafka.launch(services, home)
    services.wait(service, lambda: kafka.answers(service, home), kafka.START_SECONDS)
    return kafka.bootstrap_servers(service)


def lines(first: int, count: int) -> list[bytes]:
    return [
        b"<38>Oct 11 22:14:15 web01 sshd[7]: line %d" % number + b" x" * 40 for number in range(first, first + count)
    ]


def send(running: Gateway, batch: list[bytes], framing: str = "octet") -> None:
    with Sender(Target("tcp", "127.0.0.1", running.port["tcp"]), framing=framing) as sender:
        sender.send(batch)


def exactly_once(topics: Topics, sent: list[bytes]) -> None:
    messages = topics.messages(topics.raw)
    identities = [dict(message.headers())["id"] for message in messages]
    assert len(set(identities)) == len(identities)
    assert sorted(message.value() for message in messages) == sorted(sent)


def test_a_line_carries_its_peer_time_and_identity(topics: Topics, tmp_path: Path) -> None:
    before = time.time_ns() // 1_000_000
    with gateway(tmp_path, topics.bootstrap, **topics.settings, gateway_name="gw-7") as running:
        running.start()
        send(running, lines(0, 500))
        send(running, lines(500, 500), framing="lf")
        send(running, [b"<13>" + b"x" * 70_000])
        counters = running.stop()
    messages = topics.messages(topics.raw)
    values = [message.value() for message in messages]
    assert values == [*lines(0, 1000), (b"<13>" + b"x" * 70_000)[: 64 << 10]]
    assert {message.key() for message in messages} == {b"127.0.0.1"}
    assert all(before <= message.timestamp()[1] <= time.time_ns() // 1_000_000 for message in messages)
    sequences = [int(dict(message.headers())["id"].removeprefix(b"gw-7-")) for message in messages]
    assert sequences == sorted(set(sequences))
    assert messages[-1].headers() == [("id", b"gw-7-%d" % sequences[-1]), ("flags", b"cut")]
    assert (counters["sent"], counters["acknowledged"], counters["dead"]) == (1001, 1001, 0)


def test_a_kill_at_any_moment_loses_and_doubles_nothing(topics: Topics, tmp_path: Path) -> None:
    """Received is what the counters said before the kill; each of several lives dies somewhere between the first
    message in Kafka and the last acknowledgement."""
    chance = random.Random(7)
    sent: list[bytes] = []
    with gateway(tmp_path, topics.bootstrap, **topics.settings) as running:
        for life in range(6):
            running.start()
            batch = lines(life * BATCH, BATCH)
            send(running, batch)
            sent += batch
            running.received(BATCH)
            threshold = chance.choice([0, 1, BATCH])
            running.until(lambda status, least=threshold: bool(status["sent"] >= least))
            time.sleep(chance.random() * 0.1)
            running.kill()
        running.start()
        counters = running.stop()
    exactly_once(topics, sent)
    assert counters["dead"] == 0


def test_a_kill_in_the_middle_of_a_stream_leaves_an_unbroken_beginning(topics: Topics, tmp_path: Path) -> None:
    stream = lines(0, 200_000)
    with gateway(tmp_path, topics.bootstrap, **topics.settings) as running:
        running.start()
        with socket.create_connection(("127.0.0.1", running.port["tcp"])) as sock:
            received = 0
            for first in range(0, len(stream), 1000):
                try:
                    sock.sendall(b"".join(b"%d %b" % (len(line), line) for line in stream[first : first + 1000]))
                except OSError:
                    break
                if first == 30_000:
                    received = running.status()["spooled"]
                    assert running.process
                    running.process.send_signal(signal.SIGKILL)
            running.kill()
        running.start()
        send(running, [b"<13>after"])
        running.until(lambda status: bool(status["acknowledged"] > 0))
        running.stop()
    messages = topics.messages(topics.raw)
    assert len({dict(message.headers())["id"] for message in messages}) == len(messages)
    values = [message.value() for message in messages]
    assert values == [*stream[: len(values) - 1], b"<13>after"]
    assert len(values) - 1 >= received > 0


def test_what_an_earlier_life_sent_is_found_and_not_sent_again(topics: Topics, tmp_path: Path) -> None:
    """The worst case: all is in Kafka, and none of it was noted."""
    with gateway(tmp_path, topics.bootstrap, **topics.settings) as running:
        running.start()
        send(running, lines(0, BATCH))
        running.until(lambda status: bool(status["acknowledged"] == BATCH))
        running.kill()
        (tmp_path / "spool/commit.json").unlink(missing_ok=True)
        running.start()
        send(running, lines(BATCH, 10))
        status = running.until(lambda status: bool(status["acknowledged"] == BATCH + 10))
        running.stop()
    assert status["found_in_kafka"] == BATCH
    exactly_once(topics, lines(0, BATCH + 10))


def test_delivered_lines_are_found_from_an_offset_on(topics: Topics, tmp_path: Path) -> None:
    with gateway(tmp_path, topics.bootstrap, **topics.settings) as running:
        running.start()
        send(running, lines(0, 100))
        running.stop()
    sequences = [int(dict(message.headers())["id"][4:]) for message in topics.messages(topics.raw)]
    partition = topics.messages(topics.raw)[0].partition()
    asked = topics.bootstrap, [topics.raw, topics.dead]
    assert find_delivered(*asked, {}, "gw1", 0) == set(sequences)
    assert find_delivered(*asked, {f"{topics.raw}/{partition}": 60}, "gw1", 0) == set(sequences[60:])
    assert find_delivered(*asked, {f"{topics.raw}/{partition}": 1000}, "gw1", 0) == set(sequences)
    assert find_delivered(*asked, {}, "gw", 0) == set()


def test_what_the_topic_does_not_take_goes_to_the_dead_letters(topics: Topics, tmp_path: Path) -> None:
    settings = {**topics.settings, "gateway_max_line_bytes": 3 << 20}
    large = b"<13>" + b"y" * (2 << 20)
    with gateway(tmp_path, topics.bootstrap, **settings) as running:
        running.start()
        send(running, [*lines(0, 50), large, *lines(50, 50)])
        counters = running.stop()
    exactly_once(topics, lines(0, 100))
    dead = topics.messages(topics.dead)
    assert [message.value() for message in dead] == [large[: 16 << 10]]
    assert dict(dead[0].headers())["reason"].startswith(b"the message has %d bytes" % len(large))
    assert counters["dead"] == 1
    assert counters["acknowledged"] == 101


def test_kafka_may_come_late_and_go(own_broker: tuple[Services, Path], tmp_path: Path) -> None:
    services, home = own_broker
    bootstrap = launch(services, home)
    topics = make_topics(bootstrap)
    services.stop(kafka.NAME)
    with gateway(tmp_path, bootstrap, **topics.settings) as running:
        running.start()
        send(running, lines(0, 1000))
        running.received(1000)
        assert launch(services, home) == bootstrap
        running.until(lambda status: bool(status["acknowledged"] == 1000), 90)
        services.stop(kafka.NAME, grace_seconds=0.1)
        send(running, lines(1000, 1000))
        running.received(2000)
        running.kill()
        running.start()
        send(running, lines(2000, 1000))
        running.received(1000)
        assert launch(services, home) == bootstrap
        running.until(lambda status: bool(status["acknowledged"] == 2000), 90)
        running.stop()
    exactly_once(topics, lines(0, 3000))
