"""rules generate-cases: cases that a rule's own condition proposes, without any service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

SUMMARY = "propose cases from a rule's own condition: a firing event and near misses, proved by the matcher"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id, name or file of a rule or a correlation")
    parser.add_argument(
        "--rules", dest="paths", metavar="PATH", action="append", default=[], type=Path, help="where the rule is"
    )
    parser.add_argument("--write", action="store_true", help="add them to the cases beside the rule, for you to edit")
    parser.add_argument("--events", action="store_true", help="as events, also where lines can be written")


def run(args: argparse.Namespace) -> int:
    """1 when no firing case could be made."""
    from hamrong import case_lines, chosen_rule, config, proposed_cases

    cfg = config.load()
    ruleset, rule = chosen_rule.load(cfg.detection, args.rule, args.paths)
    proposed = proposed_cases.of(ruleset, rule, None if args.events else case_lines.parser(cfg.detection))
    lines = [json.dumps(case, ensure_ascii=False) for case in proposed.cases]
    for sentence in proposed.left_out:
        print(sentence, file=sys.stderr)
    if args.write:
        path, added = proposed_cases.write(ruleset, rule, proposed.cases)
        print(f"{path}: {added} cases added, {len(lines) - added} were there")
    else:
        print("\n".join(lines))
    return 0 if any(case["fires"] for case in proposed.cases) else 1
