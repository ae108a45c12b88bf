"""What several test folders share: a configuration of its own for each test, and one real Spark session."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from opensearchpy import OpenSearch
from rich.progress import Progress

from hamrong import config
from hamrong.config import PROJECT, Config
from hamrong.stack import embedded, opensearch
from hamrong.stack.ports import any_port

# A time limit an example would fail on a machine that others use too.
hypothesis.settings.register_profile("shared-machine", deadline=None)
hypothesis.settings.register_profile("brief", deadline=None, max_examples=30)
hypothesis.settings.load_profile("shared-machine")


def settings(folder: Path) -> Config:
    """The defaults with every path below `folder`; the jars are the checkout's."""
    cfg = config.load(environment={})
    return dataclasses.replace(
        cfg,
        lake=config.Lake(str(folder / "lake")),
        gateway=dataclasses.replace(cfg.gateway, spool=folder / "spool"),
        spark=dataclasses.replace(
            cfg.spark,
            driver_memory="1500m",
            slow_trigger_seconds=0.5,
            checkpoints=str(folder / "checkpoints"),
            work=folder / "spark",
            jars=PROJECT / ".hamrong/jars/spark",
        ),
        detection=dataclasses.replace(
            cfg.detection, cache=PROJECT / ".hamrong/cache", rule_sets=str(folder / "rule-sets")
        ),
        anomaly=dataclasses.replace(cfg.anomaly, models=folder / "models"),
        report=dataclasses.replace(cfg.report, folder=folder / "reports"),
    )


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    """Settings with every path in the test's own folder; services are nowhere until a fixture names them."""
    return settings(tmp_path)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One real Spark session for the whole run; tests keep apart by their folders."""
    from jobs.session import session

    started = session(settings(tmp_path_factory.mktemp("spark")), "tests", brief=True)
    yield started
    started.stop()


def new_home(folder: Path) -> Path:
    """An empty home with ports of its own that shares the checkout's jars; `folder` is made when it is absent."""
    folder.mkdir(exist_ok=True)
    jars = PROJECT / ".hamrong" / "jars"
    jars.mkdir(parents=True, exist_ok=True)
    (folder / "jars").symlink_to(jars)
    # Tests beside these may start a stack at this moment, and all would see the same first ports free.
    for memory, port in {
        "opensearch/port": random.choice(opensearch.PORTS),
        "kafka/kafka-port": any_port(),
        "kafka/controller-port": any_port(),
    }.items():
        (folder / memory).parent.mkdir(exist_ok=True)
        (folder / memory).write_text(str(port), encoding="ascii")
    return folder


@pytest.fixture(scope="session")
def stack_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running stack with the project's topics."""
    home = new_home(tmp_path_factory.mktemp("stack"))
    quiet = Progress(disable=True)
    try:
        embedded.up(home, config.Kafka(), quiet)
        yield home
    finally:
        embedded.down(home, quiet)


@pytest.fixture(scope="session")
def kafka_bootstrap(stack_home: Path) -> str:
    return embedded.endpoints(stack_home).kafka_bootstrap


@pytest.fixture(scope="session")
def opensearch_url(stack_home: Path) -> str:
    return embedded.endpoints(stack_home).opensearch_url


@pytest.fixture(scope="session")
def opensearch_client(opensearch_url: str) -> Iterator[OpenSearch]:
    with OpenSearch(opensearch_url, timeout=30) as client:
        yield client
