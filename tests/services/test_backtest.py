"""Stream and backtest give the same alerts of the same lines, on a real Spark and a real lake."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from opensearchpy import OpenSearch
from pyspark.sql import DataFrame

from dashboards.loader import install_templates
from detectors.raised import documents
from hamrong.config import PROJECT, Config
from hamrong.errors import ServiceError
from jobs import correlate, loaded, maintain
from jobs.alerts import alert_rows
from jobs.backtest import backtest, lake, volume
from jobs.backtest.chosen import choose
from jobs.backtest.contents import Span
from jobs.correlator import Lost
from jobs.sinks import delta
from tests.jobs.filled_lake import SECONDS, START, fill, traffic_of_ten_minutes
from triage import store

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

TODAY = START.date()
SPAN = Span(START - timedelta(days=1), START + timedelta(seconds=SECONDS + 60), "Asia/Ho_Chi_Minh")
TRAVERSAL = "24d949dd-6135-4cc4-a851-b34c4b1c20bd"
ALIAS = "backtest-alerts"

Alert = tuple[str, int, datetime, datetime]
"""Id, count, first and last seen."""


def quiet(done: int, tasks: int) -> None:
    assert 0 <= done <= tasks


def streamed(spark: Any, cfg: Config) -> dict[str, set[Alert]]:
    """By correlation, what the stream `jobs.correlate` tells of the lake's matches when it has come to their end."""
    told: dict[tuple[str, str], dict[str, Any]] = {}

    def store_batch(batch: DataFrame, number: int) -> None:
        for row in batch.toArrow().to_pylist():
            known = told.setdefault((row["rule_id"], row["alert_id"]), row)
            if row["count"] >= known["count"]:
                told[row["rule_id"], row["alert_id"]] = row | {
                    "first_seen": min(row["first_seen"], known["first_seen"]),
                    "last_seen": max(row["last_seen"], known["last_seen"]),
                }

    lost = spark.sparkContext.accumulator(Counter(), Lost())
    query = (
        correlate.correlate(delta.stream(spark, cfg, "matches"), cfg.detection, lost)
        .writeStream.outputMode("update")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/correlate")
        .trigger(availableNow=True)
        .foreachBatch(store_batch)
        .start()
    )
    query.awaitTermination()
    by_rule: dict[str, set[Alert]] = {}
    for (rule, alert), row in told.items():
        by_rule.setdefault(rule, set()).add((alert, row["count"], row["first_seen"], row["last_seen"]))
    return by_rule


def tried(spark: Any, cfg: Config, rule: str) -> set[Alert]:
    """What the backtest says."""
    chosen = choose(cfg.detection, rule, TODAY)
    rows = volume.found(spark, lake.tasks(cfg, lake.files(cfg), SPAN.since, SPAN.until), chosen)
    alerts = volume.alerts(rows, chosen, SPAN.since).toArrow().to_pylist()
    return {(row["alert_id"], row["count"], row["first_seen"], row["last_seen"]) for row in alerts}


def counted(spark: Any, matches: pa.Table) -> dict[str, set[Alert]]:
    by_rule: dict[str, set[Alert]] = {}
    for row in alert_rows(spark.createDataFrame(matches)).toArrow().to_pylist():
        alert = (row["alert_id"], row["count"], row["first_seen"], row["last_seen"])
        by_rule.setdefault(row["rule_id"], set()).add(alert)
    return by_rule


def test_stream_and_backtest_raise_the_same_alerts(spark: Any, cfg: Config) -> None:
    matches = fill(cfg, traffic_of_ten_minutes())
    correlations = streamed(spark, cfg)
    rules = counted(spark, matches)
    assert len(correlations) > 3
    [events, _] = maintain.maintain(cfg, START + timedelta(days=2))
    assert events.files_after < events.files_before
    for rule in (*sorted(correlations), *sorted(rules)[:3]):
        assert tried(spark, cfg, rule) == (correlations | rules)[rule], rule


