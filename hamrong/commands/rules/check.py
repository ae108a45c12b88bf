"""rules check: name every fault and doubt of rule files, without any service."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

SUMMARY = "name every fault and doubt of rule files; exit 1 when there is a fault"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma import check
    from detectors.sigma.ruleset import Ruleset
    from hamrong import config

    cfg = config.load()
    ruleset = Ruleset.load(args.paths or cfg.detection.rules, cfg.detection.cache, strict=False)
    faults = [("error", problem) for problem in (*ruleset.problems, *ruleset.refused)]
    doubts = [("warning", problem) for problem in check.warnings(ruleset)]
    counted = len(ruleset.rules) + len(ruleset.correlations)
    if args.json:
        found = [{"severity": severity, **vars(problem)} for severity, problem in faults + doubts]
        print(json.dumps({"rules": counted, "problems": found}, indent=2))
    else:
        for severity, problem in sorted(faults + doubts, key=lambda one: one[1]):
            print(problem if severity == "error" else f"{problem} [warning]")
        print(f"{counted:,} rules, {len(faults)} faults, {len(doubts)} warnings")
    return 1 if faults else 0
