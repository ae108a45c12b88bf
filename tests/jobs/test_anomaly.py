"""The anomaly job as a stream over a real lake; what it would publish is caught on its way to the sink."""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from detectors.anomaly import store
from detectors.anomaly.features import NAMES
from detectors.anomaly.forest import Model, fit
from hamrong.config import Config
from ingest.event import FIELDS, nest
from jobs import anomaly
from jobs.sinks import delta, opensearch
from tests.jobs import micro_batch

pytestmark = pytest.mark.services

HOUR = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""Yesterday at ten in Viet Nam: recent enough to be scored, and by day."""
SCANNER = "203.0.113.7"


def model() -> Model:
    """Ordinary hours of addresses: some ten lines, three paths, one host."""
    random = np.random.default_rng(3)
    events = random.integers(1, 20, 500).astype(float)
    columns = {name: np.zeros(500) for name in NAMES}
    columns |= {"events": events, "paths": np.minimum(events, random.integers(1, 6, 500)), "hosts": np.ones(500)}
    columns |= {"services": np.ones(500), "bytes": events * random.lognormal(7, 0.5, 500)}
    return fit(pa.table({"entity_type": ["source.ip"] * 500, **columns}), 3600, 0.005, HOUR, HOUR)


def append(cfg: Config, number: int, source: str, paths: range, status: int = 200, hour: datetime = HOUR) -> None:
    """One micro-batch's lines of one address, ten a second."""
    times = [hour + timedelta(minutes=number, seconds=second / 10) for second in range(len(paths))]
    columns = {
        "@timestamp": pa.array(times, FIELDS["@timestamp"]),
        "event.ingested": pa.array(times, FIELDS["event.ingested"]),
        "event.id": pa.array([f"{number}-{path}" for path in paths]),
        "event.original": pa.array([f"GET /p/{path}" for path in paths]),
        "source.ip": pa.array([source] * len(paths)),
        "service.name": pa.array(["portal"] * len(paths)),
        "host.name": pa.array(["dvc-web-01"] * len(paths)),
        "url.path": pa.array([f"/p/{path}" for path in paths]),
        "http.response.status_code": pa.array([status] * len(paths), pa.int64()),
        "http.response.bytes": pa.array([900] * len(paths), pa.int64()),
    }
    batch = nest(pa.RecordBatch.from_pydict(columns))
    micro_batch.commit(cfg, number, events=batch)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Documents in the order in which they were made, on the executors, as the sink makes them."""
    caught: list[dict[str, Any]] = []
    schema = StructType([StructField("document", StringType())])

    def publish(rows: DataFrame, build: opensearch.Build, cfg: Config) -> None:
        def run(batches: Any) -> Any:
            for batch in batches:
                yield pa.RecordBatch.from_pydict({"document": [orjson.dumps(each).decode() for each in build(batch)]})

        caught.extend(orjson.loads(row.document) for row in rows.mapInArrow(run, schema).collect())

    monkeypatch.setattr(opensearch, "publish", publish)
    return caught


def drained(spark: Any, cfg: Config) -> None:
    """Run the job until it has read the whole lake, then stop it."""
    query = anomaly.start(spark, cfg)
    try:
        query.processAllAvailable()
    finally:
        query.stop()


def test_a_scan_raises_one_alert_that_grows(spark: Any, cfg: Config, published: list[dict[str, Any]]) -> None:
    store.save(model(), cfg.anomaly.models)
    delta.create_tables(cfg)
    append(cfg, 0, "203.0.113.90", range(300), 404, hour=HOUR - timedelta(days=3))
    append(cfg, 1, "198.51.100.1", range(6))
    append(cfg, 2, SCANNER, range(300), 404)
    drained(spark, cfg)
    [first] = published
    assert first["soc"]["alert"]["entity"] == {"type": "source.ip", "value": SCANNER}
    assert first["soc"]["alert"]["reason_vi"].startswith(f"{SCANNER}: ")
    assert first["service"] == {"name": "portal"}
    assert first["soc"]["alert"]["asset_level"] == 4
    assert [sample["event"]["original"] for sample in first["soc"]["alert"]["evidence"]] == [
        "GET /p/0", "GET /p/1", "GET /p/2",
    ]  # fmt: skip

    append(cfg, 3, SCANNER, range(300, 500), 404)
    append(cfg, 4, "198.51.100.1", range(3))
    drained(spark, cfg)
    [_, second] = published
    assert second["soc"]["alert"]["id"] == first["soc"]["alert"]["id"]
    assert (first["soc"]["alert"]["count"], second["soc"]["alert"]["count"]) == (300, 500)
    assert second["soc"]["alert"]["last_seen"] > first["soc"]["alert"]["last_seen"]


def test_without_a_model_nothing_is_scored_and_it_is_said_once(
    spark: Any, cfg: Config, published: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    delta.create_tables(cfg)
    append(cfg, 1, SCANNER, range(300), 404)
    with caplog.at_level(logging.WARNING, "jobs.anomaly"):
        query = anomaly.start(spark, cfg)
        try:
            query.processAllAvailable()
            append(cfg, 2, SCANNER, range(300, 310), 404)
            query.processAllAvailable()
            told = [entry.message for entry in caplog.records if entry.name == "jobs.anomaly"]
            assert [message for message in told if "hamrong train" in message] == told[:1] == told
            assert published == []

            store.save(model(), cfg.anomaly.models)
            append(cfg, 3, SCANNER, range(310, 320), 404)
            query.processAllAvailable()
        finally:
            query.stop()
    assert [alert["soc"]["alert"]["count"] for alert in published] == [320], "the new model must be taken up"


def test_a_model_of_other_windows_is_not_used(cfg: Config) -> None:
    store.save(dataclasses.replace(model(), window_seconds=300), cfg.anomaly.models)
    assert "the model knows windows of 300 s" in anomaly.lacks_model(cfg)
    store.save(model(), cfg.anomaly.models)
    assert anomaly.lacks_model(cfg) == ""
    (cfg.anomaly.models / store.HEADER).write_text("{")
    assert "is not JSON" in anomaly.lacks_model(cfg)
