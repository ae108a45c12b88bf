"""scan: Sigma rules over files of events, without any service."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detectors.sigma.ruleset import Ruleset
    from detectors.sigma.scan.inputs import Input, Kind
    from detectors.sigma.scan.matching import ToBatch
    from detectors.sigma.scan.run import Scan, Summary
    from hamrong.config import Config

SUMMARY = "match Sigma rules against files of events or log lines"
MAX_WORKERS = 256
LEVELS = ("informational", "low", "medium", "high", "critical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files of events and folders of them: JSON lines, JSON arrays, .evtx; plain, gzip or zstd; - is standard "
        "input",
    )
    parser.add_argument(
        "--rules", metavar="PATH", nargs="+", action="extend", required=True, help="rule files and folders of them"
    )
    parser.add_argument(
        "--events",
        choices=("ndjson", "json", "evtx", "log"),
        help="what every file holds (default: each tells by its content): ndjson, one JSON object a line, with Sigma "
        "or ECS field names; json, an array of them; log, raw lines for the parsers",
    )
    parser.add_argument("--workers", type=_count, metavar="N", help="processes that match (default: the cores)")
    parser.add_argument(
        "--format",
        choices=("jsonl", "table", "csv"),
        default="jsonl",
        help="an object or a line a match, or a table with a row a rule (default: jsonl)",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the matches there instead of printing them")
    parser.add_argument("--event", action="store_true", help="put the event itself beside each match (jsonl, csv)")
    parser.add_argument("--opensearch", action="store_true", help="also index the alerts, as the stream does")
    parser.add_argument(
        "--fail-on",
        choices=LEVELS,
        metavar="LEVEL",
        help="exit 1 when a rule of this level matched that is not on trial",
    )
    parser.add_argument("--costs", type=_count, metavar="N", help="name the N rules that cost most by themselves")
    parser.add_argument("--lists", metavar="DIR", action="append", default=[], type=Path, help="more value lists")
    parser.add_argument("--cache", metavar="DIR", type=Path, help="folder of parsed and compiled rules")
    parser.add_argument("--json-summary", metavar="FILE", type=Path, help="write the summary there as JSON")


def run(args: argparse.Namespace) -> int:
    """0; 1 when something of the level of `--fail-on` matched; 2 when rules or files are faulty: the rest is used."""
    import dataclasses
    import gc
    import time

    from detectors.sigma.scan import inputs, output, pieces
    from detectors.sigma.scan.run import Options, Scan
    from hamrong import config, rule_set
    from hamrong.errors import HamrongError

    *rules, last = args.rules
    names = args.files or [last]
    if args.files:
        rules = args.rules
    if not rules:
        raise HamrongError("no file of events; name some after the rules, or - for standard input")
    if args.event and args.format == "table":
        raise HamrongError("--event goes with --format jsonl or csv: a table has a row a rule")
    cfg = config.load()
    faults: list[str] = []
    found = [one for one in inputs.find(names, faults) if not _is_output(one, args.output)]
    publish = _Publisher(cfg) if args.opensearch else None
    start = time.perf_counter()
    # The rules are hundreds of thousands of objects, none of which goes: looking for garbage among them takes as long
    # as loading them. Afterwards they are set aside, so that workers need not copy them.
    gc.disable()
    detection = dataclasses.replace(cfg.detection, cache=args.cache or cfg.detection.cache)
    ruleset = rule_set.load(detection, [Path(path) for path in rules], args.lists)
    ruleset.compile()
    gc.freeze()
    gc.enable()
    loaded = time.perf_counter() - start
    for problem in (*ruleset.problems, *ruleset.refused, *ruleset.expired):
        print(problem, file=sys.stderr)
    kind = inputs.Kind(args.events) if args.events else None
    options = Options(
        _readers(cfg, kind), kind, args.workers or pieces.default_workers(), events=args.event, alerts=args.opensearch
    )
    with _output(args.output) as out:
        writer = output.writer(args.format, out, events=args.event)
        scan = Scan(ruleset, options, writer, _tell, lambda what: _tell(f"passed over: {what}"))
        for fault in faults:
            scan.fault(fault)
        alone = args.output or args.format == "table" or not sys.stdout.isatty()
        _watch(scan, found, bar=bool(alone and sys.stderr.isatty()))
        writer.close()
    if publish:
        publish.alerts(scan, ruleset)
    _summarise(scan.summary, loaded, args.json_summary)
    if args.costs:
        _tell_costs(ruleset, args.costs)
    if ruleset.problems or scan.summary.faults:
        return 2
    return 1 if args.fail_on and scan.summary.reaches(args.fail_on) else 0


def _count(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= MAX_WORKERS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no such number: write one from 1 to {MAX_WORKERS}")


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


def _readers(cfg: Config, kind: Kind | None) -> Mapping[Kind, ToBatch]:
    from detectors.sigma.scan.inputs import Kind
    from detectors.sigma.scan.matching import to_batch

    readers: dict[Kind, ToBatch] = {Kind.NDJSON: to_batch, Kind.EVTX: to_batch}
    if kind == Kind.LOG:
        readers[Kind.LOG] = _log_lines(cfg)
    return readers


def _log_lines(cfg: Config) -> ToBatch:
    from datetime import UTC, datetime

    from detectors.sigma.raw_lines import block_batch
    from ingest.parse import parse
    from ingest.sources import Register

    register = Register.load(cfg.detection.sources)
    now = datetime.now(UTC)
    return lambda block: (parse(block_batch(block, now), register), [])


def _is_output(one: Input, output: Path | None) -> bool:
    """What an earlier scan wrote into the folder that is scanned."""
    return output is not None and one.name != "-" and Path(one.name).resolve() == output.resolve()


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    from hamrong.errors import HamrongError

    if path is None:
        yield sys.stdout.buffer
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise HamrongError(f"--output {path}: cannot be written: {error.strerror}; name a file") from error
    with file:
        yield file


def _watch(scan: Scan, found: Sequence[Input], *, bar: bool) -> None:
    with closing(scan.run(found)) as steps:
        if not bar:
            for _ in steps:
                pass
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        sizes = [one.size for one in found]
        columns = (BarColumn(), DownloadColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None if None in sizes else sum(size or 0 for size in sizes))
            for _ in steps:
                summary = scan.summary
                told = f"{summary.events_per_second:,.0f} events/s, {summary.matches:,} matches"
                progress.update(task, completed=scan.bytes_read, description=told)


class _Publisher:
    """Alerts into OpenSearch; an absent one is told before the work, not after it. Raises ServiceError."""

    def __init__(self, cfg: Config) -> None:
        from hamrong.errors import ServiceError
        from ingest.sources import Register
        from triage import store

        self._settings = cfg.opensearch
        self._register = Register.load(cfg.detection.sources)
        self._client = store.client(cfg.opensearch)
        if not self._client.ping():
            raise ServiceError(f"OpenSearch does not answer at {cfg.opensearch.url}; start it, or set opensearch.url")

    def alerts(self, scan: Scan, ruleset: Ruleset) -> None:
        from datetime import UTC, datetime

        from detectors.raised import documents
        from triage import store

        made = documents(scan.alerts(), ruleset, self._register.asset_level, datetime.now(UTC))
        for alias, its in store.by_alias(made, self._settings).items():
            written = 0
            for document, refused in store.put(self._client, its, alias):
                written += refused is None
                if refused is not None:
                    scan.fault(f"alert {document['soc']['alert']['id']}: OpenSearch refuses it: {refused}")
            _tell(f"{written:,} alerts in {alias}")
        if scan.summary.undated:
            scan.fault(f"{scan.summary.undated:,} matches raise no alert: their events have no time; add @timestamp")


def _tell_costs(ruleset: Ruleset, most: int) -> None:
    _tell("of 1,000 events: microseconds, decisions, matches")
    for cost in ruleset.costs()[:most]:
        rule = ruleset.rules[cost.rule]
        _tell(f"{cost.microseconds:10.2f} {cost.candidates:9.2f} {cost.matches:8.2f}  {rule.id}  {rule.title}")


def _summarise(summary: Summary, load_seconds: float, file: Path | None) -> None:
    import dataclasses

    import orjson

    text = (
        f"{summary.events:,} events, {summary.rules:,} rules, {summary.matches:,} matches in {summary.seconds:.2f} s "
        f"({summary.events_per_second:,.0f} events/s; rules loaded in {load_seconds:.2f} s)"
    )
    found = [(summary.broken_lines, "were no event"), (summary.cut_lines, "were too long and cut")]
    _tell("; ".join([text, *(f"{count:,} lines {what}" for count, what in found if count)]))
    if summary.levels:
        trial = sum(summary.shadow.values())
        told = ", ".join(f"{level} {count:,}" for level, count in summary.levels.items())
        _tell(f"{told}; {trial:,} of these by rules on trial" if trial else told)
    if file:
        numbers = {"load_seconds": load_seconds, "events_per_second": summary.events_per_second}
        written = {**dataclasses.asdict(summary), **numbers}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in written.items()}
        file.write_bytes(orjson.dumps(rounded, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
