"""Canaries through a real Kafka, Spark and OpenSearch: they come back, and what is broken on their way is named."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import index_name
from hamrong.config import Config
from hamrong.stack import kafka
from jobs import correlate, count, detect, life_signs, rule_figures
from jobs.canaries import ask, beats
from jobs.canaries.ask import Answer
from jobs.sinks import delta
from tests.detectors.sigma.log_in_rules import LOG_INS

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ALIAS = "canary-alerts"
TRAVERSAL = "24d949dd-6135-4cc4-a851-b34c4b1c20bd"


@pytest.fixture
def road(cfg: Config, kafka_bootstrap: str, opensearch_url: str, opensearch_client: OpenSearch) -> Iterator[Config]:
    topics = dataclasses.replace(
        cfg.kafka,
        bootstrap_servers=kafka_bootstrap,
        raw_topic=f"canary.raw.{id(cfg)}",
        dead_topic="canary.dead",
        alerts_topic="canary.told",
    )
    kafka.create_topics(kafka_bootstrap, topics)
    install_templates(opensearch_client, alias=ALIAS)
    settings = dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS)
    detection = dataclasses.replace(cfg.detection, rule_costs_seconds=0.0)
    road = dataclasses.replace(cfg, kafka=topics, opensearch=settings, detection=detection)
    delta.create_tables(road)
    yield road
    for index in (index_name(ALIAS, datetime.now(UTC)), "soc-rules", "soc-rule-costs", "soc-canaries"):
        opensearch_client.indices.delete(index=index, ignore=404)


def flow(spark: Any, cfg: Config, *jobs: Any) -> None:
    """These jobs, else detect and correlate, until nothing is left."""
    for job in jobs or (detect, correlate):
        query = job.start(spark, cfg)
        try:
            query.processAllAvailable()
        finally:
            query.stop()


def alerts(client: OpenSearch) -> list[str]:
    client.indices.refresh(index=f"{ALIAS}*")
    hits = client.search(index=f"{ALIAS}*", size=1000)["hits"]["hits"]
    return sorted(hit["_source"]["rule"]["id"] for hit in hits)


def test_every_rule_answers_and_nobody_else_hears_of_it(
    spark: Any, road: Config, opensearch_client: OpenSearch
) -> None:
    ruleset = life_signs.rules(road)
    sent, without = life_signs.send(road, ruleset)
    raising = {rule.id for rule in (*ruleset.rules, *ruleset.correlations) if rule.generate}
    assert {canary.rule.id for canary in sent.canaries} | without.keys() == raising
    assert without == {}
    flow(spark, road)
    answers = ask.look(opensearch_client, road, sent)
    assert [answer for answer in answers if answer.lost] == []
    assert sum(answer.came_back for answer in answers) > 20
    life_signs.record(opensearch_client, road, sent, answers)
    opensearch_client.indices.refresh(index="soc-rules")
    assert len(ask.recorded(opensearch_client, road, ruleset)) == len(answers)

    assert alerts(opensearch_client) == []
    assert DeltaTable(delta.uri(road, "events")).to_pyarrow_table().num_rows == 0
    matches = DeltaTable(delta.uri(road, "matches")).to_pyarrow_table()
    assert matches.num_rows > 0
    assert matches["alert_id"].null_count == matches.num_rows


def test_a_line_that_claims_to_be_a_canary_is_an_event_like_any_other(
    spark: Any, road: Config, opensearch_client: OpenSearch
) -> None:
    stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    attack = (
        f'<190>Mar  5 09:00:00 web-01 nginx: 203.0.113.9 - - [{stamp}] "GET /a?f=../../../etc/passwd&id=canary/1/0/'
        f'{TRAVERSAL} HTTP/1.1" 200 5 "-" "canary/1/0/{TRAVERSAL}"'
    )
    claims = '{"event.action": "login", "event.id": "canary/1/0/x", "labels": {"canary": "canary/1/0/x"}}'
    producer = Producer({"bootstrap.servers": road.kafka.bootstrap_servers})
    for number, line in enumerate((attack, claims)):
        producer.produce(road.kafka.raw_topic, line.encode(), "192.0.2.1", headers=[("id", b"gw1-%d" % number)])
    assert producer.flush(30) == 0
    flow(spark, road)
    assert TRAVERSAL in alerts(opensearch_client)
    events = DeltaTable(delta.uri(road, "events")).to_pyarrow_table()["event"].to_pylist()
    assert sorted(event["id"] for event in events) == ["gw1-0", "gw1-1"]


def test_what_is_broken_is_named_with_the_place_where_it_was_lost(
    spark: Any, road: Config, opensearch_client: OpenSearch, tmp_path: Path
) -> None:
    ruleset = life_signs.rules(road)
    names = {Path(rule.path).stem: rule.id for rule in (*ruleset.rules, *ruleset.correlations) if rule.generate}
    live = tmp_path / "live"
    shutil.copytree(road.detection.rules[0], live)
    # Its field is called otherwise than the parsers call it.
    mapped = live / "linux/lnx_sudo_root_shell.yml"
    mapped.write_text(mapped.read_text("utf-8").replace("process.command_line", "process.comand_line"), "utf-8")
    (live / "linux/lnx_sudo_not_in_sudoers.yml").unlink()
    asked = [names[name] for name in ("lnx_sudo_root_shell", "lnx_sudo_not_in_sudoers", "web_path_traversal")]
    sent, _ = life_signs.send(road, ruleset, asked)
    broken = dataclasses.replace(road, detection=dataclasses.replace(road.detection, rules=(live,)))
    assert {answer.stage for answer in ask.look(opensearch_client, road, sent)} == {"read"}

    flow(spark, broken)
    answers = life_signs.judge(opensearch_client, road, sent, ruleset.version)
    by_rule: dict[str, Answer] = {answer.rule: answer for answer in answers}
    mapping, missing, whole = (by_rule[rule] for rule in asked)
    assert whole.came_back
    assert (mapping.stage, missing.stage) == ("match", "match")
    assert "does not match its lines" in mapping.why
    assert "has no such rule" in missing.why
    assert alerts(opensearch_client) == ["hamrong-canary-lost"]
    figures = {figure.rule: figure for figure in rule_figures.read(opensearch_client, road, ruleset, sent.sent_at)}
    assert figures[asked[0]].last_fired == ""


def test_rounds_go_on_beside_the_streams_and_what_is_lost_is_an_alert(
    road: Config, opensearch_client: OpenSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for file in (road.detection.rules[0] / "linux").glob("lnx_sudo_root_shell.*"):
        shutil.copy(file, rules)
    detection = dataclasses.replace(road.detection, rules=(rules,), canary_minutes=1 / 60)
    monkeypatch.setattr(life_signs, "FIGURES_SECONDS", 0.2)
    stop = threading.Event()
    thread = life_signs.start(dataclasses.replace(road, detection=detection), stop)
    try:
        end = time.monotonic() + 60
        while not opensearch_client.indices.exists(index=index_name(ALIAS, datetime.now(UTC))):
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        stop.set()
        thread.join(30)
    # No stream runs: not one line was read.
    assert alerts(opensearch_client) == ["hamrong-canary-lost"]
    opensearch_client.indices.refresh(index="soc-rules")
    found = opensearch_client.search(index="soc-rules", size=1000)["hits"]["hits"]
    lives = {hit["_source"]["rule"]["id"]: hit["_source"]["soc"]["rule"] for hit in found}
    canaries = [life["canary"] for life in lives.values() if "canary" in life]
    assert canaries
    assert {(canary["came_back"], canary["stage"]) for canary in canaries} == {(False, "read")}
    assert all(life["microseconds"] == 0 for life in lives.values())


NEVER = (
    LOG_INS
    + """
