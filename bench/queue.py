"""queue: how soon the alert queue answers over many alerts, with many analysts at it.

In:   how many alerts, which share of them waits, how many analysts
Out:  a line for each page that was asked for

    python -m bench.queue --alerts 100000

Starts an OpenSearch and a server of the pages of its own. Each analyst asks for the next page as soon as the last has
come. On a machine that others use, trust the CPU milliseconds of the two servers.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import urllib3
from opensearchpy import OpenSearch
from opensearchpy.helpers import streaming_bulk
from rich.progress import Progress

from bench.processes import Meter
from dashboards.loader import install_templates
from detectors.alert import SEVERITIES, Seen, Source, document, index_name
from hamrong import config
from hamrong.stack import embedded
from triage.life import VERDICTS

PAGES = {
    "the queue": "/soc/queue",
    "one severity of one system": "/soc/queue?severity=high&service=system-3",
    "words": "/soc/queue?text=dang+nhap",
    "everything, newest first": "/soc/queue?view=all&sort=newest",
}
DAYS = 90


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--open-share", type=float, default=0.1, help="of alerts that wait (default %(default)s)")
    parser.add_argument("--analysts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0, help="in all (default %(default)s)")
    args = parser.parse_args(argv)
    quiet = Progress(disable=True)
    with tempfile.TemporaryDirectory(prefix="hamrong-bench-") as scratch:
        home = Path(scratch)
        (home / "jars").symlink_to(config.PROJECT / ".hamrong/jars")
        try:
            url = embedded.up(home, config.Kafka(), quiet).opensearch_url
            fill(url, args.alerts, args.open_share)
            measure(url, Meter(home), args.analysts, args.seconds)
        finally:
            embedded.down(home, quiet)
    return 0


def alerts(count: int, open_share: float, now: datetime) -> Iterator[dict[str, Any]]:
    """Of 90 days, from many rules, systems and addresses, each with two sample events."""
    chance = random.Random(count)
    for number in range(count):
        rule = int(300 * chance.random() ** 3)
        level = chance.choices(SEVERITIES, (5, 30, 40, 20, 5))[0]
        source = Source(
            id=f"rule-{rule}",
            title=f"Dò mật khẩu {rule}",
            level=level,
            detector="sigma",
            tags=("attack.credential-access", "attack.t1110"),
            reason="{count} failed log-ins from {entity}",
            reason_vi="{count} lần đăng nhập sai từ {entity}",
        )
        start = now - timedelta(days=DAYS * chance.random())
        address = f"2001:db8::{chance.randrange(20_000):x}"
        sample = {
            "event": {"original": "Failed password for invalid user an " * 20, "category": ["authentication"]},
            "service": {"name": f"system-{chance.randrange(20)}"},
            "source": {"ip": address},
            "related": {"ip": [address]},
        }
        seen = Seen("source.ip", address, start, 3600, 1 + number % 500, start, start, [sample] * 2, 1 + number % 5)
        made = document(source, seen, start)
        if chance.random() >= open_share:
            verdict = chance.choice(VERDICTS)
            made["soc"]["alert"] |= {"status": "closed", "verdict": verdict, "closed_at": made["@timestamp"]}
        elif chance.random() < 0.5:
            made["soc"]["alert"] |= {"status": "acknowledged", "assignee": f"analyst-{chance.randrange(20)}"}
        yield made


def fill(url: str, count: int, open_share: float) -> None:
    now = datetime.now(UTC)
    with OpenSearch(url, timeout=120) as client:
        install_templates(client)
        months = sorted({index_name("soc-alerts", now - timedelta(days=day)) for day in range(DAYS + 1)})
        for month in months:
            client.indices.create(index=month, body={"settings": {"index": {"refresh_interval": "-1"}}})
        actions = (
            {
                "_op_type": "index",
                "_index": index_name("soc-alerts", datetime.fromisoformat(made["soc"]["alert"]["window_start"])),
                "_id": made["soc"]["alert"]["id"],
                "_source": made,
            }
            for made in alerts(count, open_share, now)
        )
        for _ in streaming_bulk(client, actions, chunk_size=2_000, max_retries=8):
            pass
        client.indices.put_settings(index="soc-alerts-*", body={"index": {"refresh_interval": "1s"}})
        client.indices.refresh(index="soc-alerts-*")
        print(f"{client.count(index='soc-alerts')['count']:,} alerts, {open_share:.0%} of them wait", flush=True)


def measure(url: str, meter: Meter, analysts: int, seconds: float) -> None:
    environment = os.environ | {"HAMRONG_OPENSEARCH_URL": url, "HAMRONG_TRIAGE_LOG_IN": "local"}
    command = [sys.executable, "-m", "hamrong.cli", "triage", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            pages = server.stdout.readline().strip().removesuffix("/soc/queue")
            print(f"{analysts} analysts; milliseconds: p50, p95, longest; CPU a page of the pages and of OpenSearch")
            # It tells its address before it listens there.
            urllib3.request("GET", pages, retries=urllib3.Retry(20, backoff_factor=0.1))
            for name, path in PAGES.items():
                ask(pages + path, 1, 2.0)
                before = meter.read()
                taken = np.array(ask(pages + path, analysts, seconds / len(PAGES))) * 1000
                after = meter.read()
                parts = ("Python workers", "opensearch")
                web, search = (1000 * (after[part] - before[part]) / len(taken) for part in parts)
                p50, p95 = np.percentile(taken, (50, 95))
                print(
                    f"{name}: {len(taken):,} pages; {p50:.0f}, {p95:.0f}, {taken.max():.0f}; {web:.1f}, {search:.1f}",
                    flush=True,
                )
        finally:
            server.terminate()


def ask(url: str, analysts: int, seconds: float) -> list[float]:
    """Seconds of each answer."""
    until = time.monotonic() + seconds
    pool = urllib3.PoolManager(maxsize=analysts)

    def analyst(_: int) -> list[float]:
        taken = []
        while (began := time.monotonic()) < until:
            answer = pool.request("GET", url, retries=False)
            if answer.status != 200:
                raise RuntimeError(f"{url}: {answer.status}: {answer.data[:500]!r}")
            taken.append(time.monotonic() - began)
        return taken

    with ThreadPoolExecutor(analysts) as threads:
        return [one for its in threads.map(analyst, range(analysts)) for one in its]


if __name__ == "__main__":
    sys.exit(main())
