"""detect: how many lines a second go from Kafka to lake and alerts, and how soon an alert can be searched.

In:   the demo's lines and, with --events, Windows events as JSON lines; our rules, and with --rules public ones beside
Out:  a table, one column a rule set, and what the public rules cost as a ratio

    python -m bench.detect --rules ../shared/sigmahq --events ../shared/bench/windows-events.ndjson.gz

Kafka, OpenSearch and the query `jobs.detect` share the machine, as in the field. Throughput: a backlog is drained, and
the micro-batches after the first count. Latency: lines at a steady rate, among them every 250 ms one of an address that
was never seen, that raises an alert of its own; it is sent to Kafka at a known moment and looked for in OpenSearch.
On a machine that others use, trust the CPU microseconds a line and the ratios, not the clock. "driver" is the driver's
Python and this program, which sends the lines.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from bench.backlog import Feeder, mix
from bench.processes import Meter
from dashboards.loader import install_templates
from detectors.sigma.ruleset import Ruleset
from hamrong import config
from hamrong.config import PROJECT, Config
from hamrong.demo.watch import Watch
from hamrong.stack import embedded, kafka
from jobs import detect
from jobs.session import session
from jobs.sinks import delta
from triage.store import client

PROBE_RULE = "24d949dd-6135-4cc4-a851-b34c4b1c20bd"
PROBE = (
    "<190>{stamp:%b %d %H:%M:%S} tmdt-web-01 nginx: {address} - - [{stamp:%d/%b/%Y:%H:%M:%S +0000}] "
    '"GET /tai-ve?tep=../../../../etc/passwd HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"'
)
PROBE_SECONDS = 0.25
PATIENCE_SECONDS = 600


@dataclass
class Measured:
    """Of one rule set."""

    rules: int = 0
    first_batch_seconds: float = 0.0
    batches: int = 0
    lines_per_second: float = 0.0
    cpu_us_per_line: dict[str, float] = field(default_factory=dict)
    phases_ms: dict[str, float] = field(default_factory=dict)
    latency_seconds: dict[str, float] = field(default_factory=dict)
    probes: int = 0
    probes_missing: int = 0
    busy_cores: dict[str, float] = field(default_factory=dict)
    steady_batch_seconds: float = 0.0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, help="folder of public Sigma rules")
    parser.add_argument("--events", type=Path, help="Windows events as JSON lines, .gz or not")
    parser.add_argument("--share", type=float, default=0.3, help="of the lines that are Windows events (default 0.3)")
    parser.add_argument("--lines", type=int, default=400_000, help="of the backlog (default 400000)")
    parser.add_argument("--rate", type=float, default=5000, help="lines a second of the latency run (default 5000)")
    parser.add_argument("--seconds", type=float, default=60, help="of the latency run; 0 = none (default 60)")
    parser.add_argument(
        "--home", type=Path, help="of a stack that runs or may be started and stay (default: a new one)"
    )
    parser.add_argument("--json", type=Path, help="write the numbers there")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hamrong-bench-") as scratch, stack(args.home, Path(scratch)) as home:
        cfg = settings(home, Path(scratch))
        lines = mix(args.lines, args.events, args.share)
        sets = {"own": cfg.detection.rules}
        if args.rules:
            sets["own + public"] = (*cfg.detection.rules, usable(args.rules, Path(scratch, "public"), cfg))
        measured = {name: measure(name, rules, cfg, home, lines, args) for name, rules in sets.items()}
    show(measured, args.rate)
    if args.json:
        text = json.dumps({name: dataclasses.asdict(one) for name, one in measured.items()}, indent=2)
        args.json.write_text(text + "\n", encoding="utf-8")
    return 0


@contextmanager
def stack(given: Path | None, scratch: Path) -> Iterator[Path]:
    """A home whose Kafka and OpenSearch run; one of our own is stopped at the end."""
    quiet = Progress(disable=True)
    home = given or scratch / "home"
    if not given:
        home.mkdir()
        (PROJECT / ".hamrong/jars").mkdir(parents=True, exist_ok=True)
        (home / "jars").symlink_to(PROJECT / ".hamrong/jars")
    try:
        embedded.up(home, config.Kafka(), quiet)
        yield home
    finally:
        if not given:
            embedded.down(home, quiet)


def settings(home: Path, scratch: Path) -> Config:
    cfg, found = config.load(), embedded.endpoints(home)
    return dataclasses.replace(
        cfg,
        kafka=dataclasses.replace(cfg.kafka, bootstrap_servers=found.kafka_bootstrap),
        opensearch=dataclasses.replace(cfg.opensearch, url=found.opensearch_url),
        spark=dataclasses.replace(cfg.spark, work=scratch / "spark", jars=home / "jars/spark"),
        detection=dataclasses.replace(cfg.detection, cache=scratch / "cache", rule_sets=str(scratch / "rule-sets")),
    )


def usable(rules: Path, copy: Path, cfg: Config) -> Path:
    """A copy of the folder without the files that the loader refuses: a stream loads strictly."""
    loaded = Ruleset.load([rules], cfg.detection.cache, strict=False)
    refused = {problem.path for problem in [*loaded.problems, *loaded.refused]}
    for number, file in enumerate(sorted(rules.rglob("*.yml"))):
        if str(file) not in refused:
            copy.mkdir(exist_ok=True)
            shutil.copyfile(file, copy / f"{number}.yml")
    return copy


def measure(
    name: str, rules: tuple[Path, ...], cfg: Config, home: Path, lines: list[bytes], args: argparse.Namespace
) -> Measured:
    """One rule set, with topics, lake and checkpoint of its own."""
    slug = name.replace(" ", "")
    topics = dataclasses.replace(cfg.kafka, raw_topic=f"{slug.replace('+', '-')}-{time.time_ns()}")
    folder = cfg.spark.work.parent / slug
    cfg = dataclasses.replace(
        cfg,
        kafka=topics,
        lake=config.Lake(str(folder / "lake")),
        spark=dataclasses.replace(cfg.spark, checkpoints=str(folder / "checkpoints")),
        detection=dataclasses.replace(cfg.detection, rules=rules),
    )
    kafka.create_topics(topics.bootstrap_servers, topics)
    with client(cfg.opensearch) as opensearch:
        install_templates(opensearch, alias=cfg.opensearch.alerts_alias)
    ruleset = Ruleset.load(rules, cfg.detection.cache)
    ruleset.compile()
    found = Measured(rules=len(ruleset.rules))
    print(f"{name}: {found.rules:,} rules, {len(lines):,} lines", file=sys.stderr)
    with Feeder(cfg) as feeder:
        feeder.send(lines)
        feeder.flush()
        spark = session(cfg, "bench", with_rules=True)
        try:
            delta.create_tables(cfg)
            detect.warm(spark, cfg)
            query = detect.start(spark, cfg)
            meter = Meter(home)
            drain(query, len(lines), meter, found)
            if args.seconds:
                steady(query, feeder, cfg, lines, meter, args, found)
            query.stop()
        finally:
            spark.stop()
    return found


def batches_of(query: Any) -> list[Any]:
    """Progress of the micro-batches with lines, in order."""
    if not query.isActive:
        raise SystemExit(f"the query ended: {query.exception()}")
    return [progress for progress in query.recentProgress if progress.numInputRows]


def drain(query: Any, lines: int, meter: Meter, found: Measured) -> None:
    """The backlog; CPU is counted from the end of the first micro-batch to the end of the last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (done := batches_of(query)):
        time.sleep(0.02)
    before, since = meter.read(), time.monotonic()
    first = done[0]
    while sum(progress.numInputRows for progress in done) < lines:
        if time.monotonic() > deadline:
            raise SystemExit(f"the backlog was not drained in {PATIENCE_SECONDS} s")
        time.sleep(0.25)
        done = batches_of(query)
    after, seconds = meter.read(), time.monotonic() - since
    rows = lines - first.numInputRows
    steady = done[1:]
    found.first_batch_seconds = first.durationMs["triggerExecution"] / 1000
    found.batches = len(steady)
    found.lines_per_second = rows / seconds
    found.cpu_us_per_line = {part: (after[part] - before[part]) / rows * 1e6 for part in after}
    phases = {phase for progress in steady for phase in progress.durationMs}
    found.phases_ms = {
        phase: float(np.mean([progress.durationMs.get(phase, 0) for progress in steady])) for phase in sorted(phases)
    }


