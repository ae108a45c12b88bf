"""stack: start, stop and look at the embedded Kafka and OpenSearch."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

SUMMARY = "start, stop and look at the embedded Kafka and OpenSearch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("up", "start both and make the topics; does nothing when they run"),
        ("down", "stop every process of the stack, the gateway and the Spark job included"),
        ("status", "say what runs and where; exit 1 when Kafka or OpenSearch does not"),
        ("jars", "fetch the Java libraries of Kafka, OpenSearch and Spark"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument(
            "--home", type=Path, default=Path(".hamrong"), metavar="DIR", help="folder of all state (default: .hamrong)"
        )
        if name == "status":
            action.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    home: Path = args.home
    match args.action:
        case "up":
            return _up(home)
        case "down":
            return _down(home)
        case "jars":
            return _jars(home)
        case _:
            return _status(home, as_json=args.json)


def _up(home: Path) -> int:
    from hamrong import config
    from hamrong.stack import embedded

    settings = config.load().kafka
    with _progress() as progress:
        found = embedded.up(home, settings, progress)
    print(f"Kafka       {found.kafka_bootstrap}")
    print(f"OpenSearch  {found.opensearch_url}")
    return 0


def _down(home: Path) -> int:
    from hamrong.stack import embedded

    with _progress() as progress:
        names = embedded.down(home, progress)
    print(f"stopped: {', '.join(names)}" if names else "nothing was running")
    return 0


def _jars(home: Path) -> int:
    from hamrong.stack import embedded, jars

    embedded.prepare(home)
    with _progress() as progress:
        jars.fetch(home, progress)
    for part in jars.PARTS:
        found = jars.jars(home, part)
        size = sum(path.stat().st_size for path in found) / 1e6
        print(f"{part:<11} {len(found):>4} jars {size:>5.0f} MB  {found[0].parent}")
    return 0


def _status(home: Path, *, as_json: bool) -> int:
    from hamrong.stack import embedded

    states = embedded.status(home)
    if as_json:
        print(json.dumps({"services": [dataclasses.asdict(state) for state in states]}, indent=2))
    else:
        for state in states:
            where = "  ".join(f"{name} {port}" for name, port in state.ports.items())
            print(f"{state.name:<11} {state.state:<14} {f'pid {state.pid}' if state.pid else '':<11} {where}")
    stores = [state for state in states if state.name in embedded.STORES]
    return 0 if all(state.state == "running" for state in stores) else 1


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
