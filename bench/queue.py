"""queue: how soon the alert queue answers over many alerts, with many analysts at it.

In:   how many alerts, which share of them waits, how many analysts; perhaps a checkout of a former version
Out:  a line for each view of the queue, as it is now and as it was

    python -m bench.queue --alerts 1000000 --analysts 20 --former ../former

Starts an OpenSearch of its own, and the alert pages as a process. Meanwhile alerts keep coming in, so that caches are
of no more use than in life. First each analyst asks for the next page as soon as the last has come; then each of them
asks for another view every two seconds, and the time runs from when they wanted to ask. With `--former` that version's
pages are served over the same alerts, in indices of its own template. On a machine that others use, trust the CPU
milliseconds of a page and their ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import urllib3
from opensearchpy import OpenSearch

from bench import queue_fill
from bench.made_alerts import ANALYSTS, ENTITIES, entity, made_alerts
from bench.processes import Meter
from hamrong.config import PROJECT
from hamrong.stack import opensearch
from hamrong.stack.process import Services
from ingest.sources import Register
from triage import store

Ask = Callable[[random.Random], dict[str, str]]
"""What a view's address is filtered by."""
SYSTEMS = [system.id for system in Register.load(PROJECT / "sources.yml").systems]
VIEWS: dict[str, Ask] = {
    "default": lambda chance: {},
    "by system": lambda chance: {"service": chance.choice(SYSTEMS)},
    "mine": lambda chance: {"view": "mine"},
    "overdue": lambda chance: {"view": "overdue"},
    "entity": lambda chance: {"view": "all", "entity": entity("source.ip", int(ENTITIES * chance.random() ** 3))},
    "words": lambda chance: {"text": "đăng nhập"},
    "all, newest first": lambda chance: {"view": "all", "sort": "newest"},
    "page 20": lambda chance: {"page": "20"},
}
PACE_SECONDS = 2.0
ARRIVALS = 5
"""Alerts a second."""
SERVED = {"now": queue_fill.ALIAS, "former": queue_fill.FORMER}


@dataclass
class Measured:
    taken: list[float] = field(default_factory=list)
    """Seconds of each page."""
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    """Milliseconds a page, of the pages and of OpenSearch."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=float, default=0.1, help="share that is not closed (default %(default)s)")
    parser.add_argument("--analysts", type=int, default=ANALYSTS, help="at once (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each view (default %(default)s)")
    parser.add_argument("--former", type=Path, metavar="CHECKOUT", help="measure this version too")
    parser.add_argument("--home", type=Path, help="keep the alerts here, or use those of an earlier run")
    args = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        home = args.home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hamrong-bench-")))
        url = stack.enter_context(node(home))
        with OpenSearch(url, timeout=600) as client:
            queue_fill.fill(client, args.alerts, args.waiting, args.former)
        versions = {"now": PROJECT} | ({"former": args.former} if args.former else {})
        pages = {name: stack.enter_context(served(where, url, SERVED[name])) for name, where in versions.items()}
        for name in versions:
            stack.enter_context(arriving(url, SERVED[name]))
        measure(pages, Meter(home), args.analysts, args.seconds)
    return 0


@contextlib.contextmanager
def node(home: Path) -> Iterator[str]:
    home.mkdir(exist_ok=True)
    if not (home / "jars").exists():
        (home / "jars").symlink_to(PROJECT / ".hamrong/jars")
    services = Services(home)
    service = opensearch.launch(services, home)
    try:
        services.wait(service, lambda: opensearch.answers(service, home), opensearch.START_SECONDS)
        yield opensearch.url(service)
    finally:
        services.stop(opensearch.NAME)


@contextlib.contextmanager
def served(checkout: Path, url: str, alias: str) -> Iterator[str]:
    """The address of a version's pages."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout.resolve()),
        "HAMRONG_OPENSEARCH_URL": url,
        "HAMRONG_OPENSEARCH_ALERTS_ALIAS": alias,
        "HAMRONG_TRIAGE_LOG_IN": "local",
    }
    command = [sys.executable, "-m", "hamrong.cli", "triage", "--port", "0"]
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            pages = server.stdout.readline().strip().removesuffix("/soc/queue")
            # It tells its address before it listens there.
            urllib3.request("GET", pages, retries=urllib3.Retry(20, backoff_factor=0.1))
            yield pages
        finally:
            server.terminate()


