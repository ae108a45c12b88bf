"""rules list: the sets of rules that are loaded, ours and those that were added."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

SUMMARY = "list the sets of rules with their versions and licences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from detectors.sigma import rule_files
    from hamrong import added_rules, config, rule_set, zone
    from jobs.reload import mirrors

    cfg = config.load()
    own = []
    for path in rule_set.folders(cfg.detection):
        if path != cfg.detection.added:
            written = rule_files.read([path], cfg.detection.cache, today=zone.today())
            rules = sum(entry["kind"] != "filter" for entry in written.entries)
            origin = mirrors.origin(cfg.detection.rules_from.split(), cfg.detection.cache, str(path))
            own.append({"path": str(path), "rules": rules, "version": written.version, "from": origin})
    added = added_rules.read(cfg.detection.added)
    if args.json:
        print(json.dumps({"own": own, "added": [asdict(one) for one in added]}, indent=2, ensure_ascii=False))
        return 0
    for folder in own:
        print(f"{folder['path']}: {folder['rules']:,} rules, version {folder['version']}")
        if folder["from"]:
            print(f"  from {folder['from']}")
    for one in added:
        version = one.version or one.content[:12]
        licence = one.licence or "no licence found"
        print(f"{cfg.detection.added / one.name}: {one.rules:,} rules, version {version}, {licence}, added {one.added}")
        print(f"  from {one.origin or one.source}")
    return 0
