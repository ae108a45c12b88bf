"""sources: what the lake says of the shared systems' lines."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.coverage import Coverage

SUMMARY = "report, source by source, how many lines are understood and who has fallen silent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    report = actions.add_parser("report", help="shares of understood lines, unknown programs, silent sources")
    report.add_argument("--hours", type=a_positive, default=24, metavar="N", help="how far back to look (default: 24)")
    report.add_argument(
        "--silent-minutes", type=a_positive, default=60, metavar="N", help="silent: no line for so long (default: 60)"
    )
    report.add_argument("--programs", type=a_positive, default=20, metavar="N", help="how many programs to rank")
    report.add_argument("--json", action="store_true", help="print one JSON object")


def a_positive(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 100_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0; write one like 24")


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime, timedelta

    import orjson

    from hamrong import config
    from ingest.sources import Register
    from jobs.coverage import coverage

    cfg = config.load()
    register = Register.load(cfg.detection.sources)
    length, silence = timedelta(hours=args.hours), timedelta(minutes=args.silent_minutes)
    found = coverage(f"{cfg.lake.path}/events", register, datetime.now(UTC), length, silence, args.programs)
    if args.json:
        print(orjson.dumps(found).decode())
    else:
        show(found, {system.id: str(system) for system in register.systems})
    return 0


def show(found: Coverage, names: dict[str, str]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hamrong.terminal import printable

    def cell(text: str) -> str:
        return escape(printable(text))

    console = Console(highlight=False)
    sources = Table("source", "lines", "understood", "errors", "last line (UTC)", title="Sources", title_justify="left")
    for source in found.sources:
        name = names.get(source.system or "", source.system) or f"host {source.host}, in no system"
        share = "-" if source.share is None else f"{source.share:.1%}"
        seen = f"{source.last_seen:%Y-%m-%d %H:%M}" if source.last_seen else "never"
        sources.add_row(cell(name), f"{source.lines:,}", share, f"{source.errors:,}", seen)
    console.print(sources)
    unknown = Table("program", "lines", "hosts", "example", title="Not understood, by program", title_justify="left")
    for row in found.unknown:
        unknown.add_row(cell(row.program or "no program"), f"{row.lines:,}", f"{row.hosts:,}", cell(row.example))
    console.print(unknown)
    silent = Table("source", "host", "last line (UTC)", title="Silent", title_justify="left")
    for quiet in found.silent:
        seen = f"{quiet.last_seen:%Y-%m-%d %H:%M}" if quiet.last_seen else "never"
        system = names.get(quiet.system or "", quiet.system) or "in no system"
        silent.add_row(cell(system), cell(quiet.host or "all"), seen)
    console.print(silent)
