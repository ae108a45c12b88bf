"""`hamrong stack` as a person uses it: each command a process of its own, on a home of this file's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from opensearchpy import OpenSearch

from hamrong import config
from hamrong.stack import embedded
from tests.conftest import new_home

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = new_home(tmp_path_factory.mktemp("own"))
    yield folder
    stack("down", folder)


def stack(action: str, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hamrong.cli", "stack", action, "--home", str(home), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def up(home: Path) -> embedded.Endpoints:
    done = stack("up", home)
    assert done.returncode == 0, done.stderr
    # Nothing of the JVMs, of Ivy or of the clients reaches the person.
    assert done.stderr == ""
    return embedded.endpoints(home)


def states(home: Path) -> dict[str, dict[str, Any]]:
    done = stack("status", home, "--json")
    found = {service["name"]: service for service in json.loads(done.stdout)["services"]}
    stores = [found[name]["state"] for name in embedded.STORES]
    assert done.returncode == (0 if stores == ["running", "running"] else 1)
    return found


def processes(home: Path) -> list[str]:
    """Every process whose command line names the home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found


def write(found: embedded.Endpoints, name: str) -> None:
    producer = KafkaProducer(bootstrap_servers=found.kafka_bootstrap)
    try:
        producer.send("syslog.dead", name.encode()).get(timeout=30)
    finally:
        producer.close()
    with OpenSearch(found.opensearch_url, timeout=30) as client:
        client.index(index="kept", id=name, body={"name": name}, params={"refresh": "true"})


def read(found: embedded.Endpoints) -> tuple[set[str], set[str]]:
    """What `write` left in Kafka and in OpenSearch."""
    consumer = KafkaConsumer(bootstrap_servers=found.kafka_bootstrap, consumer_timeout_ms=3000)
    try:
        partition = TopicPartition("syslog.dead", 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        lines = {message.value.decode() for message in consumer}
    finally:
        consumer.close()
    with OpenSearch(found.opensearch_url, timeout=30) as client:
        client.cluster.health(params={"wait_for_status": "yellow"})
        hits = client.search(index="kept", params={"size": "100"})["hits"]["hits"]
    return lines, {hit["_id"] for hit in hits}


def test_an_up_that_was_killed_half_way_is_finished_by_the_next(home: Path) -> None:
    cut = subprocess.Popen([sys.executable, "-m", "hamrong.cli", "stack", "up", "--home", str(home)])
    record = home / "run" / "kafka.json"
    end = time.monotonic() + 200
    while not record.exists() and time.monotonic() < end:
        time.sleep(0.05)
    cut.kill()
    cut.wait()
    up(home)
    assert len(processes(home)) == 2


def test_two_at_once_start_one_stack(home: Path) -> None:
    stack("down", home)
    command = [sys.executable, "-m", "hamrong.cli", "stack", "up", "--home", str(home)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(one.communicate(timeout=280)[1], one.returncode) for one in both] == [("", 0), ("", 0)]
    assert len(processes(home)) == 2


def test_up_again_changes_nothing_and_takes_seconds(home: Path) -> None:
    up(home)
    before = states(home)
    started = time.monotonic()
    done = stack("up", home)
    assert done.returncode == 0
    assert time.monotonic() - started < 15
    assert states(home) == before
    endpoints = embedded.endpoints(home)
    assert endpoints.kafka_bootstrap in done.stdout
    assert endpoints.opensearch_url in done.stdout


def test_the_topics_are_there(home: Path) -> None:
    found = up(home)
    consumer = KafkaConsumer(bootstrap_servers=found.kafka_bootstrap)
    try:
        partitions = {
            topic: len(consumer.partitions_for_topic(topic) or ())
            for topic in ("syslog.raw", "syslog.dead", "soc.alerts")
        }
    finally:
        consumer.close()
    assert partitions == {"syslog.raw": config.Kafka().partitions, "syslog.dead": 1, "soc.alerts": 1}


@pytest.mark.parametrize("name", embedded.STORES)
def test_a_killed_service_is_seen_and_mended_and_keeps_its_data(home: Path, name: str) -> None:
    found = up(home)
    write(found, f"before {name}")
    before = states(home)
    os.kill(before[name]["pid"], signal.SIGKILL)
    time.sleep(0.5)
    assert states(home)[name]["state"] == "dead"
    assert up(home) == found
    after = states(home)
    assert after[name]["pid"] != before[name]["pid"]
    other = next(store for store in embedded.STORES if store != name)
    assert after[other] == before[other]
    lines, documents = read(found)
    assert f"before {name}" in lines
    assert f"before {name}" in documents


def test_down_leaves_no_process_and_up_finds_the_data_again(home: Path) -> None:
    found = up(home)
    write(found, "kept")
    done = stack("down", home)
    assert (done.returncode, done.stdout) == (0, "stopped: kafka, opensearch\n")
    assert processes(home) == []
    assert {state["state"] for state in states(home).values()} == {"stopped"}
    assert stack("down", home).stdout == "nothing was running\n"
    lines, documents = read(up(home))
    assert "kept" in lines
    assert "kept" in documents


def test_opensearch_has_what_the_project_uses(home: Path) -> None:
    with OpenSearch(up(home).opensearch_url, timeout=30) as client:
        mapping = {
            "vendor": {"type": "flat_object"},
            "source": {"properties": {"ip": {"type": "ip"}}},
            "reason": {"type": "text", "analyzer": "unmarked"},
        }
        analysis = {"analyzer": {"unmarked": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding"]}}}
        part = {"settings": {"analysis": analysis}, "mappings": {"properties": mapping}}
        client.cluster.put_component_template(name="part", body={"template": part})
        template: dict[str, Any] = {"aliases": {"probe": {}}}
        body = {"index_patterns": ["probe-*"], "composed_of": ["part"], "template": template}
        client.indices.put_index_template(name="probe", body=body)
        document = {"vendor": {"a": {"b": "c"}}, "source": {"ip": "192.0.2.7"}, "reason": "Đăng nhập sai", "count": 1}
        client.index(index="probe-1", id="1", body=document)
        script = {"lang": "painless", "source": "ctx._source.count = params.count", "params": {"count": 5}}
        client.update(index="probe-1", id="1", body={"script": script}, params={"refresh": "true"})
        query = {
            "bool": {
                "must": {"match": {"reason": "nhap"}},
                "filter": [{"term": {"vendor.a.b": "c"}}, {"term": {"source.ip": "192.0.2.0/24"}}],
            }
        }
        (hit,) = client.search(index="probe", body={"query": query})["hits"]["hits"]
    assert hit["_source"]["count"] == 5
