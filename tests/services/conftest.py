"""The real Kafka and OpenSearch, started once for the whole run and stopped at its end. They never skip: a service
that cannot start fails every test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch
from rich.progress import Progress

from hamrong import config
from hamrong.config import PROJECT
from hamrong.stack import embedded


def new_home(folder: Path) -> Path:
    """An empty home that shares the checkout's jars."""
    jars = PROJECT / ".hamrong" / "jars"
    jars.mkdir(parents=True, exist_ok=True)
    (folder / "jars").symlink_to(jars)
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
