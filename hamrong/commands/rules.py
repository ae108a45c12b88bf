"""rules: check Sigma rules and run their cases, without any service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.sigma.cases import Parse, Verdict
    from detectors.sigma.ruleset import Ruleset
    from hamrong.config import Config
    from hamrong.errors import Problem

SUMMARY = "check Sigma rules and run their cases"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("check", "name every fault and doubt of rule files; exit 1 when there is a fault"),
        ("test", "run the cases beside rules through the real parsers and matcher; exit 1 when one fails"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
        action.add_argument("--json", action="store_true", help="print one JSON object")
    summary = "show a rule's condition for one event, each part with what held and what was there"
    action = actions.add_parser("explain", help=summary, description=summary)
    action.add_argument("rule", metavar="RULE", help="id or name")
    action.add_argument(
        "event", metavar="EVENT", help="a raw log line, or with --events ndjson a JSON object; - reads it"
    )
    action.add_argument("--events", choices=("log", "ndjson"), default="log", help="what EVENT is (default: log)")
    action.add_argument("--rules", dest="paths", metavar="PATH", nargs="+", type=Path, help="where the rule is")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma.ruleset import Ruleset
    from hamrong import config

    cfg = config.load()
    ruleset = Ruleset.load(args.paths or cfg.detection.rules, cfg.detection.cache, strict=False)
    match args.action:
        case "check":
            return _check(ruleset, args.json)
        case "test":
            return _test(ruleset, cfg, args.json)
    return _explain(ruleset, cfg, args)


def _check(ruleset: Ruleset, as_json: bool) -> int:
    from detectors.sigma import check

    faults = [("error", problem) for problem in (*ruleset.problems, *ruleset.refused)]
    doubts = [("warning", problem) for problem in check.warnings(ruleset)]
    counted = len(ruleset.rules) + len(ruleset.correlations)
    if as_json:
        print(json.dumps({"rules": counted, "problems": [_written(*one) for one in faults + doubts]}, indent=2))
    else:
        for severity, problem in sorted(faults + doubts, key=lambda one: one[1]):
            print(problem if severity == "error" else f"{problem} [warning]")
        print(f"{counted:,} rules, {len(faults)} faults, {len(doubts)} warnings")
    return 1 if faults else 0


def _test(ruleset: Ruleset, cfg: Config, as_json: bool) -> int:
    from detectors.sigma import cases

    verdicts, problems = cases.run(ruleset, _parse(cfg))
    problems = [*ruleset.problems, *ruleset.refused, *problems]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if as_json:
        shown = [_case(verdict) for verdict in verdicts]
        print(json.dumps({"cases": shown, "problems": [_written("error", one) for one in problems]}, indent=2))
    else:
        for problem in problems:
            print(problem)
        for verdict in failed:
            print(_failure(ruleset, verdict))
        print(f"{len(verdicts)} cases, {len(failed)} failed, {len(problems)} problems")
    return 1 if failed or problems else 0


def _explain(ruleset: Ruleset, cfg: Config, args: argparse.Namespace) -> int:
    """1 when the rule does not match."""
    from detectors.sigma.cases import RECEIVED
    from detectors.sigma.explain import explain
    from detectors.sigma.metadata import closest
    from detectors.sigma.ndjson import flat_batch
    from hamrong.errors import HamrongError

    names = {name: rule.id for rule in ruleset.rules for name in (rule.name, rule.id) if name}
    if args.rule not in names:
        near = closest(args.rule, names) if len(names) < 20 else "hamrong rules check lists the files"
        raise HamrongError(f"no rule has the id or name '{args.rule}' ({near})")
    line = (sys.stdin.readline() if args.event == "-" else args.event).rstrip("\r\n").encode()
    batch = flat_batch([line])[0] if args.events == "ndjson" else _parse(cfg)([line], [RECEIVED], None)
    part = explain(ruleset, names[args.rule], batch)
    print("\n".join(part.lines()))
    # A rule is not even tried on events of another log source.
    matched = names[args.rule] in ruleset.matched_ids(ruleset.match(batch)).to_pylist()
    if part.holds and not matched:
        rule = next(rule for rule in ruleset.rules if rule.id == names[args.rule])
        print(f"the condition holds, but the event is not of the rule's log source: {rule.logsource}")
    return 0 if matched else 1


def _parse(cfg: Config) -> Parse:
    from datetime import datetime

    from detectors.sigma.raw_lines import raw_batch
    from ingest.parse import parse
    from ingest.sources import Register

    register = Register.load(cfg.detection.sources)

    def events(lines: list[bytes], received: list[datetime], source: str | None) -> Any:
        return parse(raw_batch(lines, 1, received), register.always(source) if source else register)

    return events


def _written(severity: str, problem: Problem) -> dict[str, Any]:
    return {"severity": severity, **vars(problem)}


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
