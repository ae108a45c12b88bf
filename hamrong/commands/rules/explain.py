"""rules explain: a rule's condition for one event, or a correlation's for several, without any service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

SUMMARY = "show a rule's condition for an event, each part with what held and what was there"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id, name or file of a rule or a correlation")
    parser.add_argument(
        "event",
        metavar="EVENT",
        nargs="+",
        help="a raw log line, or with --events ndjson a JSON object; several for a correlation; - reads them",
    )
    parser.add_argument("--events", choices=("log", "ndjson"), default="log", help="what EVENT is (default: log)")
    parser.add_argument(
        "--rules", dest="paths", metavar="PATH", action="append", default=[], type=Path, help="where the rule is"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """1 when the rule does not match the event, or the last of several."""
    from detectors.sigma.case_file import RECEIVED
    from detectors.sigma.explain import explain
    from detectors.sigma.explain_correlation import explain_correlation
    from detectors.sigma.ndjson import flat_batch
    from hamrong import case_lines, chosen_rule, config
    from hamrong.errors import HamrongError
    from hamrong.terminal import colours

    cfg = config.load()
    ruleset, rule = chosen_rule.load(cfg.detection, args.rule, args.paths)
    lines = [
        line.encode() for event in args.event for line in (sys.stdin.read().splitlines() if event == "-" else [event])
    ]
    if not lines:
        raise HamrongError("no event to explain (write a line, or - and lines on the standard input)")
    if args.events == "ndjson":
        batch, broken = flat_batch(lines)
        if broken:
            shown = lines[broken[0]].decode(errors="replace")[:80]
            raise HamrongError(f'event {broken[0] + 1} is no JSON object: {shown!r} (write {{"field": "value"}})')
    else:
        batch = case_lines.parser(cfg.detection)(lines, [RECEIVED] * len(lines), None)
    correlation = next((one for one in ruleset.correlations if one.id == rule), None)
    if correlation:
        parts = [explain_correlation(ruleset, correlation, batch)]
        matched = [parts[0].holds]
    else:
        matches = ruleset.match(batch)
        rows = zip(ruleset.matched_ids(matches).to_pylist(), matches["row"].to_pylist(), strict=True)
        of_rule = {row for name, row in rows if name == rule}
        parts = [explain(ruleset, rule, batch.slice(row, 1)) for row in range(len(lines))]
        matched = [row in of_rule for row in range(len(lines))]
    if args.json:
        trees = [{"matched": did, "condition": part.document()} for did, part in zip(matched, parts, strict=True)]
        print(json.dumps({"rule": rule, "explained": trees}, indent=2, ensure_ascii=False))
        return 0 if matched[-1] else 1
    for did, part in zip(matched, parts, strict=True):
        print("\n".join(part.lines(colour=colours())))
        if part.holds and not did:
            # A rule is not even tried on events of another log source.
            source = next(one.logsource for one in ruleset.rules if one.id == rule)
            print(f"the condition holds, but the event is not of the rule's log source: {source}")
    return 0 if matched[-1] else 1
