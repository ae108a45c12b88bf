"""train: the anomaly model from the lake's last days."""

from __future__ import annotations

import argparse

SUMMARY = "train the anomaly model on the lake's last days"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what was learned as one JSON object")


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    import orjson
    from rich.console import Console

    from hamrong import config
    from jobs.session import session
    from jobs.train import train

    cfg = config.load()
    with Console(stderr=True).status("Learning what is usual from the lake ..."):
        spark = session(cfg, "train")
        try:
            trained = train(cfg, spark, datetime.now(UTC))
        finally:
            spark.stop()
    if args.json:
        print(orjson.dumps(trained).decode())
    else:
        print(trained.sentence())
    return 0
