"""rules check: name every fault and doubt of rule files, without any service."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

SUMMARY = "name every fault and doubt of rule files; exit 1 when there is a fault"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
    parser.add_argument("--lists", metavar="DIR", action="append", default=[], type=Path, help="more value lists")
    parser.add_argument(
        "--cases", action="store_true", help="ask of all rules what is asked of our own: cases and so on"
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 for a warning, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sarif", metavar="FILE", type=Path, help="write SARIF 2.1.0 for code review")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma.check import check
    from detectors.sigma.check.sarif import sarif
    from hamrong import __version__, config, rule_set

    cfg = config.load()
    ruleset = rule_set.load(cfg.detection, args.paths, args.lists)
    doubts = check(ruleset, args.paths or rule_set.folders(cfg.detection), cfg.detection.cache, cases=args.cases)
    faults = [doubt for doubt in doubts if doubt.is_fault]
    counted = len(ruleset.rules) + len(ruleset.correlations)
    if args.sarif:
        args.sarif.write_text(json.dumps(sarif(doubts, __version__), indent=2, ensure_ascii=False), encoding="utf-8")
    if args.json:
        found = [
            {"severity": "error" if doubt.is_fault else "warning", "check": doubt.kind, **vars(doubt.problem)}
            for doubt in doubts
        ]
        print(json.dumps({"rules": counted, "problems": found}, indent=2, ensure_ascii=False))
    else:
        for doubt in doubts:
            print(doubt)
        print(f"{counted:,} rules, {len(faults)} faults, {len(doubts) - len(faults)} warnings")
    return 1 if faults or (args.strict and doubts) else 0
