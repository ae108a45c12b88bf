"""rules release: end a rule's quarantine."""

from __future__ import annotations

import argparse

SUMMARY = "end the quarantine of a rule that went over its budget, though it is still the same"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id or name")


def run(args: argparse.Namespace) -> int:
    """1 when it was not quarantined."""
    from hamrong import chosen_rule, config
    from jobs import life_signs, loaded, rule_costs

    cfg = config.load()
    rule = chosen_rule.find(loaded.live(cfg.detection), args.rule)
    with life_signs.asked(cfg) as client:
        released = rule_costs.release(client, cfg, rule)
    if released:
        print(f"{rule} is tried again, by each worker when it next tells its costs; over its budget it comes back here")
    else:
        print(f"{rule} is not quarantined")
    return 0 if released else 1
