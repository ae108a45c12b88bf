"""A report over a real lake and a real OpenSearch, its numbers counted a second way: over the same files with deltalake
and pyarrow, and by OpenSearch's count API."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from hamrong import cli, config
from hamrong.commands.report import make
from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from ingest.event import FIELDS, nest
from jobs.report import alerts, build, lake
from jobs.report.contents import Day, Report
from jobs.report.page import render
from jobs.sinks import delta
from tests.jobs import micro_batch
from triage import store

pytestmark = pytest.mark.services

DAY = Day(date(2026, 3, 10), "Asia/Ho_Chi_Minh")
ALIAS = "soc-nightly"
HOSTILE = "<b onmouseover=alert(1)>web</b>&\"'"


def lines() -> list[dict[str, Any]]:
    """Lines of three days of receipt, some on the very edges of the local day."""
    random = np.random.default_rng(8)
    edges = [DAY.start - timedelta(milliseconds=1), DAY.start, DAY.end - timedelta(milliseconds=1), DAY.end]
    spread = [DAY.start - timedelta(hours=12) + timedelta(minutes=float(m)) for m in random.uniform(0, 48 * 60, 1500)]
    made = []
    for number, ingested in enumerate(sorted(edges + spread)):
        broken = random.random() < 0.05
        delay = float(random.choice([1, 30, 599, 601, 5_000, -59, -61, -400]))
        made.append(
            {
                "event.id": f"gw1-{number}",
                "event.kind": "pipeline_error" if broken else "event",
                "event.ingested": ingested,
                "@timestamp": ingested - timedelta(seconds=delay),
                "event.outcome": str(random.choice(["success", "failure"])),
                "service.name": random.choice(["portal", "lgsp", "elsewhere", None]),
                "source.ip": None if broken else f"203.0.113.{random.integers(30)}",
                "user.name": random.choice(["an", "binh", None]),
                "host.name": str(random.choice([HOSTILE, "dvc-web-01"])),
                "tags": ["encoding_escaped"] if random.random() < 0.1 else None,
            }
        )
    return made


def raised(cfg: Config, client: OpenSearch) -> None:
    """Alerts of three detectors, within the day and beside it."""
    random = np.random.default_rng(9)
    documents = []
    for number in range(120):
        detector = str(random.choice(["sigma", "correlation", "anomaly"]))
        now = DAY.start + timedelta(hours=float(random.uniform(-6, 30)))
        source = Source(
            id=f"{detector}-{random.integers(4)}",
            title=f"Rule of {detector}",
            level=str(random.choice(["low", "medium", "high", "critical"])),
            detector=detector,
            tags=("attack.credential-access", "attack.t1110.003") if detector == "sigma" else (),
            reason="{entity}: {count}",
            reason_vi="{entity}: {count} dòng",
        )
        extra = {
            "score": 0.5 + number / 1000,
            "features": [{"name": "paths", "value": 9, "median": 1, "p99": 4, "share": 1.0}],
        }
        seen = Seen(
            entity_type="source.ip",
            entity_value=f"203.0.113.{number % 40}",
            window_start=now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=number),
            window_seconds=3600,
            count=int(random.integers(1, 50)),
            first_seen=now,
            last_seen=now,
            samples=[{"service": {"name": "portal"}}] if number % 3 else [],
            extra=extra if detector == "anomaly" else {},
        )
        documents.append(document(source, seen, now))
    assert {reason for _, reason in store.put(client, documents, cfg.opensearch.alerts_alias)} == {None}
    client.indices.refresh(index=ALIAS)


@pytest.fixture(scope="module")
def nightly(
    tmp_path_factory: pytest.TempPathFactory, spark: Any, opensearch_url: str, opensearch_client: OpenSearch
) -> Config:
    """Settings of a lake and an alias that hold three days."""
    folder = tmp_path_factory.mktemp("nightly")
    plain = config.load(environment={})
    cfg = dataclasses.replace(
        plain,
        lake=config.Lake(str(folder / "lake")),
        opensearch=dataclasses.replace(plain.opensearch, url=opensearch_url, alerts_alias=ALIAS),
        anomaly=dataclasses.replace(plain.anomaly, models=folder / "models"),
        detection=dataclasses.replace(plain.detection, cache=folder / "cache"),
        report=dataclasses.replace(plain.report, folder=folder / "reports"),
    )
    rows = lines()
    columns = {name: pa.array([row[name] for row in rows], FIELDS[name]) for name in rows[0]}
    batch = nest(pa.RecordBatch.from_pydict(columns))
    delta.create_tables(cfg)
    micro_batch.commit(cfg, 1, events=batch)
    install_templates(opensearch_client, alias=ALIAS)
    raised(cfg, opensearch_client)
    return cfg


@pytest.fixture(scope="module")
def report(nightly: Config, spark: Any) -> Report:
    return build(nightly, spark, DAY, datetime(2026, 3, 11, tzinfo=UTC))


@pytest.fixture(scope="module")
def stored(nightly: Config) -> list[dict[str, Any]]:
    """The day's lines, read from the lake's files without Spark."""
    table = DeltaTable(f"{nightly.lake.path}/events").to_pyarrow_table(
        columns=["@timestamp", "event", "service", "source", "user", "host", "tags"]
    )
    return [row for row in table.to_pylist() if DAY.start <= row["event"]["ingested"] < DAY.end]


def test_lines_by_system(report: Report, stored: list[dict[str, Any]]) -> None:
    systems = Counter(row["service"]["name"] or "" for row in stored)
    broken = Counter(row["service"]["name"] or "" for row in stored if row["event"]["kind"] == "pipeline_error")
    assert {each.id: each.tally.events for each in report.systems if each.tally.events} == systems
    assert {each.id: each.tally.unparsed for each in report.systems if each.tally.unparsed} == broken
    assert report.total.events == len(stored) > 500
    assert {each.id for each in report.silent} == {each.id for each in report.systems if each.asset_level} - set(
        systems
    )
    assert "portal" not in {each.id for each in report.silent}
    last = max(row["event"]["ingested"] for row in stored if row["service"]["name"] == "portal")
    assert next(each.tally.last for each in report.systems if each.id == "portal") == last


def test_lines_by_hour(report: Report, stored: list[dict[str, Any]]) -> None:
    hours = Counter((row["event"]["ingested"] + timedelta(hours=7)).hour for row in stored)
    assert {each.hour: each.events for each in report.hours} == hours
    assert sum(each.unparsed for each in report.hours) == report.total.unparsed


def test_the_edges_of_the_day_are_local_midnights(report: Report, nightly: Config, spark: Any) -> None:
    before, after = (Day(DAY.date + timedelta(days=days), DAY.zone) for days in (-1, 1))
    counts = [lake.events_of(nightly, spark, day).count() for day in (before, DAY, after)]
    assert sum(counts) == len(lines())
    assert counts[1] == report.total.events


def test_only_the_days_partitions_are_read(nightly: Config, spark: Any) -> None:
    files = lake.events_of(nightly, spark, DAY).inputFiles()
    assert {Path(file).parent.name for file in files} == {"ingest_day=2026-03-09", "ingest_day=2026-03-10"}


def test_late_lines_clocks_and_tags(report: Report, stored: list[dict[str, Any]]) -> None:
    delays = [(row["event"]["ingested"] - row["@timestamp"]).total_seconds() for row in stored]
    assert report.total.late == sum(delay > 600 for delay in delays) > 0
    assert report.total.ahead == sum(delay < -60 for delay in delays) > 0
    assert {tag.key: tag.count for tag in report.tags} == Counter(tag for row in stored for tag in row["tags"] or ())


@pytest.mark.parametrize(
    ("field", "section"), [("source.ip", "sources"), ("user.name", "accounts"), ("host.name", "hosts")]
)
def test_the_busiest(report: Report, stored: list[dict[str, Any]], field: str, section: str) -> None:
    parent, leaf = field.split(".")
    counts = Counter(row[parent][leaf] for row in stored if row[parent][leaf])
    failures = Counter(row[parent][leaf] for row in stored if row["event"]["outcome"] == "failure")
    expected = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    found = getattr(report, section)
    assert [(each.value, each.events) for each in found] == expected
    assert all(each.failures == failures[each.value] for each in found)


def counted(client: OpenSearch, **terms: str) -> int:
    """How many alerts of the day have those values."""
    clauses: list[dict[str, Any]] = [
        {"range": {"soc.alert.raised_at": {"gte": DAY.start.isoformat(), "lt": DAY.end.isoformat()}}},
        *({"term": {name.replace("__", "."): value}} for name, value in terms.items()),
    ]
    return int(client.count(index=ALIAS, body={"query": {"bool": {"filter": clauses}}})["count"])


def test_alerts(report: Report, opensearch_client: OpenSearch) -> None:
    found = report.raised
    assert found.total == counted(opensearch_client) > 50
    assert found.total < opensearch_client.count(index=ALIAS)["count"]
    for name, counts in (
        ("soc__alert__severity", found.severities),
        ("soc__alert__status", found.statuses),
        ("soc__alert__detector", found.detectors),
        ("threat__tactic__id", found.tactics),
        ("threat__technique__id", found.techniques),
    ):
        assert counts
        assert all(count.count == counted(opensearch_client, **{name: count.key}) for count in counts)
    assert all(rule.count == counted(opensearch_client, rule__id=rule.id) for rule in found.rules)
    assert sum(rule.count for rule in found.rules) == found.total == sum(found.hours)
    portal = next(each for each in report.systems if each.id == "portal")
    assert portal.alerts == counted(opensearch_client, service__name="portal")
    assert sum(each.alerts for each in report.systems) == found.total
    risks = [alert.risk for alert in found.riskiest]
    assert risks == sorted(risks, reverse=True)
    assert len(found.anomalies) == min(20, counted(opensearch_client, soc__alert__detector="anomaly"))
    assert found.anomalies[0].features[0]["name"] == "paths"


def test_the_page_holds_the_reports_numbers(report: Report) -> None:
    html = render(report)
    assert f'<data value="{report.total.events}" id="events">' in html
    assert f'<data value="{report.raised.total}" id="alerts">' in html
    for hour in report.hours:
        assert f'data-hour="{hour.hour}" data-events="{hour.events}"' in html
    assert HOSTILE not in html
    assert "&lt;b onmouseover=alert(1)&gt;web&lt;/b&gt;&amp;&#34;&#39;" in html


def test_the_same_day_twice_is_the_same_file(nightly: Config, spark: Any, report: Report) -> None:
    assert render(build(nightly, spark, DAY, report.generated_at)) == render(report)


def test_an_empty_day_is_a_report_that_says_so(nightly: Config, spark: Any) -> None:
    made, path = make(nightly, spark, date(2020, 1, 1))
    assert (made.total.events, made.raised.total) == (0, 0)
    assert len(made.silent) == made.registered
    assert path == nightly.report.folder / "2020-01-01.html"
    assert "Not one line was received on this day." in path.read_text(encoding="utf-8")


def test_a_day_that_has_not_begun_is_refused(nightly: Config, spark: Any) -> None:
    with pytest.raises(HamrongError, match="has not begun in Asia/Ho_Chi_Minh"):
        make(nightly, spark, date(2199, 1, 1))


def test_no_lake_is_a_sentence(nightly: Config, spark: Any, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(nightly, lake=config.Lake(str(tmp_path / "none")))
    with pytest.raises(HamrongError, match="holds no events yet; start the jobs with: hamrong run"):
        build(elsewhere, spark, DAY, datetime(2026, 3, 11, tzinfo=UTC))


def test_without_any_alert_the_report_still_stands(nightly: Config) -> None:
    settings = dataclasses.replace(nightly.opensearch, alerts_alias="soc-never")
    assert alerts.read(dataclasses.replace(nightly, opensearch=settings), DAY).total == 0


def test_opensearch_away_is_exit_2(
    nightly: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = dataclasses.replace(nightly.opensearch, url="http://127.0.0.1:1")
    with pytest.raises(ServiceError):
        alerts.read(dataclasses.replace(nightly, opensearch=settings), DAY)
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", "http://127.0.0.1:1")
    for command in ("report", "nightly"):
        assert cli.main([command]) == 2
        assert "OpenSearch does not answer; start it: hamrong stack up" in capsys.readouterr().err


def test_the_numbers_can_be_read_as_json(report: Report) -> None:
    numbers = orjson.loads(orjson.dumps(report))
    assert numbers["day"] == {"date": "2026-03-10", "zone": "Asia/Ho_Chi_Minh"}
    assert sum(hour["events"] for hour in numbers["hours"]) == report.total.events


@pytest.mark.timeout(600)
def test_nightly_from_the_command_line(nightly: Config, tmp_path: Path) -> None:
    """A young lake: the report is written, and that there is too little to learn from is said, not an error."""
    environment = {
        **os.environ,
        "HAMRONG_LAKE_PATH": nightly.lake.path,
        "HAMRONG_OPENSEARCH_URL": nightly.opensearch.url,
        "HAMRONG_OPENSEARCH_ALERTS_ALIAS": ALIAS,
        "HAMRONG_ANOMALY_MODELS": str(tmp_path / "models"),
        "HAMRONG_REPORT_FOLDER": str(tmp_path / "reports"),
        "HAMRONG_DETECTION_CACHE": str(nightly.detection.cache),
        "HAMRONG_SPARK_WORK": str(tmp_path / "spark"),
        "HAMRONG_SPARK_JARS": str(config.PROJECT / ".hamrong/jars/spark"),
        "HAMRONG_SPARK_DRIVER_MEMORY": "1g",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hamrong.cli", "nightly", "--day", str(DAY.date)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "reports/2026-03-10.html")]
    assert "the model stays as it is: too few windows" in done.stderr
    assert "Exception" not in done.stderr
    html = (tmp_path / "reports/2026-03-10.html").read_text(encoding="utf-8")
    assert f'<data value="{build_total(nightly)}" id="events">' in html


def build_total(cfg: Config) -> int:
    events = DeltaTable(f"{cfg.lake.path}/events").to_pyarrow_table(columns=["event"])["event"].to_pylist()
    return sum(DAY.start <= event["ingested"] < DAY.end for event in events)
