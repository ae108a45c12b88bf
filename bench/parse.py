"""bench/parse: lines a second that one core parses to ECS, for each parser and for the mix.

In:   the parsers' own samples, hostile and broken lines among them, repeated
Out:  a table; the peer is a plain loop over the lines with Python's `re` and the same expressions, that makes much the
      same fields in the same Arrow columns

Both run in turn in one process, so that a ratio holds on a busy machine too. Processor time is counted, not the clock.
The mix is of twelve sources that a data centre has, in equal parts and in random order.
Run: python -m bench.parse [--lines N] [PARSER ...]
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import ipaddress
import json
import pkgutil
import random
import re
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest import files, parsers
from ingest.event import FIELDS, FLAT, LONG, TEXTS, to_documents
from ingest.lines import Parser
from ingest.messages import known_parsers
from ingest.parse import parse
from ingest.sources import Register

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
BATCH = 25_000
"""As many as Spark gives to a worker at once (`jobs.session`)."""
MIX = (
    *("sshd", "pam", "sudo", "cron", "systemd", "web_access", "postfix", "dhcp", "named", "mikrotik", "fortigate"),
    "province",
)
SMALL = 100
"""Lines of a batch when little comes in: what the stream's delay is made of at night."""
HEADER = re.compile(
    r"(?:<(?P<priority>\d+)>)?(?:1 )?(?P<stamp>\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\S+) (?P<host>\S+) "
    r"(?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?:? ?(?:- - - )?(?P<message>.*)",
    re.DOTALL,
)


def rate(run: Callable[[list[bytes]], object], lines: list[bytes]) -> float:
    """Lines a second of processor time: the better of two runs."""
    times = []
    for _ in range(2):
        start = time.process_time()
        for first in range(0, len(lines), BATCH):
            run(lines[first : first + BATCH])
        times.append(time.process_time() - start)
    return len(lines) / min(times)


def columnar(lines: list[bytes]) -> object:
    return parse(files.batch(lines, RECEIVED, "bench"), Register())


def documents(lines: list[bytes]) -> object:
    return to_documents(parse(files.batch(lines, RECEIVED, "bench"), Register()))


Known = tuple[re.Pattern[str], dict[str, Any]]


class PlainLoop:
    """The peer: each line's header by `re`, then the patterns one by one until one matches, and its fields."""

    def __init__(self, known: tuple[Parser, ...]) -> None:
        self.by_program: dict[str, list[Known]] = {}
        self.anywhere: list[Known] = []
        for parser in known:
            patterns = [(re.compile(line.pattern, re.DOTALL), line.constants()) for line in parser.lines]
            for program in parser.programs:
                self.by_program.setdefault(program, []).extend(patterns)
            if parser.signature:
                self.anywhere += patterns

    def __call__(self, lines: list[bytes]) -> object:
        return pa.RecordBatch.from_pylist([self.event(line) for line in lines], schema=FLAT)

    def event(self, line: bytes) -> dict[str, Any]:
        text = line.decode("utf-8", "backslashreplace")
        event: dict[str, Any] = {"event.original": text, "event.kind": "event", "@timestamp": RECEIVED}
        message, program = text, ""
        if header := HEADER.match(text):
            message, program = header["message"], header["program"].lower()
            event |= {
                "host.name": header["host"],
                "process.name": header["program"],
                "@timestamp": stamp(header["stamp"]),
            }
        event["message"] = message
        if message.startswith("{"):
            with contextlib.suppress(ValueError):
                self.add(event, json.loads(message))
        for pattern, constants in [*self.by_program.get(program, ()), *self.anywhere]:
            if match := pattern.fullmatch(message):
                event |= constants
                self.add(event, {name.replace("__", "."): value for name, value in match.groupdict().items()})
                break
        return event

    def add(self, event: dict[str, Any], found: Any) -> None:
        for name, value in found.items() if isinstance(found, dict) else ():
            if value and FIELDS.get(name) == LONG:
                event[name] = int(value) if str(value).isdigit() and len(str(value)) < 19 else None
            elif isinstance(value, str) and value and name in FIELDS and name != "@timestamp":
                event[name] = [value] if FIELDS[name] == TEXTS else value
        if "_stamp" in found and "/" in (found["_stamp"] or ""):
            event["@timestamp"] = stamp(found["_stamp"])
        with contextlib.suppress(ValueError):
            event["source.ip"] = str(ipaddress.ip_address(event.get("source.address", "")))
            event["related.ip"] = [event["source.ip"]]
        event["related.user"] = [event[name] for name in ("user.name", "user.effective.name") if event.get(name)]
        if event.get("url.original"):
            with contextlib.suppress(ValueError):
                url = urllib.parse.urlsplit(event["url.original"])
                event |= {"url.path": url.path, "url.query": url.query}


def stamp(text: str) -> datetime.datetime:
    for layout in ("%Y %b %d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%Y/%m/%d %H:%M:%S"):
        with contextlib.suppress(ValueError):
            return datetime.datetime.strptime(
                f"2026 {text}" if layout[:2] == "%Y" and text[0] > "9" else text, layout
            ).astimezone()
    with contextlib.suppress(ValueError):
        return datetime.datetime.fromisoformat(text)
    return RECEIVED


def main() -> None:
    arguments = argparse.ArgumentParser(description="lines a second that one core parses to ECS")
    arguments.add_argument("parsers", nargs="*", metavar="PARSER", help="only these, and the mix (default: all)")
    arguments.add_argument("--lines", type=int, default=25_000, metavar="N", help="of each (default: 25000)")
    args = arguments.parse_args()
    size, folder = args.lines, Path(parsers.__file__).parent
    names = args.parsers or sorted(module.name for module in pkgutil.iter_modules(parsers.__path__))
    loop = PlainLoop(known_parsers())
    print(f"{'lines/s on one core':<20}{'columnar':>12}{'re loop':>12}{'ratio':>8}{'as JSON documents':>20}")

    def show(name: str, lines: list[bytes]) -> None:
        fast, slow = rate(columnar, lines), rate(loop, lines)
        print(f"{name:<20}{fast:>12,.0f}{slow:>12,.0f}{fast / slow:>8.1f}{rate(documents, lines):>20,.0f}")

    def workload(name: str, lines: int) -> list[bytes]:
        samples = (folder / f"{name}.log").read_bytes().splitlines()
        return (samples * (lines // len(samples) + 1))[:lines]

    for name in names:
        show(name, workload(name, size))
    mix = [line for name in MIX for line in workload(name, max(1, size // len(MIX)))]
    random.Random(1).shuffle(mix)
    show("mix", mix)
    small = mix[:SMALL]
    columnar(small)
    times = []
    for _ in range(5):
        start = time.process_time()
        columnar(small)
        times.append(time.process_time() - start)
    print(f"{SMALL} lines of the mix as one batch: {1000 * min(times):.1f} ms")


if __name__ == "__main__":
    main()
