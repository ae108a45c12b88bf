"""nightly: what a timer starts after midnight: the report of the day before, then the anomaly model anew, then the
list of idle accounts."""

from __future__ import annotations

import argparse
import sys

from hamrong.commands.report import add_day

SUMMARY = "write the report of the day before, train the anomaly model, list idle accounts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_day(parser)


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from rich.console import Console

    from detectors.anomaly.forest import TooFewWindowsError
    from hamrong import config
    from hamrong.commands.report import make
    from jobs import idle_accounts
    from jobs.report import alerts
    from jobs.session import session
    from jobs.train import train

    cfg = config.load()
    alerts.require(cfg)
    console = Console(stderr=True)
    with console.status("Learning what is usual from the lake ...") as status:
        spark = session(cfg, "nightly")
        try:
            # The report first: it tells of the model that was in use on its day.
            status.update("Counting the day's lines and alerts ...")
            _, path = make(cfg, spark, args.day)
            status.update("Learning what is usual from the lake ...")
            try:
                console.print(train(cfg, spark, datetime.now(UTC)).sentence())
            except TooFewWindowsError as error:
                # A new installation has no history yet; its report is wanted all the same.
                print(f"hamrong nightly: the model stays as it is: {error}", file=sys.stderr)
        finally:
            spark.stop()
        if cfg.detection.idle_days:
            status.update("Looking for accounts that nobody uses ...")
            console.print(idle_accounts.refresh(cfg, datetime.now(UTC)).sentence())
    print(path)
    return 0