def test_what_a_backtest_tells(spark: Any, cfg: Config, opensearch_url: str, opensearch_client: OpenSearch) -> None:
    settings = dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS)
    cfg = dataclasses.replace(cfg, opensearch=settings)
    matches = fill(cfg, traffic_of_ten_minutes())
    chosen = choose(cfg.detection, TRAVERSAL, TODAY)
    rows = [row for row in matches.to_pylist() if row["rule_id"] == TRAVERSAL]
    ids = {row["event"]["event"]["id"] for row in rows}
    install_templates(opensearch_client, alias=ALIAS)
    closed = close_first(cfg, spark, matches, opensearch_client)

    made = backtest(cfg, spark, chosen, SPAN, quiet)
    midnight = datetime(2026, 3, 9, 17, tzinfo=UTC)
    received = Counter(row["event"]["event"]["ingested"] >= midnight for row in rows)
    assert [(day.day, day.whole) for day in made.days] == [
        ("2026-03-08", False),
        ("2026-03-09", True),
        ("2026-03-10", False),
    ]
    assert [day.matches for day in made.days] == [0, received[False], received[True]]
    assert (made.matches, made.matched_events, made.kind, made.generates) == (len(rows), len(ids), "rule", True)
    assert made.alerts == len({row["alert_id"] for row in rows})
    assert {one.value for one in made.entities} <= {row["entity_value"] for row in rows}
    assert len(made.samples) == min(10, len(rows))
    assert {sample["event.id"] for sample in made.samples} <= ids
    others = Counter(
        row["rule_id"]
        for row in matches.to_pylist()
        if row["event"]["event"]["id"] in ids and row["rule_id"] != TRAVERSAL
    )
    assert {one.rule_id: one.events for one in made.overlap} == dict(others)
    assert made.verdicts is not None
    assert (made.verdicts.alerts, made.verdicts.own) == (1, {"false_positive": 1})
    assert closed in {row["alert_id"] for row in rows}
    assert made.read.events == len(traffic_of_ten_minutes())
    assert [day.day for day in made.over(0)] == [day.day for day in made.days if day.alerts]


def test_a_window_may_begin_before_the_span(spark: Any, cfg: Config) -> None:
    times = [START + timedelta(seconds=number) for number in range(12)]
    line = "<86>Mar  9 23:55:{:02} web-01 sshd[7]: Failed password for root from 192.0.2.1 port 22 ssh2"
    fill(cfg, [(time, line.format(number).encode()) for number, time in enumerate(times)])
    chosen = choose(cfg.detection, "8f13e29c-38cd-4557-abcc-4bf9ac587db7", TODAY)
    cfg = dataclasses.replace(cfg, opensearch=dataclasses.replace(cfg.opensearch, url="http://127.0.0.1:9"))
    made = backtest(cfg, spark, chosen, dataclasses.replace(SPAN, since=times[8]), quiet)
    # The tenth completes the first window; of the span are only four.
    assert (made.kind, made.matches, made.alerts) == ("correlation", 4, 1)
    assert backtest(cfg, spark, chosen, dataclasses.replace(SPAN, until=times[9]), quiet).alerts == 0
    vanished = next(Path(cfg.lake.path, "events").rglob("*.parquet"))
    vanished.unlink()
    with pytest.raises(ServiceError, match="Spark cannot read it"):
        backtest(cfg, spark, chosen, SPAN, quiet)


def close_first(cfg: Config, spark: Any, matches: pa.Table, client: OpenSearch) -> str:
    """Indexes the alerts of the rule, and closes one as an analyst does; its id."""
    ruleset, register = loaded.ruleset(cfg.detection), loaded.register(cfg.detection)
    rows = [
        row for row in alert_rows(spark.createDataFrame(matches)).toArrow().to_pylist() if row["rule_id"] == TRAVERSAL
    ]
    made = documents(rows, ruleset, register.asset_level, START)
    assert [refused for _, refused in store.put(client, made, ALIAS)] == [None] * len(made)
    client.indices.refresh(index=f"{ALIAS}*")
    first = str(made[0]["soc"]["alert"]["id"])
    client.update_by_query(
        index=ALIAS,
        body={
            "query": {"term": {"soc.alert.id": first}},
            "script": {
                "source": "ctx._source.soc.alert.status = 'closed'; ctx._source.soc.alert.verdict = 'false_positive'"
            },
        },
        refresh=True,
    )
    return first


def test_the_command_fails_over_the_budget(cfg: Config, tmp_path: Path) -> None:
    fill(cfg, traffic_of_ten_minutes())
    settings = {
        "HAMRONG_LAKE_PATH": cfg.lake.path,
        "HAMRONG_SPARK_JARS": str(cfg.spark.jars),
        "HAMRONG_SPARK_WORK": str(tmp_path / "work"),
        "HAMRONG_DETECTION_CACHE": str(cfg.detection.cache),
        # Nobody listens there.
        "HAMRONG_OPENSEARCH_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "hamrong.cli", "rules", "backtest", TRAVERSAL, "--since", "2026-03-09"]
    command += ["--until", "2026-03-10", "--max-per-day", "0", "--json"]
    environment = {**os.environ, **settings, "PYTHONPATH": str(PROJECT)}
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert told.returncode == 1, told.stderr
    made = orjson.loads(told.stdout)
    assert made["over_budget"] == [day["day"] for day in made["days"] if day["alerts"]]
    assert [day["day"] for day in made["days"]] == ["2026-03-09", "2026-03-10"]
    assert (made["verdicts"], made["alerts"] > 0) == (None, True)
    assert "does not answer" in made["verdicts_unknown"]
