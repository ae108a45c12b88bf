"""Training on a real lake: what it learns from, how it repeats, and what it says when there is too little."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detectors.anomaly import store
from detectors.anomaly.forest import TooFewWindowsError
from hamrong import config
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import FIELDS, nest
from jobs.sinks import delta
from jobs.train import train
from tests.jobs import micro_batch

pytestmark = pytest.mark.services

UNTIL = datetime(2026, 3, 31, tzinfo=UTC)


def lines(first: datetime, hours: int, addresses: int) -> pa.RecordBatch:
    """A few requests of each address in each hour."""
    random = np.random.default_rng(6)
    times, sources = [], []
    for hour in range(hours):
        for address in range(addresses):
            for _ in range(random.integers(1, 6)):
                times.append(first + timedelta(hours=hour, seconds=float(random.integers(3600))))
                sources.append(f"198.51.100.{address}")
    columns = {
        "@timestamp": pa.array(times, FIELDS["@timestamp"]),
        "event.ingested": pa.array(times, FIELDS["event.ingested"]),
        "event.id": pa.array([f"gw1-{number}" for number in range(len(times))]),
        "source.ip": pa.array(sources),
        "url.path": pa.array([f"/p/{random.integers(9)}" for _ in times]),
        "http.response.status_code": pa.array([200] * len(times), pa.int64()),
    }
    return nest(pa.RecordBatch.from_pydict(columns))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> str:
    """Ten hours of twelve addresses before UNTIL, three of other days, and three hours after it."""
    folder = str(tmp_path_factory.mktemp("history"))
    cfg = dataclasses.replace(config.load(environment={}), lake=config.Lake(folder))
    delta.create_tables(cfg)
    for number, (first, hours) in enumerate(
        [(UNTIL - timedelta(hours=10), 10), (UNTIL - timedelta(days=40), 3), (UNTIL, 3)]
    ):
        micro_batch.commit(cfg, number, events=lines(first, hours, 12))
    return folder


@pytest.fixture
def cfg(lake: str, tmp_path: Path) -> Config:
    plain = config.load(environment={})
    return dataclasses.replace(
        plain,
        lake=config.Lake(lake),
        anomaly=dataclasses.replace(plain.anomaly, models=tmp_path / "models"),
    )


def test_it_learns_from_the_days_before_and_from_nothing_after(cfg: Config, spark: Any) -> None:
    trained = train(cfg, spark, UNTIL)
    assert (trained.windows, trained.entities) == (120, 12)
    assert (trained.since, trained.until) == (UNTIL - timedelta(days=30), UNTIL)
    assert set(trained.thresholds) == {"source.ip"}
    model = store.load(cfg.anomaly.models)
    assert model is not None
    assert model.forests["source.ip"].rows == 120
    assert "120 windows of 12 entities" in trained.sentence()


def test_the_history_is_a_setting(cfg: Config, spark: Any) -> None:
    longer = dataclasses.replace(cfg, anomaly=dataclasses.replace(cfg.anomaly, history_days=60))
    assert train(longer, spark, UNTIL).windows == 156


def test_the_same_lake_gives_the_same_thresholds(cfg: Config, spark: Any) -> None:
    assert train(cfg, spark, UNTIL).thresholds == train(cfg, spark, UNTIL).thresholds


def test_too_little_history_is_a_sentence_and_leaves_the_model(cfg: Config, spark: Any) -> None:
    train(cfg, spark, UNTIL)
    before = store.load(cfg.anomaly.models)
    with pytest.raises(TooFewWindowsError, match=r"36 of source\.ip, 0 of user\.name, at least 50"):
        train(cfg, spark, UNTIL - timedelta(days=39))
    assert store.load(cfg.anomaly.models) is before


def test_no_lake_is_a_sentence(cfg: Config, spark: Any, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(cfg, lake=config.Lake(str(tmp_path / "none")))
    with pytest.raises(HamrongError, match="holds no events yet; start the jobs with: hamrong run"):
        train(elsewhere, spark, UNTIL)
