"""maintain: the lake's housekeeping, or the indices', once; `hamrong run` does the lake's at an interval."""

from __future__ import annotations

import argparse

SUMMARY = "join the lake's small files, drop days beyond lake.keep_days, delete what no reader needs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what was done as a JSON list, one object a table")
    parser.add_argument(
        "--indices", action="store_true", help="instead, drop what OpenSearch holds beyond opensearch.keep_months_*"
    )


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    import orjson
    from rich.console import Console

    from hamrong import config
    from hamrong.errors import HamrongError
    from jobs.index_retention import keep
    from jobs.maintain import maintain

    cfg = config.load()
    if args.indices:
        kept = keep(cfg, datetime.now(UTC))
        print(orjson.dumps(kept).decode() if args.json else "\n".join(map(str, kept)))
        return 0
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
