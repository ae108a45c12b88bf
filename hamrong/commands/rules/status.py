"""rules status: which set of rules is live, and what was refused since, without any service."""

from __future__ import annotations

import argparse
import dataclasses
import json

SUMMARY = "say which set of rules is live, and why changed rules are not; exit 1 when they were refused"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from hamrong import config
    from hamrong.errors import HamrongError
    from jobs.reload.sets import RuleSets

    place = config.load().detection.rule_sets
    sets = RuleSets(place)
    live, refusal = sets.live(), sets.refusal()
    if live is None:
        raise HamrongError(f"{place}: no set of rules was ever live; start hamrong run")
    if args.json:
        refused = dataclasses.asdict(refusal) if refusal else None
        print(json.dumps({"live": dataclasses.asdict(live), "refused": refused}, indent=2, ensure_ascii=False))
    else:
        print(f"live: {live.version}, since {live.since}: {live.rules:,} rules, {live.correlations:,} correlations")
        for reason in live.left_out:
            print(f"left out: {reason}")
        if refusal:
            print(f"refused: a change seen {refusal.at}; {len(refusal.reasons):,} to mend:")
            print("\n".join(refusal.reasons))
    return 1 if refusal else 0
