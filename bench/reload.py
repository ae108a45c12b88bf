"""reload: how soon a rule that is added to thousands is live in a worker, and what that costs.

In:   a folder of Sigma rules
Out:  a line for each rule that was added, one after the other

    python -m bench.reload --rules ../shared/sigmahq

The worker is a process of its own, as Spark's are. It asks for the live set ten times a second and matches an event
that only the new rule matches; the clock runs from the moment the rule's file is closed. On a machine that others use,
trust the CPU seconds.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import multiprocessing.connection
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from hamrong import config
from hamrong.config import Detection
from jobs import loaded
from jobs.reload.watch import Reloader

RULE = """title: added {number}
id: 00000000-0000-4000-8000-{number:012}
status: test
level: low
logsource: {{product: windows, category: process_creation}}
detection:
  selection:
    CommandLine|contains: hamrong-added-{number}-
    Image|endswith: '\\added-{number}.exe'
  condition: selection
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, required=True, help="folder of Sigma rules")
    parser.add_argument("--add", type=int, default=10, help="rules, one after the other (default 10)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hamrong-bench-") as scratch:
        added = Path(scratch, "added")
        added.mkdir()
        (added / "0.yml").write_text(RULE.format(number=0))
        detection = dataclasses.replace(
            config.load().detection,
            rules=(args.rules, added),
            cache=Path(scratch, "cache"),
            rule_sets=str(Path(scratch, "sets")),
        )
        measure(detection, added, args.add)
    return 0


def measure(detection: Detection, added: Path, count: int) -> None:
    began = time.process_time()
    reloader, stop = Reloader(detection), threading.Event()
    reloader.begin()
    print(f"start, empty cache: {time.process_time() - began:.1f} CPU s")
    began = time.process_time()
    Reloader(detection).begin()
    print(f"start, full cache: {time.process_time() - began:.1f} CPU s")
    mine, its = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(detection, its), daemon=True)
    worker.start()
    mine.send(0)
    print(f"{mine.recv()['rules']:,} rules; seconds to live, CPU s of the driver, CPU s and MB of the worker")
    thread = reloader.start(stop)
    for number in range(1, count + 1):
        mine.send(number)
        time.sleep(3)
        cpu = time.process_time()
        (added / f"{number}.yml").write_text(RULE.format(number=number))
        written = time.monotonic()
        told = mine.recv()
        seconds = told["at"] - written
        print(
            f"{seconds:6.2f} {time.process_time() - cpu:6.2f} {told['cpu']:6.2f} {told['megabytes']:6.0f}", flush=True
        )
    stop.set()
    thread.join()
    worker.kill()


def work(detection: Detection, driver: multiprocessing.connection.Connection) -> None:
    """Says when the rule of each number it hears is live here."""
    loaded.live(detection).compile()
    while True:
        number, before = driver.recv(), time.process_time()
        event = {"product": "windows", "category": "process_creation", "Image": f"C:\\added-{number}.exe"}
        event |= {"CommandLine": f"hamrong-added-{number}-"}
        batch = pa.RecordBatch.from_pylist([event])
        version = ""
        while True:
            ruleset = loaded.live(detection)
            if ruleset.version != version:
                version = ruleset.version
                if ruleset.match(batch).num_rows:
                    break
                before = time.process_time()
            time.sleep(0.1)
        driver.send(
            {
                "at": time.monotonic(),
                "cpu": time.process_time() - before,
                "megabytes": megabytes(),
                "rules": len(ruleset.rules),
            }
        )


def megabytes() -> float:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
