"""rules dead: rules that could not fire, whatever came, and why."""

from __future__ import annotations

import argparse

SUMMARY = "name the rules whose log source never came, or whose fields never occurred, by what the lake holds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="30d", metavar="WHEN", help="30d, 12h, 2026-11-01 (default: 30d)")
    parser.add_argument("--rows", type=int, metavar="N", help="look at about so many events; 0 = at all of them")
    parser.add_argument("--fail", action="store_true", help="exit 1 when a rule is dead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    import orjson

    from hamrong import config, rule_set
    from hamrong.progress import bar
    from jobs import dead_rules
    from jobs.backtest.spans import span

    cfg = config.load()
    since = span(args.since, None, datetime.now(UTC), cfg.report.timezone).since
    limit = dead_rules.ROWS if args.rows is None else args.rows
    with bar("files of the lake") as told:
        found = dead_rules.look(cfg, rule_set.load(cfg.detection), since, limit, told)
    if args.json:
        shown = {name: value for name, value in vars(found).items() if name != "kinds"}
        print(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    else:
        for one in found.dead:
            print(f"{one.path}: {one.title} ({one.rule}): {one.why}")
        part = "" if found.rows == found.of_rows else f" of {found.of_rows:,}, evenly chosen"
        print(f"{found.rules:,} rules, {len(found.dead):,} dead, by {found.rows:,} events{part}")
    return 1 if args.fail and found.dead else 0
