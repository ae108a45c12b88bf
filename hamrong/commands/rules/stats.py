"""rules stats: what each rule costs, what came of its alerts, and which are quarantined."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.rule_figures import Figure

SUMMARY = "show what rules cost, how often they fire and how often in vain"

WIDTH = 160

ORDERS: dict[str, Callable[[Figure], Any]] = {
    "cost": lambda figure: -figure.microseconds,
    "alerts": lambda figure: -figure.alerts,
    "false-positives": lambda figure: -(figure.false_positive_rate or 0),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="7d", metavar="WHEN", help="30d, 12h, 2026-11-01 (default: 7d)")
    parser.add_argument("--sort", choices=ORDERS, default="cost", help="what comes first (default: cost)")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many rules; 0 = all (default: 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    import orjson

    from hamrong import config
    from hamrong.terminal import printable
    from jobs import life_signs, loaded, rule_figures
    from jobs.backtest.spans import span

    cfg = config.load()
    since = span(args.since, None, datetime.now(UTC), cfg.report.timezone).since
    ruleset = loaded.live(cfg.detection)
    with life_signs.asked(cfg) as client:
        figures = rule_figures.read(client, cfg, ruleset, since)
    chosen = sorted(figures, key=ORDERS[args.sort])[: args.top or None]
    quarantined = [figure for figure in figures if figure.quarantine]
    uncounted = [figure for figure in figures if figure.late or figure.forgotten]
    if args.json:
        rules = [{**vars(figure), "false_positive_rate": figure.false_positive_rate} for figure in chosen]
        answer = {
            "since": since.isoformat(),
            "ruleset": ruleset.version,
            "rules": rules,
            "quarantined": [figure.rule for figure in quarantined],
            "uncounted": [figure.rule for figure in uncounted],
        }
        print(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
    else:
        show(chosen, len(figures))
        for line in (*map(_quarantined, quarantined), *map(_uncounted, uncounted)):
            print(printable(line))
    return 0


def _quarantined(figure: Figure) -> str:
    return f"quarantined: {figure.title} ({figure.rule}): it {figure.quarantine}"


def _uncounted(figure: Figure) -> str:
    said = [f"{figure.late:,} came too late"] if figure.late else []
    said += [f"{figure.forgotten:,} are forgotten, since one group had too many"] if figure.forgotten else []
    return f"matches not counted: {figure.title} ({figure.rule}): {'; '.join(said)}"


def show(chosen: Sequence[Figure], rules: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hamrong.terminal import printable

    heads = ("rule", "µs", "decided", "matches", "left out", "alerts", "false", "last fired (UTC)")
    table = Table(*heads, title=f"{len(chosen)} of {rules} rules; costs are of 1,000 events", title_justify="left")
    for figure in chosen:
        rate = figure.false_positive_rate
        table.add_row(
            escape(printable(figure.title)),
            f"{figure.microseconds:,.1f}",
            f"{figure.decided:,.2f}",
            f"{figure.matches:,.3f}",
            f"{figure.left_out:,.3f}",
            f"{figure.alerts:,}",
            "-" if rate is None else f"{rate:.0%} of {figure.judged}",
            figure.last_fired[:16].replace("T", " ") or "never",
        )
    # A file has no width of its own, and 80 columns would break every title.
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(table)
