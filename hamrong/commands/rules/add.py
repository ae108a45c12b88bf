"""rules add: other people's Sigma rules beside ours, with where from, which version and under which licence."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

SUMMARY = "copy a folder of Sigma rules to be loaded beside ours, and write down where it is from"
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a checkout of rules, or a folder in one")
    parser.add_argument("--as", dest="name", metavar="NAME", help="what to call them (default: the folder's name)")
    parser.add_argument("--lists", metavar="DIR", action="append", default=[], type=Path, help="more value lists")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from hamrong import added_rules, config, rule_set, zone

    cfg = config.load()
    name = args.name or args.path.resolve().name.lower()
    lists = [*rule_set.lists_of(cfg.detection), *args.lists]
    added = added_rules.add(args.path, name, cfg.detection.added, cfg.detection.rules, lists, zone.today())
    if args.json:
        print(json.dumps(asdict(added), indent=2, ensure_ascii=False))
        return 0
    print(f"{added.rules:,} rules of {added.origin or added.source} are now in {cfg.detection.added / name}")
    print(f"  version: {added.version or 'no Git checkout; known by its content, ' + added.content[:12]}")
    print(f"  licence: {added.licence or 'none found: ask those who wrote them before you use them'}")
    for path, why in added.left_out[:SHOWN]:
        print(f"  left out: {path}: {why}")
    if len(added.left_out) > SHOWN:
        print(f"  left out: {len(added.left_out) - SHOWN} more, see {cfg.detection.added / added_rules.LOCK}")
    return 0
