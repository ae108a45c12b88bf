"""maintain: the lake's housekeeping, once; `hamrong run` does the same at an interval."""

from __future__ import annotations

import argparse

SUMMARY = "join the lake's small files, drop days beyond lake.keep_days, delete what no reader needs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what was done as a JSON list, one object a table")


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    import orjson
    from rich.console import Console

    from hamrong import config
    from hamrong.errors import HamrongError
    from jobs.maintain import maintain

    cfg = config.load()
    with Console(stderr=True).status("Joining the lake's small files ..."):
        tables = maintain(cfg, datetime.now(UTC))
    if not tables:
        raise HamrongError(f"{cfg.lake.path}: holds no tables yet; start the jobs with: hamrong run")
    if args.json:
        print(orjson.dumps(tables).decode())
    else:
        for table in tables:
            print(table)
    return 1 if any(table.problem for table in tables) else 0