title: Refused and not accepted
id: never
status: test
level: high
correlation:
  type: temporal
  group-by: [source.ip]
  timespan: 1s
  condition: refused and not accepted
"""
)


def test_a_window_closes_though_nothing_matches_any_more(
    spark: Any, road: Config, opensearch_client: OpenSearch, tmp_path: Path
) -> None:
    (tmp_path / "never.yml").write_text(NEVER, encoding="utf-8")
    detection = dataclasses.replace(
        road.detection, rules=(tmp_path / "never.yml",), watermark_seconds=1, beat_seconds=1.0
    )
    road = dataclasses.replace(road, detection=detection)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"<86>1 {stamp} web-01 sshd 1 - - Failed password for root from 203.0.113.7 port 22 ssh2"
    producer = Producer({"bootstrap.servers": road.kafka.bootstrap_servers})
    producer.produce(road.kafka.raw_topic, line.encode(), "192.0.2.1", headers=[("id", b"gw1-1")])
    assert producer.flush(30) == 0
    flow(spark, road)
    # However often the jobs look, time stands still.
    flow(spark, road)
    assert alerts(opensearch_client) == []

    stop = threading.Event()
    thread = beats.start(road, stop)
    try:
        end = time.monotonic() + 120
        while alerts(opensearch_client) != ["never"]:
            assert time.monotonic() < end
            flow(spark, road)
    finally:
        stop.set()
        thread.join(30)
    # Nobody who reads matches minds one of no rule.
    flow(spark, road, count)
    assert alerts(opensearch_client) == ["never"]
    assert DeltaTable(delta.uri(road, "events")).to_pyarrow_table().num_rows == 1
    opensearch_client.indices.refresh(index="soc-canaries", ignore_unavailable=True)
    assert opensearch_client.count(index="soc-canaries*")["count"] == 0
