"""scan: Sigma rules over a file of events, without any service."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.sigma.scan import ToBatch
    from hamrong.config import Config

SUMMARY = "match Sigma rules against a file of events or log lines"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="events, one a line (.gz too), or - for standard input")
    parser.add_argument(
        "--rules", metavar="PATH", nargs="+", action="extend", required=True, help="rule files and folders of them"
    )
    parser.add_argument(
        "--events",
        choices=("ndjson", "log"),
        default="ndjson",
        help="ndjson: JSON objects with Sigma or ECS field names (default); log: raw lines for the parsers",
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="folder of parsed and compiled rules")
    parser.add_argument("--json-summary", metavar="FILE", type=Path, help="write the summary there as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints one JSON object a match. 2 when rule files are faulty: the others are used all the same."""
    import gc
    import time

    from detectors.sigma import scan
    from detectors.sigma.ruleset import Ruleset
    from hamrong import config
    from hamrong.errors import HamrongError

    *rules, name = [*args.rules, args.file] if args.file else args.rules
    if not rules:
        raise HamrongError("no file of events; name one after the rules, or - for standard input")
    cfg = config.load()
    start = time.perf_counter()
    ruleset = Ruleset.load([Path(path) for path in rules], args.cache or cfg.detection.cache, strict=False)
    loaded = time.perf_counter() - start
    # The rules' hundred thousand objects stay: the collector need not walk them while events come and go.
    gc.freeze()
    for problem in (*ruleset.problems, *ruleset.refused):
        print(problem, file=sys.stderr)
    to_batch = _log_lines(cfg) if args.events == "log" else _json_lines
    try:
        with scan.open_lines(name) as file:
            summary = scan.scan(ruleset, file, to_batch, sys.stdout.buffer)
    except (OSError, EOFError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise HamrongError(f"{name} cannot be read: {error}") from error
    summary.load_seconds = loaded
    print(summary, file=sys.stderr)
    if args.json_summary:
        args.json_summary.write_bytes(summary.to_json())
    return 2 if ruleset.problems else 0


def _json_lines(lines: list[bytes], first: int) -> tuple[object, int]:
    from detectors.sigma.ndjson import flat_batch

    batch, broken = flat_batch(lines)
    return batch, len(broken)


def _log_lines(cfg: Config) -> ToBatch:
    from datetime import UTC, datetime

    from detectors.sigma.raw_lines import raw_batch
    from ingest.parse import parse
    from ingest.sources import Register

    register = Register.load(cfg.detection.sources)
    now = datetime.now(UTC)

    def to_batch(lines: list[bytes], first: int) -> tuple[object, int]:
        return parse(raw_batch(lines, first, now), register), 0

    return to_batch
