"""The stream `detect` from a real Kafka to a real OpenSearch: everything arrives, and a replay changes nothing."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from deltalake import DeltaTable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from hamrong.config import PROJECT, Config
from hamrong.demo import foretell
from hamrong.stack import kafka
from jobs import detect
from jobs.sinks import delta
from tests.jobs.reload.rules import write

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ALIAS = "detect-alerts"
STAMP = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
LINES = [
    f'<190>Mar  5 09:00:00 web-01 nginx: 2001:db8::{number % 9:x} - - [{STAMP}] "GET '
    f'{"/a?f=../../../etc/passwd" if number % 3 == 0 else "/"} HTTP/1.1" 200 5 "-" "Mozilla/5.0"'.encode()
    for number in range(60)
]


@pytest.fixture
def road(cfg: Config, kafka_bootstrap: str, opensearch_url: str, opensearch_client: OpenSearch) -> Config:
    """Topics with the lines, templates, and an empty lake."""
    topics = dataclasses.replace(
        cfg.kafka,
        bootstrap_servers=kafka_bootstrap,
        raw_topic="detect.raw",
        dead_topic="detect.dead",
        alerts_topic="detect.told",
    )
    kafka.create_topics(kafka_bootstrap, topics)
    install_templates(opensearch_client, alias=ALIAS)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    for number, line in enumerate(LINES):
        producer.produce(topics.raw_topic, line, str(number), headers=[("id", b"gw1-%d" % number)])
    assert producer.flush(30) == 0
    road = dataclasses.replace(
        cfg, kafka=topics, opensearch=dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS)
    )
    delta.create_tables(road)
    return road


def drained(spark: Any, cfg: Config) -> int:
    """Run the job until nothing is left; its last batch."""
    query = detect.start(spark, cfg)
    try:
        query.processAllAvailable()
        progress = query.lastProgress
        assert progress is not None
        return int(progress.batchId)
    finally:
        query.stop()


def stored(cfg: Config, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(delta.uri(cfg, table)).to_pyarrow_table().to_pylist()
    return rows


def alerts(client: OpenSearch) -> dict[str, dict[str, Any]]:
    client.indices.refresh(index=f"{ALIAS}*")
    answer = client.search(index=ALIAS, size=1000, seq_no_primary_term=True)
    return {hit["_id"]: {"seq_no": hit["_seq_no"], **hit["_source"]} for hit in answer["hits"]["hits"]}


def told(cfg: Config) -> list[dict[str, Any]]:
    """What stands on the alerts' topic."""
    consumer = Consumer({"bootstrap.servers": cfg.kafka.bootstrap_servers, "group.id": "test"})
    consumer.assign([TopicPartition(cfg.kafka.alerts_topic, number, 0) for number in range(cfg.kafka.partitions)])
    messages: list[dict[str, Any]] = []
    end = time.monotonic() + 30
    while (message := consumer.poll(2)) or (not messages and time.monotonic() < end):
        if message and not message.error():
            messages.append(orjson.loads(message.value() or b""))
    consumer.close()
    return messages


def test_a_replayed_batch_changes_nothing(spark: Any, road: Config, opensearch_client: OpenSearch) -> None:
    detect.warm(spark, road)
    last = drained(spark, road)
    assert sorted(row["event"]["id"] for row in stored(road, "events")) == sorted(f"gw1-{n}" for n in range(len(LINES)))
    expected = foretell.raised(LINES, datetime.now(UTC), road.detection)
    raised = alerts(opensearch_client)
    named = {(alert["rule"]["id"], alert["soc"]["alert"]["entity"]["value"]) for alert in raised.values()}
    assert named == set(expected)
    assert len(named) == 3
    assert {alert["soc"]["alert"]["id"] for alert in told(road)} == set(raised)
    matched = sorted(row["event"]["event"]["id"] for row in stored(road, "matches"))
    files = sorted(Path(road.lake.path).rglob("*.parquet"))

    # Killed after the lake's commit, before Spark noted it: the same lines are read again.
    for batch in range(last + 1):
        (Path(road.spark.checkpoints) / "detect/commits" / str(batch)).unlink()
        (Path(road.spark.checkpoints) / f"detect/commits/.{batch}.crc").unlink(missing_ok=True)
    assert drained(spark, road) == last
    assert sorted(row["event"]["event"]["id"] for row in stored(road, "matches")) == matched
    assert len(stored(road, "events")) == len(LINES)
    assert sorted(Path(road.lake.path).rglob("*.parquet")) == files
    assert alerts(opensearch_client) == raised


PRELOADED = """
import dataclasses, sys
from pathlib import Path
from hamrong import config
from jobs.reload.watch import Reloader
from jobs.session import session

folder = Path(sys.argv[1])
cfg = config.load(environment={})
cfg = dataclasses.replace(
    cfg,
    spark=dataclasses.replace(cfg.spark, master="local[1]", work=folder / "spark"),
    detection=dataclasses.replace(
        cfg.detection, rules=(folder / "rules",), cache=folder / "cache", rule_sets=str(folder / "sets")
    ),
)

def look(batches):
    import pyarrow as pa
    from jobs import loaded
    for batch in batches:
        born_with = loaded._follower(cfg.detection)._kept.version
        is_live = loaded.live(cfg.detection).version
        yield pa.RecordBatch.from_pydict({"born_with": [born_with], "is_live": [is_live]})

def told():
    row = spark.range(1).mapInArrow(look, "born_with string, is_live string").first()
    print(row.born_with, row.is_live)

reloader = Reloader(cfg.detection)
reloader.begin()
spark = session(cfg, "test", brief=True, with_rules=True)
told()
(folder / "rules/two.off").rename(folder / "rules/two.yml")
while not reloader.look():
    pass
told()
spark.stop()
"""


def test_a_worker_has_the_rules_at_its_birth_and_those_that_became_live_since(tmp_path: Path) -> None:
    write(tmp_path / "rules", "one")
    write(tmp_path / "rules", "two").rename(tmp_path / "rules/two.off")
    # A worker a task, so that each is born when it is needed.
    environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": "--conf spark.python.worker.reuse=false pyspark-shell"}
    done = subprocess.run(
        [sys.executable, "-c", PRELOADED, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    (first, live), (second, live_then) = (line.split() for line in done.stdout.splitlines())
    assert (first, second) == (live, live_then), done.stderr
    assert first != second
