"""embedded: the Kafka and the OpenSearch of one machine, as a whole.

In:   the stack's home (`.hamrong/`), the names of the topics
Out:  both services up, or down; where they answer

Both outlive the command that started them. Any process may be killed at any time: the next `up` mends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.progress import Progress

from hamrong import config
from hamrong.errors import ServiceError
from hamrong.stack import jars, kafka, opensearch
from hamrong.stack.java import find_java
from hamrong.stack.process import Service, Services

STORES = (kafka.NAME, opensearch.NAME)
FREE_BYTES = 1 << 30


@dataclass(frozen=True)
class Endpoints:
    kafka_bootstrap: str
    opensearch_url: str


@dataclass(frozen=True)
class State:
    """How a service is: running | not answering | dead (it ended by itself) | stopped."""

    name: str
    state: str
    pid: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    started: str = ""
    log: str = ""


def prepare(home: Path) -> None:
    """Makes the folder, and refuses a disk on which nothing would live long."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "up.lock").touch()
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise ServiceError(f"{home} cannot be used ({error.strerror}): name a writable folder with --home") from error
    if free < FREE_BYTES:
        raise ServiceError(
            f"only {free / (1 << 30):.1f} GB is free on the disk of {home}: free {FREE_BYTES >> 30} GB, "
            f"or name a folder on another disk with --home"
        )


def up(home: Path, topics: config.Kafka, progress: Progress) -> Endpoints:
    """Fetches what is missing, starts what does not run, makes the topics. Seconds when nothing is to do."""
    prepare(home)
    find_java()
    jars.fetch(home, progress)
    services = Services(home)
    tasks = {store: progress.add_task(f"starting {store.NAME}", total=None) for store in (opensearch, kafka)}
    with _lock(home):
        launched = {store: store.launch(services, home) for store in (opensearch, kafka)}
    for store, service in launched.items():
        services.wait(service, partial(store.answers, service, home), store.START_SECONDS)
        progress.update(tasks[store], total=1, completed=1)
    found = endpoints(home)
    kafka.create_topics(found.kafka_bootstrap, topics)
    return found


def down(home: Path, progress: Progress) -> list[str]:
    """Ends every recorded service: first those that others recorded, then Kafka and OpenSearch. Their names."""
    services = Services(home)
    names = [service.name for service in services.status()]
    stores = [name for name in names if name in STORES]
    task = progress.add_task("stopping", total=len(names) or 1)
    for group in ([name for name in names if name not in stores], stores):
        with ThreadPoolExecutor(len(group) or 1) as pool:
            for _ in pool.map(services.stop, group):
                progress.advance(task)
    return names


def status(home: Path) -> list[State]:
    """Every recorded service, and the two stores even when they are not."""
    recorded = {service.name: service for service in Services(home).status()}
    return [_state(name, recorded.get(name), home) for name in [*STORES, *sorted(set(recorded) - set(STORES))]]


def endpoints(home: Path) -> Endpoints:
    """Where the running stack answers. Raises ServiceError when it does not run."""
    services = Services(home)
    found: dict[str, Service] = {}
    for name in STORES:
        service = services.find(name)
        if not service or not service.alive:
            raise ServiceError(f"the embedded {name} of {home} does not run: start it with 'hamrong stack up'")
        found[name] = service
    return Endpoints(kafka.bootstrap_servers(found[kafka.NAME]), opensearch.url(found[opensearch.NAME]))


def environment(home: Path) -> dict[str, str]:
    """The settings that point `hamrong.config` of a child process at the running stack."""
    found = endpoints(home)
    return {
        "HAMRONG_KAFKA_BOOTSTRAP_SERVERS": found.kafka_bootstrap,
        "HAMRONG_OPENSEARCH_URL": found.opensearch_url,
    }


def _state(name: str, service: Service | None, home: Path) -> State:
    if not service:
        return State(name, "stopped")
    probe = {kafka.NAME: kafka.answers, opensearch.NAME: opensearch.answers}.get(name)
    if not service.alive:
        return State(name, "dead", ports=service.ports, started=service.started, log=str(service.log))
    state = "running" if probe is None or probe(service, home) else "not answering"
    return State(name, state, service.pid, service.ports, service.started, str(service.log))


@contextlib.contextmanager
def _lock(home: Path) -> Iterator[None]:
    """One `up` at a time: two would choose ports for the same service."""
    with (home / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
