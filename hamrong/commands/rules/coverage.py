"""rules coverage: which attacks the rules would show, by what works."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.sigma.alive import Kinds
    from detectors.sigma.coverage import Coverage, Group
    from detectors.sigma.ruleset import Ruleset
    from hamrong.config import Config

SUMMARY = "show which ATT&CK techniques and shared systems the rules cover, by cases, events and alerts"
FIRED_DAYS = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="files and folders (default: our own)")
    parser.add_argument("--since", default="30d", metavar="WHEN", help="look so far back in the lake (default: 30d)")
    parser.add_argument("--rows", type=int, metavar="N", help="look at about so many events; 0 = at all of them")
    parser.add_argument("--navigator", metavar="FILE", type=Path, help="write a layer for the ATT&CK Navigator")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    import json

    from detectors.sigma import cases
    from detectors.sigma.alive import dead, looking, together
    from detectors.sigma.coverage import coverage, of_system
    from hamrong import case_lines, config, navigator, output_file, rule_set
    from ingest.sources import Register
    from jobs import sample_kinds

    cfg = config.load()
    ruleset = rule_set.load(cfg.detection, args.paths)
    parse = case_lines.parser(cfg.detection)
    verdicts, _ = cases.run(ruleset, parse)
    samples = sample_kinds.read(parse, ruleset.taxonomy)
    came, seen_in = _came(cfg, ruleset, args)
    fired, fired_in = _fired(cfg)
    systems = {}
    for system in Register.load(cfg.detection.sources).systems:
        # What it should send, and what it sends.
        written = together(samples.get(name, {}) for name in system.parsers)
        its = written if came is None else came.get(system.id, {})
        systems[system.id] = of_system(ruleset, looking(ruleset, together([written, its])), dead(ruleset, its))
    blind = dead(ruleset, together((samples if came is None else came).values()))
    found = coverage(ruleset, verdicts, blind, fired, systems)
    notes = [f"what is seen: {seen_in}", f"what fired: {fired_in}"]
    if args.navigator:
        layer = navigator.layer(found, "Hàm Rồng", "; ".join(notes))
        output_file.write(args.navigator, json.dumps(layer, indent=2, ensure_ascii=False).encode() + b"\n")
    if args.json:
        print(json.dumps(_document(found, notes), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_tables(found, notes)))
    return 0


def _came(cfg: Config, ruleset: Ruleset, args: argparse.Namespace) -> tuple[Mapping[str | None, Kinds] | None, str]:
    """What each system sent, None without a lake; and what says so."""
    from datetime import UTC, datetime

    from hamrong.errors import HamrongError
    from hamrong.progress import bar
    from jobs import dead_rules
    from jobs.backtest.spans import span

    since = span(args.since, None, datetime.now(UTC), cfg.report.timezone).since
    limit = dead_rules.ROWS if args.rows is None else args.rows
    try:
        with bar("files of the lake") as told:
            look = dead_rules.look(cfg, ruleset, since, limit, told)
    except HamrongError as error:
        return None, f"what the parsers' samples hold ({error})"
    return look.kinds, f"{look.rows:,} of {look.of_rows:,} events since {since:%Y-%m-%d}"


def _fired(cfg: Config) -> tuple[dict[str, int] | None, str]:
    """Alerts by id of rule; None when nobody can say."""
    from datetime import UTC, datetime, timedelta

    from opensearchpy import OpenSearchException

    from triage import rule_counts, store

    client = store.client(cfg.opensearch)
    try:
        since = datetime.now(UTC) - timedelta(days=FIRED_DAYS)
        counted = rule_counts.read(client, cfg.opensearch.alerts_alias, since)
    except OpenSearchException as error:
        return None, f"unknown, {cfg.opensearch.url} does not tell ({type(error).__name__})"
    finally:
        client.close()
    return {rule: one.alerts for rule, one in counted.items() if one.alerts}, f"alerts of {FIRED_DAYS} days"


def _tables(found: Coverage, notes: list[str]) -> Iterator[str]:
    from detectors.sigma.attack import tactic_name
    from detectors.sigma.coverage import NO_TACTIC, STATES

    head = "".join(f"{name:>10}" for name in ("rules", *STATES, "fired"))
    for title, groups in (("tactic", found.tactics), ("system", found.systems)):
        width = max(len(title), *(len(group.name) for group in groups)) + 6 if groups else 20
        yield f"{title:<{width}}{head}"
        for group in groups:
            name = tactic_name(group.name) if title == "tactic" and group.name != NO_TACTIC else group.name
            counts = (len(group.rules), *(group.states[state] for state in STATES))
            yield f"{name:<{width}}{''.join(f'{count:>10,}' for count in counts)}{_fired_text(group):>10}"
        yield ""
    works = sum(group.state == "works" for group in found.techniques)
    yield f"{len(found.rules):,} rules name {len(found.techniques):,} techniques; {works:,} have a rule that works"
    yield from notes


def _fired_text(group: Group) -> str:
    return "?" if group.fired is None else f"{group.fired:,}"


def _document(found: Coverage, notes: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from detectors.sigma.attack import tactic_name, technique_name

    def groups(those: tuple[Group, ...], called: Any) -> list[dict[str, Any]]:
        return [
            {
                "id": group.name,
                **({"name": called(group.name)} if called else {}),
                "state": group.state if group.rules else None,
                "states": dict(group.states),
                "fired": group.fired,
                "rules": [rule.id for rule in group.rules],
                "blind": {rule.id: rule.blind for rule in group.rules if rule.blind},
            }
            for group in those
        ]

    return {
        "notes": notes,
        "rules": [asdict(rule) for rule in found.rules],
        "techniques": groups(found.techniques, technique_name),
        "tactics": groups(found.tactics, tactic_name),
        "systems": groups(found.systems, None),
    }
