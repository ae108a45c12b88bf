"""rules test: run the cases beside rules through the real parsers and matcher, without any service."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "run the cases beside rules through the real parsers and matcher; exit 1 when one fails"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the results for a build server, too")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma import cases
    from hamrong import case_lines, case_report, config, output_file, rule_set
    from hamrong.terminal import colours

    cfg = config.load()
    ruleset = rule_set.load(cfg.detection, args.paths or ())
    verdicts, found = cases.run(ruleset, case_lines.parser(cfg.detection))
    problems = [*ruleset.problems, *ruleset.refused, *found]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if args.junit:
        output_file.write(args.junit, case_report.junit(ruleset, verdicts, problems))
    if args.json:
        print(case_report.as_json(ruleset, verdicts, problems))
    else:
        for problem in problems:
            print(problem)
        for verdict in failed:
            print("\n".join(case_report.failure(ruleset, verdict, colour=colours())))
        for path, its in case_report.by_file(verdicts):
            bad = sum(not verdict.passed for verdict in its)
            if bad:
                print(f"{path}: {bad} of {len(its)} failed")
        print(f"{len(verdicts)} cases, {len(failed)} failed, {len(problems)} problems")
    return 1 if failed or problems else 0
