"""Alerts on their way out: what OpenSearch refuses is kept with the reason, what it is away for is done again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from opensearchpy import ConnectionError as Unreachable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import DOCUMENT_BYTES, Seen, Source, document
from hamrong.config import Config
from hamrong.stack import kafka
from jobs import detect
from jobs.sinks import delta
from jobs.sinks.opensearch import Outlet

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ALIAS = "outlet-alerts"
START = datetime(2026, 11, 24, 8, tzinfo=UTC)
SOURCE = Source("r", "Thử", "high", "sigma", reason="{count} of {entity}: {event.original}")


@pytest.fixture
def road(cfg: Config, kafka_bootstrap: str, opensearch_url: str, opensearch_client: OpenSearch) -> Iterator[Config]:
    name = f"outlet-{time.time_ns()}"
    topics = dataclasses.replace(
        cfg.kafka,
        bootstrap_servers=kafka_bootstrap,
        raw_topic=f"{name}.raw",
        dead_topic=f"{name}.dead",
        alerts_topic=f"{name}.told",
    )
    kafka.create_topics(kafka_bootstrap, topics)
    install_templates(opensearch_client, alias=ALIAS)
    yield dataclasses.replace(
        cfg, kafka=topics, opensearch=dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS)
    )
    for index in opensearch_client.indices.get(index=f"{ALIAS}-*"):
        opensearch_client.indices.delete(index=index)


def alert(number: int, *samples: dict[str, Any], entity: str = "") -> dict[str, Any]:
    seen = Seen("source.ip", entity or f"2001:db8::{number:x}", START, 3600, 1, START, START, samples)
    return document(SOURCE, seen, START)


def messages(cfg: Config, topic: str, wanted: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": cfg.kafka.bootstrap_servers, "group.id": "test"})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(cfg.kafka.partitions)])
    found: list[Message] = []
    end = time.monotonic() + 30
    while len(found) < wanted and time.monotonic() < end:
        if (message := consumer.poll(1)) and not message.error():
            found.append(message)
    consumer.close()
    return found


def stored(client: OpenSearch) -> set[str]:
    client.indices.refresh(index=f"{ALIAS}-*")
    return {hit["_id"] for hit in client.search(index=ALIAS, size=1000, _source=False)["hits"]["hits"]}


def identity(made: dict[str, Any]) -> str:
    return str(made["soc"]["alert"]["id"])


def test_a_mapping_conflict_is_a_dead_letter_and_the_others_go_on(road: Config, opensearch_client: OpenSearch) -> None:
    broken, good = alert(1), alert(2)
    broken["soc"]["alert"]["first_seen"] = {"not": "a date"}
    with Outlet(road) as outlet:
        outlet.send([broken, good])
    assert stored(opensearch_client) == {identity(good)}
    [dead] = messages(road, road.kafka.dead_topic, 1)
    headers = dict(dead.headers() or [])
    assert headers["what"] == b"alert"
    assert "soc.alert.first_seen" in str(headers["reason"])
    assert orjson.loads(dead.value() or b"") == broken
    [told] = messages(road, road.kafka.alerts_topic, 1)
    assert (told.key() or b"").decode() == identity(good)


NAMES = ("", ".", "..", "a.", ".a", "a", "a.b", "a.b.c", "_id", "soc.alert.id", "\x00", "ẵ" * 9_000, "x." * 2_000)


def test_whatever_a_line_says_its_alert_is_taken_and_small(road: Config, opensearch_client: OpenSearch) -> None:
    original = {"event": {"original": "\x00" * 1_000_000, "id": "1"}}
    hostile = [
        alert(1, *[{**original, "vendor": {f"{name}{part}": "v" for name in NAMES for part in ("", ".b")}}] * 5),
        alert(2, {**original, "vendor": {f"field{number}": "v" * 100 for number in range(10_000)}}),
        alert(3, {**original, "url": {"original": "ế" * 1_000_000, "path": "<b>" * 400_000}}),
        alert(4, {**original, "vendor": {".".join("d" * 400): "deep", ".".join("d" * 399): "a clash"}}),
        alert(5, {**original, "related": {"user": [f"u{number}" for number in range(100_000)]}}),
        alert(6, original, entity="ộ" * 1_000_000),
        alert(7, {**original, "source": {"ip": "not an address"}, "user": {"name": "u" * 40_000}}),
    ]
    with Outlet(road) as outlet:
        outlet.send(hostile)
    assert [len(orjson.dumps(made)) for made in hostile if len(orjson.dumps(made)) > DOCUMENT_BYTES] == []
    assert stored(opensearch_client) == set(map(identity, hostile))


def test_as_many_of_the_largest_as_a_batch_can_hold(road: Config, opensearch_client: OpenSearch) -> None:
    large = {"vendor": {f"field{number}": "v" * 8_000 for number in range(13)}}
    made = [alert(number, {"event": {"id": str(number)}} | large) for number in range(400)]
    assert sum(len(orjson.dumps(one)) for one in made) > 40e6
    with Outlet(road) as outlet:
        outlet.send(made)
    assert stored(opensearch_client) == set(map(identity, made))


def test_lines_that_come_while_opensearch_is_away_raise_their_alerts_when_it_is_back(
    spark: Any, road: Config, opensearch_client: OpenSearch
) -> None:
    delta.create_tables(road)
    now = f"{datetime.now(UTC):%d/%b/%Y:%H:%M:%S +0000}"
    request = '"GET /a?f=../../../etc/passwd HTTP/1.1" 200 5 "-" "x"'
    line = f"<190>Mar  5 09:00:00 web-01 nginx: 192.0.2.9 - - [{now}] {request}"
    producer = Producer({"bootstrap.servers": road.kafka.bootstrap_servers})
    producer.produce(road.kafka.raw_topic, line.encode(), headers=[("id", b"gw1-1")])
    assert producer.flush(30) == 0
    away = dataclasses.replace(road, opensearch=dataclasses.replace(road.opensearch, url="http://127.0.0.1:9"))
    query = detect.start(spark, away)
    with pytest.raises(Exception, match=Unreachable.__name__):
        query.processAllAvailable()
    query = detect.start(spark, road)
    query.processAllAvailable()
    query.stop()
    found = stored(opensearch_client)
    assert {(message.key() or b"").decode() for message in messages(road, road.kafka.alerts_topic, len(found))} == found
    assert found
