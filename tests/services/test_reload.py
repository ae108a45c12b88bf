"""Rules that change while `detect` runs: what becomes live, what is refused, and where alerts on trial go."""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from deltalake import DeltaTable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from hamrong.config import Config
from hamrong.stack import kafka
from jobs import detect
from jobs.reload.sets import RuleSets
from jobs.reload.watch import Reloader
from jobs.sinks import delta
from triage import store

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

T = TypeVar("T")

RULE = """title: asks for {word}
id: {word}
status: {status}
level: low
logsource: {{category: webserver}}
detection:
  selection:
    cs-uri-stem|contains: /{word}/
  condition: selection
hamrong: {{entity: source.ip}}
"""


@dataclass
class Road:
    """A running `detect` whose rules are files that a test writes."""

    cfg: Config
    client: OpenSearch
    producer: Producer
    rules: Path
    asked: int = 0

    def write(self, word: str, status: str = "test") -> None:
        (self.rules / f"{word}.yml").write_text(RULE.format(word=word, status=status))

    def ask(self, word: str) -> str:
        """A line that asks for it; the address it comes from."""
        self.asked += 1
        address = f"2001:db8::{self.asked:x}"
        stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        line = f'<190>Mar  5 09:00:00 web-01 nginx: {address} - - [{stamp}] "GET /{word}/ HTTP/1.1" 200 5 "-" "Mozilla"'
        headers: list[tuple[str, str | bytes | None]] = [("id", b"gw1-%d" % self.asked)]
        self.producer.produce(self.cfg.kafka.raw_topic, line.encode(), "192.0.2.1", headers=headers)
        assert self.producer.flush(30) == 0
        return address

    def alert(self, alias: str, address: str) -> dict[str, Any] | None:
        """Of this address, as the alias has it now."""
        self.client.indices.refresh(index=f"{alias}-*", allow_no_indices=True)
        body = {"query": {"term": {"soc.alert.entity.value": address}}}
        # 503: the index was made a moment ago.
        answer = self.client.search(index=alias, body=body, ignore_unavailable=True, ignore=503)
        hits = answer.get("hits", {}).get("hits", [])
        return dict(hits[0]["_source"]) if hits else None

    def raised(self, alias: str, address: str) -> dict[str, Any]:
        found = until(lambda: self.alert(alias, address))
        assert found is not None
        return found

    def live(self, rules: int) -> str:
        """The version of the live set, when it has so many rules."""
        sets = RuleSets(self.cfg.detection.rule_sets)
        found = until(lambda: (live := sets.live()) and live.rules == rules and live.version)
        assert found
        return str(found)


def until(ask: Callable[[], T], seconds: float = 60) -> T:
    """What it says once that is something, or at the end."""
    end = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.fixture
def road(
    spark: Any, cfg: Config, kafka_bootstrap: str, opensearch_url: str, opensearch_client: OpenSearch, tmp_path: Path
) -> Iterator[Road]:
    name = f"reload{uuid.uuid4().hex[:8]}"
    (tmp_path / "rules").mkdir()
    cfg = dataclasses.replace(
        cfg,
        kafka=dataclasses.replace(
            cfg.kafka,
            bootstrap_servers=kafka_bootstrap,
            raw_topic=f"{name}.raw",
            dead_topic=f"{name}.dead",
            alerts_topic=f"{name}.told",
        ),
        opensearch=dataclasses.replace(
            cfg.opensearch, url=opensearch_url, alerts_alias=name, shadow_alias=f"shadow-{name}"
        ),
        detection=dataclasses.replace(
            cfg.detection, rules=(tmp_path / "rules",), cache=tmp_path / "cache", reload_seconds=0.3
        ),
    )
    kafka.create_topics(kafka_bootstrap, cfg.kafka)
    for alias in (cfg.opensearch.alerts_alias, cfg.opensearch.shadow_alias):
        install_templates(opensearch_client, alias=alias)
    delta.create_tables(cfg)
    made = Road(cfg, opensearch_client, Producer({"bootstrap.servers": kafka_bootstrap}), tmp_path / "rules")
    made.write("first")
    stop, reloader = threading.Event(), Reloader(cfg.detection)
    reloader.begin()
    query = detect.start(spark, cfg)
    thread = reloader.start(stop)
    try:
        yield made
    finally:
        stop.set()
        query.stop()
        thread.join(30)


