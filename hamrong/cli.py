"""hamrong: the command line.

In:   argv
Out:  exit code 0 (done), 1 (findings or failures), 2 (bad use or a mendable error, said in a sentence)
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from typing import Protocol, cast

from hamrong import __version__, commands
from hamrong.errors import HamrongError


class Command(Protocol):
    """A module of `hamrong.commands`; importing it must be cheap, so heavy imports stand inside `run`."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def find_commands() -> dict[str, Command]:
    """Every sub-command by name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    return {name: cast("Command", importlib.import_module(f"{commands.__name__}.{name}")) for name in names}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hamrong", description="Security log analytics: syslog, Kafka, Spark, Sigma, OpenSearch."
    )
    parser.add_argument("--version", action="version", version=f"hamrong {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in find_commands().items():
        subparser = subparsers.add_parser(name, help=command.SUMMARY, description=command.SUMMARY)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except HamrongError as error:
        print(f"hamrong {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no trace, and nothing more to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