@contextlib.contextmanager
def arriving(url: str, alias: str) -> Iterator[None]:
    """Alerts of today come in, as the stream writes them."""
    over = threading.Event()

    def write() -> None:
        with OpenSearch(url, timeout=60) as client:
            for count in itertools.count(1):
                for _ in store.put(client, made_alerts(ARRIVALS, 1.0, datetime.now(UTC), days=0, seed=count), alias):
                    pass
                if over.wait(1.0):
                    return

    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(write)
        try:
            yield
        finally:
            over.set()
            writing.result()


def measure(pages: Mapping[str, str], meter: Meter, analysts: int, seconds: float) -> None:
    """One version after the other in each view, so that what else the machine does befalls both."""
    cookies = {
        version: [log_in(address, f"analyst-{number % ANALYSTS}") for number in range(analysts)]
        for version, address in pages.items()
    }
    every = list(VIEWS.values())
    print(
        f"{analysts} analysts; milliseconds from click to page; CPU milliseconds a page, of the pages and of OpenSearch"
    )
    print(f"{'':30}{'':>8}{'p50':>7}{'p95':>7}{'p99':>7}{'pages/s':>9}{'pages':>8}{'search':>8}")
    for version, address in pages.items():
        load(address, cookies[version], every, 4 * seconds)
    for name, ask in VIEWS.items():
        found = {}
        for version, address in pages.items():
            load(address, cookies[version], [ask], seconds / 5)
            found[version] = counted(meter, partial(load, address, cookies[version], [ask], seconds))
        show(name, found)
    paced = {
        version: counted(meter, partial(load, address, cookies[version], every, 2 * seconds, PACE_SECONDS))
        for version, address in pages.items()
    }
    show(f"another view every {PACE_SECONDS:.0f} s", paced)


def log_in(pages: str, name: str) -> str:
    """The session's cookie."""
    answer = urllib3.request("POST", f"{pages}/soc/log-in", fields={"name": name}, redirect=False)
    if answer.status != 303:
        raise RuntimeError(f"nobody can log in: {answer.status}: {answer.data[:500]!r}")
    return str(answer.headers["set-cookie"]).partition(";")[0]


def counted(meter: Meter, work: Callable[[], Measured]) -> Measured:
    before = meter.read()
    made = work()
    after = meter.read()
    for part in ("Python workers", "opensearch"):
        made.cpu[part] = 1000 * (after[part] - before[part]) / max(len(made.taken), 1)
    return made


def load(pages: str, cookies: Sequence[str], views: Sequence[Ask], seconds: float, pace: float = 0.0) -> Measured:
    """Every analyst asks for one view after another, as soon as the last page has come or once in `pace` seconds."""
    pool = urllib3.PoolManager(maxsize=len(cookies))
    start = time.monotonic()

    def analyst(number: int) -> list[float]:
        chance = random.Random(number)
        due = start + pace * number / len(cookies)
        taken: list[float] = []
        for turn in itertools.count(number):
            time.sleep(max(due - time.monotonic(), 0.0))
            if time.monotonic() >= start + seconds:
                return taken
            if not pace:
                due = time.monotonic()
            address = f"{pages}/soc/queue?{urllib.parse.urlencode(views[turn % len(views)](chance))}"
            answer = pool.request("GET", address, headers={"cookie": cookies[number]}, retries=False, redirect=False)
            if answer.status != 200:
                raise RuntimeError(f"{address}: {answer.status}: {answer.data[:500]!r}")
            taken.append(time.monotonic() - due)
            due += pace
        return taken

    with ThreadPoolExecutor(len(cookies)) as threads:
        taken = [one for its in threads.map(analyst, range(len(cookies))) for one in its]
    return Measured(taken, time.monotonic() - start)


def show(view: str, found: Mapping[str, Measured]) -> None:
    for version, its in found.items():
        spans = "".join(f"{1000 * span:7.0f}" for span in np.percentile(its.taken, (50, 95, 99)))
        cpu = "".join(f"{value:8.1f}" for value in its.cpu.values())
        print(f"{view:30}{version:>8}{spans}{len(its.taken) / its.seconds:9.1f}{cpu}", flush=True)
    if "former" in found:
        now, former = found["now"], found["former"]
        cpu_ratio = sum(former.cpu.values()) / sum(now.cpu.values())
        p95 = float(np.percentile(former.taken, 95) / np.percentile(now.taken, 95))
        print(f"{view:30}{'ratio':>8}{'':7}{p95:6.1f}x{'':16}{cpu_ratio:15.1f}x", flush=True)


if __name__ == "__main__":
    sys.exit(main())