def test_a_rule_becomes_live_and_a_faulty_set_does_not(road: Road) -> None:
    queue = road.cfg.opensearch.alerts_alias
    before = road.live(1)
    assert road.raised(queue, road.ask("first"))["soc"]["alert"]["ruleset"] == before

    road.write("second")
    version = road.live(2)
    alert = road.raised(queue, road.ask("second"))
    assert (alert["rule"]["id"], alert["soc"]["alert"]["ruleset"]) == ("second", version)
    assert version != before

    (road.rules / "broken.yml").write_text(RULE.format(word="broken", status="test").replace("selection:", "other:"))
    road.write("third")
    refusal = until(lambda: RuleSets(road.cfg.detection.rule_sets).refusal())
    assert refusal is not None
    [reason] = refusal.reasons
    assert reason.startswith(f"{road.rules}/broken.yml:9: condition names 'selection', not defined")
    unseen, seen = road.ask("third"), road.ask("second")
    assert road.raised(queue, seen)["soc"]["alert"]["ruleset"] == version
    assert road.alert(queue, unseen) is None

    (road.rules / "broken.yml").unlink()
    road.live(3)
    assert road.raised(queue, road.ask("third"))["rule"]["id"] == "third"


def test_a_rule_on_trial_raises_alerts_in_the_shadow_alone_until_it_is_promoted(road: Road) -> None:
    queue, shadow = road.cfg.opensearch.alerts_alias, road.cfg.opensearch.shadow_alias
    road.write("trial", status="experimental")
    road.live(2)
    address = road.ask("trial")
    assert road.raised(shadow, address)["soc"]["alert"]["shadow"] is True
    known = road.raised(queue, road.ask("first"))["soc"]["alert"]["id"]
    assert road.alert(queue, address) is None
    # The alert comes first, then the lake.
    assert until(lambda: {"first", "trial"} == set(matched(road.cfg)))

    road.write("trial", status="test")
    sets = RuleSets(road.cfg.detection.rule_sets)
    trial = sets.live()
    until(lambda: sets.live() != trial)
    promoted = road.raised(queue, road.ask("trial"))["soc"]["alert"]
    assert "shadow" not in promoted
    assert {alert["soc"]["alert"]["id"] for alert in told(road.cfg, 2)} == {known, promoted["id"]}


def test_an_alert_keeps_the_version_that_raised_it(road: Road) -> None:
    def counted(count: int, version: str) -> dict[str, Any]:
        source = Source(id="r1", title="t", level="low", detector="sigma", ruleset=version)
        now = datetime.now(UTC)
        return document(
            source, Seen("source.ip", "2001:db8::ff", datetime(2026, 3, 5, tzinfo=UTC), 60, count, now, now, []), now
        )

    queue = road.cfg.opensearch.alerts_alias
    for one in (counted(1, "v1"), counted(5, "v2")):
        assert [refused for _, refused in store.put(road.client, [one], queue)] == [None]
    alert = road.raised(queue, "2001:db8::ff")["soc"]["alert"]
    assert (alert["count"], alert["ruleset"]) == (5, "v1")


def matched(cfg: Config) -> list[str]:
    """The rules of the lake's matches."""
    ids: list[str] = DeltaTable(delta.uri(cfg, "matches")).to_pyarrow_table(columns=["rule_id"])["rule_id"].to_pylist()
    return ids


def told(cfg: Config, count: int) -> list[dict[str, Any]]:
    """What stands on the alerts' topic, when there are so many, and a second longer."""
    consumer = Consumer({"bootstrap.servers": cfg.kafka.bootstrap_servers, "group.id": "test"})
    consumer.assign([TopicPartition(cfg.kafka.alerts_topic, number, 0) for number in range(cfg.kafka.partitions)])
    messages: list[dict[str, Any]] = []
    end = time.monotonic() + 30
    while (message := consumer.poll(1)) or (len(messages) < count and time.monotonic() < end):
        if message and not message.error():
            messages.append(orjson.loads(message.value() or b""))
    consumer.close()
    return messages
