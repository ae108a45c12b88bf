"""rules explain: a rule's condition for one event, part by part, without any service."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SUMMARY = "show a rule's condition for one event, each part with what held and what was there"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id or name")
    parser.add_argument(
        "event", metavar="EVENT", help="a raw log line, or with --events ndjson a JSON object; - reads it"
    )
    parser.add_argument("--events", choices=("log", "ndjson"), default="log", help="what EVENT is (default: log)")
    parser.add_argument("--rules", dest="paths", metavar="PATH", nargs="+", type=Path, help="where the rule is")


def run(args: argparse.Namespace) -> int:
    """1 when the rule does not match."""
    from detectors.sigma.cases import RECEIVED
    from detectors.sigma.explain import explain
    from detectors.sigma.metadata import closest
    from detectors.sigma.ndjson import flat_batch
    from detectors.sigma.ruleset import Ruleset
    from hamrong import case_lines, config
    from hamrong.errors import HamrongError

    cfg = config.load()
    ruleset = Ruleset.load(args.paths or cfg.detection.rules, cfg.detection.cache, strict=False)
    names = {name: rule.id for rule in ruleset.rules for name in (rule.name, rule.id) if name}
    if args.rule not in names:
        near = closest(args.rule, names) if len(names) < 20 else "hamrong rules check lists the files"
        raise HamrongError(f"no rule has the id or name '{args.rule}' ({near})")
    line = (sys.stdin.readline() if args.event == "-" else args.event).rstrip("\r\n").encode()
    batch = (
        flat_batch([line])[0] if args.events == "ndjson" else case_lines.parser(cfg.detection)([line], [RECEIVED], None)
    )
    part = explain(ruleset, names[args.rule], batch)
    print("\n".join(part.lines()))
    # A rule is not even tried on events of another log source.
    matched = names[args.rule] in ruleset.matched_ids(ruleset.match(batch)).to_pylist()
    if part.holds and not matched:
        rule = next(rule for rule in ruleset.rules if rule.id == names[args.rule])
        print(f"the condition holds, but the event is not of the rule's log source: {rule.logsource}")
    return 0 if matched else 1
