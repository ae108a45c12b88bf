"""Whether a matcher's memory stays flat when no value ever comes twice.

    python bench/memory.py --rules ../shared/sigmahq --events 50000000

Matches JSON events of four kinds, made block by block, whose paths, command lines, users, addresses and file names are
all new; prints the process's resident memory as it goes, and at the end the most of the last half against the most of
the first.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from detectors.sigma.ndjson import read
from detectors.sigma.ruleset import Ruleset

BLOCK = 8_000
KINDS = [
    b'{"product":"windows","category":"process_creation","Image":"C:\\\\Users\\\\u%d\\\\AppData\\\\x%d.exe",'
    b'"CommandLine":"x%d.exe -k %d --to 192.0.2.%d","User":"EXAMPLE\\\\u%d","ParentImage":"C:\\\\Windows\\\\p%d.exe"}',
    b'{"product":"windows","category":"file_event","Image":"C:\\\\Windows\\\\i%d.exe",'
    b'"TargetFilename":"C:\\\\Users\\\\u%d\\\\Downloads\\\\f%d-%d.dll","User":"u%d","ProcessId":%d,"CreationUtcTime":%d}',
    b'{"product":"windows","category":"registry_set","Image":"C:\\\\p%d\\\\r%d.exe",'
    b'"TargetObject":"HKLM\\\\SOFTWARE\\\\k%d\\\\v%d","Details":"d%d","User":"u%d","ProcessId":%d}',
    b'{"category":"webserver","cs-uri-query":"q=%d&session=%d","cs-uri-stem":"/p/%d/%d.html","c-ip":"2001:db8::%d",'
    b'"cs-user-agent":"agent/%d","sc-bytes":%d}',
]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=Path, required=True, help="folder of Sigma rules")
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--cache", type=Path, default=Path(".hamrong/cache"))
    args = parser.parse_args(argv)
    # As `hamrong scan` does in its workers.
    gc.disable()
    ruleset = Ruleset.load([args.rules], args.cache, strict=False)
    done, told, matches = 0, 0, 0
    seen: list[tuple[int, float]] = []
    start = time.process_time()
    while done < args.events:
        block = b"\n".join(KINDS[row % len(KINDS)] % ((done + row,) * 7) for row in range(BLOCK))
        matches += ruleset.match(read(block)[0]).num_rows
        done += BLOCK
        seen.append((done, resident()))
        if done - told >= args.events // 50:
            told = done
            print(f"{done:>12,} events {resident():7.1f} MB {matches:>9,} matches", flush=True)
    half = args.events / 2
    first = max(memory for at, memory in seen if at <= half)
    last = max(memory for at, memory in seen if at > half)
    print(f"{done / (time.process_time() - start):,.0f} events a CPU second, making them included")
    print(f"most in the first half {first:.1f} MB, in the last {last:.1f} MB: {last / first:.3f} times")
    return 0


def resident() -> float:
    """MB of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    sys.exit(main())