def steady(
    query: Any,
    feeder: Feeder,
    cfg: Config,
    lines: list[bytes],
    meter: Meter,
    args: argparse.Namespace,
    found: Measured,
) -> None:
    """Lines at a steady rate; each probe has an address, so an alert, of its own."""
    began = datetime.now(UTC)
    sent_at: dict[str, float] = {}
    known = query.lastProgress.batchId
    stream = itertools.cycle(lines)
    with (
        client(cfg.opensearch) as opensearch,
        Watch(opensearch, cfg.opensearch.alerts_alias, began, lambda alert: None) as watch,
    ):
        before, start = meter.read(), time.monotonic()
        sent, probes = 0, 0
        while (elapsed := time.monotonic() - start) < args.seconds:
            if elapsed > (probes + 1) * PROBE_SECONDS:
                probes += 1
                address = f"2001:db8:{found.rules:x}::{probes:x}"
                feeder.send([PROBE.format(stamp=datetime.now(UTC), address=address).encode()])
                sent_at[address] = time.monotonic()
            due = int(elapsed * args.rate)
            feeder.send(list(itertools.islice(stream, due - sent)))
            sent = due
            time.sleep(0.01)
        after, seconds = meter.read(), time.monotonic() - start

        def moments() -> dict[str, float]:
            seen = watch.moments()
            return {address: seen[(PROBE_RULE, address)] for address in sent_at if (PROBE_RULE, address) in seen}

        end = time.monotonic() + 60
        while len(moments()) < len(sent_at) and time.monotonic() < end:
            time.sleep(0.1)
        seen = moments()
    latencies = [seen[address] - sent_at[address] for address in seen]
    found.probes, found.probes_missing = len(sent_at), len(sent_at) - len(seen)
    if latencies:
        found.latency_seconds = {
            "p50": float(np.percentile(latencies, 50)),
            "p95": float(np.percentile(latencies, 95)),
            "max": max(latencies),
        }
    found.busy_cores = {part: (after[part] - before[part]) / seconds for part in after}
    durations = [
        progress.durationMs["triggerExecution"] / 1000 for progress in batches_of(query) if progress.batchId > known
    ]
    found.steady_batch_seconds = float(np.mean(durations)) if durations else 0.0


