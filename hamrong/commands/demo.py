"""demo: the whole road on this machine, with attacks on every shared system."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "run the whole road on an embedded Kafka, OpenSearch and Spark"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, default=Path(".hamrong"), metavar="DIR", help="default: .hamrong")
    parser.add_argument("--seconds", type=float, default=15.0, metavar="N", help="of today's traffic (default: 15)")
    parser.add_argument("--rate", type=float, default=80.0, metavar="N", help="ordinary lines a second (default: 80)")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from hamrong.demo.play import play

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    outcome = play(args.home, args.seconds, args.rate, console)
    return 0 if outcome.holds else 1
