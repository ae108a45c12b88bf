"""`hamrong scan` against rsigma: whole processes over the same events, in one run on one machine.

    python bench/scan.py --rules ../shared/sigmahq --events ../shared/bench/windows-events.ndjson.gz

The events are repeated into one file for each of `--sizes`. Both read it once before anything is measured (rules
cached, the file in memory) and then take turns. Events per second are by the clock, from a process's start to its end;
events per CPU second count every core that it used. rsigma must be on PATH; it matches on one thread.

Exit 1 when a rule matches a different number of events and the reason is not among those known here; each is explained
in docs/reference/peers.md. `--json FILE` writes the numbers for a program.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SIZES = (10_000, 100_000, 1_000_000)
INSTALL = "cargo install --locked rsigma --version 0.23.0 --features daachorse-index,evtx"

# What rsigma does otherwise with these public rules.
HIERARCHY = "a rule for registry_event is not tried on registry_set, registry_add and their like"
PLACEHOLDER = "a placeholder without a list counts as text"
OPEN = "an event that does not state a part of the log source is taken to be of it"
KNOWN = {
    "57b649ef-ff42-4fb0-8bf6-62da243a1708": OPEN,
    "d84c0ded-edd7-4123-80ed-348bb3ccc4d5": OPEN,
}


@dataclass(frozen=True)
class Tool:
    name: str
    command: tuple[str, ...]
    """`{}` stands for the file of events; matches come on standard output, a JSON object a line."""
    rule: str
    """The key of a match that holds the rule's id."""

    def run(self, events: Path, out: Path) -> tuple[float, float]:
        """Seconds by the clock, and CPU seconds of the process and its children. Raises when it fails."""
        command = [part.replace("{}", str(events)) for part in self.command]
        with out.open("wb") as file:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE)
            assert process.stderr is not None
            told = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} ended with {process.returncode}: {told.decode(errors='replace')[-1000:]}")
        return wall, usage.ru_utime + usage.ru_stime

    def matches(self, out: Path) -> Counter[str]:
        with out.open("rb") as file:
            return Counter(json.loads(line)[self.rule] for line in file)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=Path, required=True, help="folder of Sigma rules")
    parser.add_argument("--events", type=Path, required=True, help="NDJSON that states its log source; .gz or not")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="how many events")
    parser.add_argument("--runs", type=int, default=5, help="of each, at each size (default: 5)")
    parser.add_argument("--workers", type=int, default=2, help="of hamrong scan (default: 2)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    args = parser.parse_args(argv)
    if shutil.which("rsigma") is None:
        raise SystemExit(f"no rsigma on PATH: {INSTALL}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tools = (ours(args.rules, folder / "cache", args.workers), rsigma(args.rules))
        rows = [
            measure(tools, repeated(args.events, size, folder / "events.ndjson"), size, args.runs)
            for size in args.sizes
        ]
    if args.json:
        numbers = {"workers": args.workers, "cores": os.cpu_count(), "rows": rows}
        args.json.write_text(json.dumps(numbers, indent=2) + "\n")
    return judge(rows, {**KNOWN, **otherwise(args.rules)})


def ours(rules: Path, cache: Path, workers: int) -> Tool:
    scan = (sys.executable, "-m", "hamrong.cli", "scan", "--rules", str(rules), "--cache", str(cache))
    return Tool("hamrong", (*scan, "--events", "ndjson", "--workers", str(workers), "{}"), "rule")


def rsigma(rules: Path) -> Tool:
    evaluate = ("rsigma", "engine", "eval", "-r", str(rules), "-e", "@{}", "--logsource-routing", "--no-stats")
    return Tool("rsigma", (*evaluate, "--output-format", "ndjson"), "rule_id")


def repeated(source: Path, size: int, path: Path) -> Path:
    """A file with that many events: those of `source`, again and again."""
    content = source.read_bytes()
    lines = (gzip.decompress(content) if source.suffix == ".gz" else content).splitlines(keepends=True)
    with path.open("wb") as file:
        file.writelines(itertools.islice(itertools.cycle(lines), size))
    return path


def measure(tools: Sequence[Tool], events: Path, size: int, runs: int) -> dict[str, Any]:
    """One size: a run of each to warm up, by which matches are counted, then `runs` in turns."""
    out = events.with_name("matches.ndjson")
    counted: dict[str, Counter[str]] = {}
    for tool in tools:
        tool.run(events, out)
        counted[tool.name] = tool.matches(out)
    seconds: dict[str, list[tuple[float, float]]] = {tool.name: [] for tool in tools}
    for number in range(runs):
        # Who goes first changes from run to run.
        for tool in tools if number % 2 == 0 else tools[::-1]:
            seconds[tool.name].append(tool.run(events, out))
    print(f"{size:,} events, {runs} runs of each: events/s by the clock (min, median, max), per CPU second; matches")
    row: dict[str, Any] = {"events": size, "runs": runs, "differ": dict(differences(*counted.values()))}
    for tool in tools:
        walls, cpus = zip(*seconds[tool.name], strict=True)
        rates = [size / max(walls), size / statistics.median(walls), size / min(walls)]
        by_cpu = size / statistics.median(cpus)
        matches = counted[tool.name].total()
        print(f"  {tool.name:8}" + "".join(f" {rate:>9,.0f}" for rate in rates) + f" {by_cpu:>9,.0f} {matches:>9,}")
        row[tool.name] = {
            "events_per_second": rates,
            "events_per_cpu_second": by_cpu,
            "matches": matches,
            "wall_seconds": walls,
            "cpu_seconds": cpus,
        }
    one, other = (row[tool.name]["events_per_second"][1] for tool in tools)
    row["ratio"] = one / other
    print(f"  {tools[0].name} does {row['ratio']:.2f} times the events of {tools[1].name} in the same time")
    return row


def judge(rows: Sequence[dict[str, Any]], known: dict[str, str]) -> int:
    """Names each rule that matched differently; 1 when the reason of one is not known."""
    differ = {rule: counts for row in rows for rule, counts in row["differ"].items()}
    for rule, (mine, its) in sorted(differ.items()):
        print(f"  {rule}: {mine:,} and {its:,} matches; rsigma: {known.get(rule, 'NOT EXPLAINED')}")
    return 0 if differ.keys() <= known.keys() else 1


def differences(one: Counter[str], other: Counter[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Rules whose events are not as many, with both numbers."""
    for rule in sorted(one.keys() | other.keys()):
        if one[rule] != other[rule]:
            yield rule, (one[rule], other[rule])


def otherwise(rules: Path) -> dict[str, str]:
    """Id -> reason, for rules of the kinds that rsigma takes otherwise."""
    known = {}
    for path in rules.rglob("*.yml"):
        text = path.read_text("utf-8")
        if "registry_event" in text or "|expand" in text:
            for rule in yaml.load_all(text, Loader=yaml.CSafeLoader):
                hierarchy = rule["logsource"].get("category") == "registry_event"
                known[str(rule.get("id"))] = HIERARCHY if hierarchy else PLACEHOLDER
    return known


if __name__ == "__main__":
    sys.exit(main())
