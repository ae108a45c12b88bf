"""report: one day as one HTML file."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hamrong.config import Config
    from jobs.report.contents import Report

SUMMARY = "write the report of a day: one HTML file that opens offline"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_day(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: DAY.html in the folder report.folder")
    parser.add_argument("--json", action="store_true", help="print the report's numbers as JSON as well")


def add_day(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--day", type=a_day, metavar="YYYY-MM-DD", help="a local day (report.timezone); default: yesterday"
    )


def a_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-03-10") from error


def run(args: argparse.Namespace) -> int:
    import orjson
    from rich.console import Console

    from hamrong import config
    from jobs.report import alerts
    from jobs.session import session

    cfg = config.load()
    alerts.require(cfg)
    with Console(stderr=True).status("Counting the day's lines and alerts ..."):
        spark = session(cfg, "report")
        try:
            made, path = make(cfg, spark, args.day, args.output)
        finally:
            spark.stop()
    if args.json:
        print(orjson.dumps(made).decode())
    else:
        print(path)
    return 0


def make(cfg: Config, spark: SparkSession, wanted: date | None, output: Path | None = None) -> tuple[Report, Path]:
    """The report of `wanted` (None: yesterday) and its file. Raises HamrongError for a day that has not begun."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from hamrong.errors import HamrongError
    from jobs import report
    from jobs.report.contents import Day

    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(cfg.report.timezone)).date()
    day = Day(wanted or today - timedelta(days=1), cfg.report.timezone)
    if day.date > today:
        raise HamrongError(f"--day {day.date} has not begun in {day.zone}; the last one that can be told is {today}")
    made = report.build(cfg, spark, day, now)
    return made, report.write(made, output or cfg.report.folder / f"{day.date}.html")