def show(measured: dict[str, Measured], rate: float) -> None:
    rows: list[tuple[str, list[float], str]] = []

    def row(name: str, values: list[float], form: str = ",.0f") -> None:
        rows.append((name, values, form))

    every = list(measured.values())
    row("rules", [one.rules for one in every])
    row("first micro-batch, s", [one.first_batch_seconds for one in every], ".1f")
    row("lines/s by the clock", [one.lines_per_second for one in every])
    for part in every[0].cpu_us_per_line:
        row(f"CPU us/line, {part}", [one.cpu_us_per_line[part] for one in every], ".1f")
    total = [sum(one.cpu_us_per_line.values()) for one in every]
    row("CPU us/line, all", total, ".1f")
    row("lines/s that 2 cores can do", [2e6 / all_parts for all_parts in total])
    for phase in every[0].phases_ms:
        row(f"{phase}, ms a batch", [one.phases_ms.get(phase, 0) for one in every])
    for part in every[0].latency_seconds:
        row(
            f"send to searchable at {rate:,.0f}/s, {part}, s",
            [one.latency_seconds.get(part, 0) for one in every],
            ".2f",
        )
    row("probes never found", [one.probes_missing for one in every])
    row("seconds a micro-batch, steady", [one.steady_batch_seconds for one in every], ".2f")
    for part in every[0].busy_cores:
        row(f"cores busy, steady, {part}", [one.busy_cores[part] for one in every], ".2f")
    print(f"{'':44}" + "".join(f"{name:>14}" for name in measured) + f"{'ratio':>8}")
    for name, values, form in rows:
        ratio = f"{values[-1] / values[0]:8.2f}" if len(values) > 1 and values[0] else ""
        print(f"{name:44}" + "".join(f"{value:>14{form}}" for value in values) + ratio)


if __name__ == "__main__":
    sys.exit(main())
