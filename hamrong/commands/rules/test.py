"""rules test: run the cases beside rules through the real parsers and matcher, without any service."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.sigma.cases import Verdict
    from detectors.sigma.ruleset import Ruleset

SUMMARY = "run the cases beside rules through the real parsers and matcher; exit 1 when one fails"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma import cases
    from detectors.sigma.ruleset import Ruleset
    from hamrong import case_lines, config

    cfg = config.load()
    ruleset = Ruleset.load(args.paths or cfg.detection.rules, cfg.detection.cache, strict=False)
    verdicts, problems = cases.run(ruleset, case_lines.parser(cfg.detection))
    problems = [*ruleset.problems, *ruleset.refused, *problems]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if args.json:
        found = [{"severity": "error", **vars(problem)} for problem in problems]
        print(json.dumps({"cases": [_case(verdict) for verdict in verdicts], "problems": found}, indent=2))
    else:
        for problem in problems:
            print(problem)
        for verdict in failed:
            print(_failure(ruleset, verdict))
        print(f"{len(verdicts)} cases, {len(failed)} failed, {len(problems)} problems")
    return 1 if failed or problems else 0


def _case(verdict: Verdict) -> dict[str, Any]:
    case = verdict.case
    return {
        "path": case.path,
        "line": case.line,
        "name": case.name,
        "fires": case.fires,
        "fired": list(verdict.fired),
        "passed": verdict.passed,
    }


def _failure(ruleset: Ruleset, verdict: Verdict) -> str:
    """The case, what the parsers made of its lines, and each rule's condition with what held in it."""
    from detectors.sigma.explain import explain
    from ingest.event import to_documents

    case = verdict.case
    wanted = "must fire and did not" if case.fires else "must not fire and did"
    lines = [f"{case.path}:{case.line}: {case.name}: {wanted}"]
    for number, document in enumerate(to_documents(verdict.events)):
        lines.append(f"  line {number + 1}: {case.lines[number][:200]}")
        shown = {name: value for name, value in document.items() if name not in ("event.original", "message")}
        lines.append("    " + json.dumps(shown, ensure_ascii=False, default=str)[:1000])
    last = verdict.events.slice(len(case.lines) - 1)
    for rule in ruleset.rules:
        if Path(rule.path).with_suffix("") == Path(case.path.removesuffix(".cases.jsonl")):
            lines.append(f"  {rule.title}, on the last line:")
            lines += [f"    {line}" for line in explain(ruleset, rule.id, last).lines()]
    return "\n".join(lines)
