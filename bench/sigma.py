"""How fast rules are matched, and how that depends on how many there are.

    python bench/sigma.py --rules ../shared/sigmahq --events ../shared/bench/windows-events.ndjson.gz

For each number of rules (a sample that is the same every time): events a CPU second on Arrow batches of 10,000 that lie
ready, once with nothing remembered of any value (cold) and then again (warm, the best of three); the same from JSON
lines as `hamrong scan` reads them, reading included; and how long loading takes with an empty and with a full cache.
`--json FILE` writes the same for a program.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ndjson import read as read_json
from detectors.sigma.ruleset import Ruleset

BATCH = 10_000
BLOCK = 1_600
"""Events of a piece of 4 MiB, as a scan cuts them."""
SEED = 20261124


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=Path, required=True, help="folder of Sigma rules")
    parser.add_argument("--events", type=Path, required=True, help="NDJSON, .gz or not")
    parser.add_argument("--repeat", type=int, default=1, help="how often the events are repeated")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    args = parser.parse_args(argv)
    lines = read(args.events, args.repeat)
    batches = [flat_batch(lines[start : start + BATCH])[0] for start in range(0, len(lines), BATCH)]
    blocks = [b"\n".join(lines[start : start + BLOCK]) for start in range(0, len(lines), BLOCK)]
    # As in the processes of a scan.
    gc.collect()
    gc.disable()
    files = sorted(args.rules.rglob("*.yml"))
    random.Random(SEED).shuffle(files)
    sizes = sorted({size for size in (100, 300, 1000, 2000, len(files)) if size <= len(files)})
    print(f"{len(lines):,} events")
    print(f"{'rules':>6} {'cold/s':>9} {'warm/s':>9} {'JSON/s':>9} {'matches':>8} {'load cold':>10} {'load warm':>10}")
    rows = []
    for size in sizes:
        row = measure(files[:size], batches, blocks, len(lines))
        rows.append(row)
        print(
            f"{row['rules']:>6,} {row['cold_events_per_second']:>9,.0f} {row['warm_events_per_second']:>9,.0f} "
            f"{row['json_events_per_second']:>9,.0f} {row['matches']:>8,} "
            f"{row['load_cold_seconds']:>9.2f}s {row['load_warm_seconds']:>9.2f}s"
        )
    few, all_rules = rows[0], rows[-1]
    slowdown = {
        name: few[f"{name}_events_per_second"] / all_rules[f"{name}_events_per_second"] for name in ("warm", "json")
    }
    print(
        f"{all_rules['rules']:,} rules cost {slowdown['warm']:.2f} times what {few['rules']:,} cost; "
        f"with JSON read {slowdown['json']:.2f} times"
    )
    if args.json:
        args.json.write_text(json.dumps({"events": len(lines), "rows": rows, "slowdown": slowdown}, indent=2) + "\n")
    return 0


def read(path: Path, repeat: int) -> list[bytes]:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines() * repeat


def measure(
    files: Sequence[Path], batches: Sequence[pa.RecordBatch], blocks: Sequence[bytes], events: int
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        rules, cache = Path(folder, "rules"), Path(folder, "cache")
        rules.mkdir()
        for number, file in enumerate(files):
            shutil.copyfile(file, rules / f"{number}.yml")
        load_cold, load_warm = start_seconds(rules, cache), start_seconds(rules, cache)
        ruleset = Ruleset.load([rules], cache, strict=False)
        ruleset.compile()

    def run() -> int:
        return sum(ruleset.match(batch).num_rows for batch in batches)

    def run_json() -> int:
        return sum(ruleset.match(read_json(block)[0]).num_rows for block in blocks)

    cold, matches = timed(run)
    return {
        "rules": len(ruleset.rules),
        "matches": matches,
        "cold_events_per_second": events / cold,
        "warm_events_per_second": events / min(timed(run)[0] for _ in range(3)),
        "json_events_per_second": events / min(timed(run_json)[0] for _ in range(4)),
        "load_cold_seconds": load_cold,
        "load_warm_seconds": load_warm,
    }


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def start_seconds(rules: Path, cache: Path) -> float:
    """Wall seconds of a new process from its start to rules that are ready, all databases compiled."""
    code = (
        "import sys; from pathlib import Path; from detectors.sigma.ruleset import Ruleset; "
        "Ruleset.load([Path(sys.argv[1])], Path(sys.argv[2]), strict=False).compile()"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(rules), str(cache)], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
