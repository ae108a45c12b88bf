"""rules backtest: what a rule would have said of the lake's last days, before it is live."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hamrong.config import Config
    from jobs.backtest.chosen import Chosen
    from jobs.backtest.contents import Backtest, Span

SUMMARY = (
    "try a rule on the lake's last days: its matches, alerts and entities, and what others said of the same events"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rule", metavar="RULE", help="id or name of a rule or correlation, or a file with a draft of one"
    )
    add_span(parser)
    parser.add_argument(
        "--max-per-day", type=_count, metavar="N", help="exit 1 when it raises more than N alerts on any day"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="30d", metavar="TIME", help="30d, 12h, 2026-11-01 (default: 30d)")
    parser.add_argument("--until", metavar="TIME", help="the same; a day counts whole (default: now)")
    parser.add_argument(
        "--master", metavar="URL", help="the Spark that works (default: spark.master; all cores where that is local)"
    )


def run(args: argparse.Namespace) -> int:
    """1 when a day is over the budget of --max-per-day."""
    import orjson

    from jobs.backtest import text

    made = make(args.rule, args.since, args.until, args.master)
    over = made.over(args.max_per_day) if args.max_per_day is not None else []
    if args.json:
        print(orjson.dumps({**vars(made), "over_budget": [day.day for day in over]}).decode())
    else:
        for line in text.lines(made, args.max_per_day):
            print(line)
        if over:
            print(f"{len(over)} of {len(made.days)} days have more than {args.max_per_day:,} alerts.")
    return 1 if over else 0


def make(rule: str, since: str, until: str | None, master: str | None) -> Backtest:
    """Faults of the rule, of the times and of the lake are told before Spark starts."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from hamrong import config
    from jobs.backtest import lake
    from jobs.backtest.chosen import choose
    from jobs.backtest.spans import span

    cfg = config.load()
    now = datetime.now(UTC)
    wanted = span(since, until, now, cfg.report.timezone)
    chosen = choose(cfg.detection, rule, now.astimezone(ZoneInfo(cfg.report.timezone)).date())
    lake.files(cfg)
    return _watched(cfg, chosen, wanted, master)


def _watched(cfg: Config, chosen: Chosen, wanted: Span, master: str | None) -> Backtest:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from jobs.backtest import backtest

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Starting Spark", total=None)
        spark = _session(cfg, master)

        def tell(done: int, tasks: int) -> None:
            what = "Counting" if done == tasks else "Reading the lake"
            progress.update(task, completed=done, total=tasks, description=what)

        try:
            return backtest(cfg, spark, chosen, wanted, tell)
        finally:
            spark.stop()


def _session(cfg: Config, master: str | None) -> SparkSession:
    import dataclasses

    from jobs.session import session

    local = "local[*]" if cfg.spark.master.startswith("local") else cfg.spark.master
    cfg = dataclasses.replace(cfg, spark=dataclasses.replace(cfg.spark, master=master or local))
    return session(cfg, "backtest", brief=True)


def _count(text: str) -> int:
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of alerts: write 0 or more")
