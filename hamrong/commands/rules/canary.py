"""rules canary: firing cases of rules on the live road, and which did not come back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.canaries.ask import Answer

SUMMARY = "show which rules did not answer a line that must make them fire; exit 1 when there are any"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rules", nargs="*", metavar="RULE", help="ids or names (default: all)")
    parser.add_argument("--send", action="store_true", help="send canaries now; else the last that were sent are shown")
    parser.add_argument("--wait", type=_seconds, default=120, metavar="TIME", help="for answers (default: 2m)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _seconds(text: str) -> int:
    from detectors.sigma.metadata import duration

    seconds = duration(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 60s, 5m or 1h")
    return seconds


def run(args: argparse.Namespace) -> int:
    from hamrong import chosen_rule, config
    from jobs import life_signs
    from jobs.canaries import ask

    cfg = config.load()
    ruleset = life_signs.rules(cfg)
    wanted = [chosen_rule.find(ruleset, name) for name in args.rules]
    without: Mapping[str, str] = {}
    with life_signs.asked(cfg) as client:
        if args.send:
            sent, without = life_signs.send(cfg, ruleset, wanted)
            with _progress(len(sent.canaries)) as told:
                answers = ask.wait(client, cfg, sent, args.wait, told)
            life_signs.record(client, cfg, sent, answers)
        else:
            answers = [one for one in ask.recorded(client, cfg, ruleset) if not wanted or one.rule in wanted]
    titles = {rule.id: rule.title for rule in (*ruleset.rules, *ruleset.correlations)}
    _print(answers, {f"{titles[rule]} ({rule})": why for rule, why in without.items()}, as_json=args.json)
    return 1 if any(answer.lost for answer in answers) else 0


def _print(answers: Sequence[Answer], without: Mapping[str, str], *, as_json: bool) -> None:
    import orjson

    lost = [answer for answer in answers if answer.lost]
    waiting = [answer for answer in answers if not answer.came_back and not answer.lost]
    if as_json:
        print(orjson.dumps({"answers": answers, "without": without}, option=orjson.OPT_INDENT_2).decode())
        return
    for answer in lost:
        print(f"{answer.path}: {answer.title} ({answer.rule}): lost at '{answer.stage}': {answer.why}")
    for answer in waiting:
        print(f"{answer.path}: {answer.title} ({answer.rule}): {answer.why}")
    for rule, why in without.items():
        print(f"{rule}: no canary: {why}")
    came = len(answers) - len(lost) - len(waiting)
    print(f"{len(answers)} canaries, {came} came back, {len(lost)} lost, {len(waiting)} not due yet")


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """On a terminal, a bar of how many came back."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("canaries that came back", total=total)
        yield lambda came: progress.update(task, completed=came)
