"""rules promote: what speaks for a rule on trial; with --yes it becomes one that raises alerts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from hamrong.commands.rules import backtest as trying

if TYPE_CHECKING:
    from jobs.backtest.chosen import Chosen
    from jobs.promotion import Evidence, Shadow

SUMMARY = "show the evidence for an experimental rule, and with --yes let it raise alerts"

PROMOTED = "test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id or name of a rule or correlation")
    parser.add_argument("--backtest", action="store_true", help="try it on the lake as well, as 'rules backtest' does")
    trying.add_span(parser)
    parser.add_argument("--days", type=float, default=7, metavar="N", help="in the shadow at least (default: 7)")
    parser.add_argument("--yes", action="store_true", help=f"write 'status: {PROMOTED}' into its file")
    parser.add_argument("--force", action="store_true", help="whatever its time in the shadow; never with a fault")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """1 when it is not to be promoted."""
    from datetime import UTC

    import orjson

    from hamrong import config
    from jobs.backtest.spans import span
    from jobs.promotion import evidence
    from jobs.reload import mirrors

    cfg = config.load()
    now = datetime.now(UTC)
    chosen = _loaded(args.rule)
    made = trying.make(chosen.id, args.since, args.until, args.master) if args.backtest else None
    found = evidence(cfg, chosen, span(args.since, args.until, now, cfg.report.timezone), made)
    against = [why for why, can_be_forced in found.obstacles(args.days, now) if not (can_be_forced and args.force)]
    # Here lies a copy, which the next state of the source replaces.
    if origin := mirrors.origin(cfg.detection.rules_from.split(), cfg.detection.cache, found.path):
        against.append(f"its file comes from {origin}: write 'status: {PROMOTED}' there")
    promoted = args.yes and not against
    if promoted:
        _promote(found)
    if args.json:
        print(orjson.dumps({**vars(found), "obstacles": against, "promoted": promoted}).decode())
    else:
        for line in _lines(found, now):
            print(line)
        for why in against:
            print(f"not to be promoted: {why}")
        print(_outcome(found, promoted, args.yes, bool(against)))
    return 1 if against else 0


def _loaded(rule: str) -> Chosen:
    from hamrong import config, zone
    from hamrong.errors import HamrongError
    from jobs.backtest.chosen import choose

    cfg = config.load()
    if rule.endswith((".yml", ".yaml")):
        raise HamrongError(f"{rule} is a file; put it among the rules and name its id: only what runs is promoted")
    return choose(cfg.detection, rule, zone.today())


def _promote(found: Evidence) -> None:
    from pathlib import Path

    from detectors.sigma.status_line import replace, with_status

    path = Path(found.path)
    replace(path, with_status(found.path, path.read_bytes(), found.line, found.status, PROMOTED))


def _outcome(found: Evidence, promoted: bool, wanted: bool, is_held: bool) -> str:
    if promoted:
        return f"{found.path}: status is {PROMOTED} now; the streams take it up by themselves."
    if is_held:
        return f"{found.path} stays as it is."
    return f"Nothing stands against it. To promote it: hamrong rules promote {found.rule_id} --yes"


def _lines(found: Evidence, now: datetime) -> Iterator[str]:
    from jobs.backtest import text

    yield f"{found.title} ({found.rule_id}; {found.status}), {found.path}:{found.line}"
    yield f"cases: {found.cases}, {len(found.failed)} failed; faults: {len(found.faults)}"
    yield from (f"doubt: {doubt}" for doubt in found.doubts)
    if found.shadow is None:
        yield f"shadow, verdicts and cost: unknown ({found.unknown})"
    else:
        yield from _shadow(found.shadow, now)
    if found.backtest is None:
        yield "backtest: none; add --backtest"
    else:
        yield ""
        yield from text.lines(found.backtest, None)


def _shadow(shadow: Shadow, now: datetime) -> Iterator[str]:
    figure = shadow.figure
    if shadow.since is None:
        yield "shadow: nothing yet"
    else:
        spent = (now - shadow.since).total_seconds() / 86_400
        most = max(shadow.by_day.values(), default=0)
        total = sum(shadow.by_day.values())
        yield f"shadow: for {spent:.1f} days; {total:,} alerts on {len(shadow.by_day)} days, {most:,} on the busiest"
    rate = figure.false_positive_rate
    judged = f"{figure.judged:,} judged, {rate:.0%} of them false" if rate is not None else "none judged"
    yield f"verdicts: {judged}"
    yield (
        f"cost of 1,000 events: {figure.microseconds:.2f} microseconds, {figure.decided:.2f} decisions, "
        f"{figure.matches:.2f} matches"
    )
    if figure.quarantine:
        yield f"quarantined: it {figure.quarantine}"
