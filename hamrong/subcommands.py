"""subcommands: the modules of a package as the commands of an argument parser.

In:   a package whose modules each have SUMMARY, `add_arguments` and `run`
Out:  one sub-parser a module, named as the module with `-` for `_`; the parsed arguments' `run` is the module's
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, cast


class Command(Protocol):
    """Importing its module must be cheap, so heavy imports stand inside `run`."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def find(package: ModuleType) -> dict[str, Command]:
    """By name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {
        name.replace("_", "-"): cast("Command", importlib.import_module(f"{package.__name__}.{name}")) for name in names
    }


def add(parser: argparse.ArgumentParser, package: ModuleType, dest: str) -> None:
    """The one that was named is told in `dest`, and one must be."""
    subparsers = parser.add_subparsers(dest=dest, metavar=dest.upper(), required=True)
    for name, command in find(package).items():
        subparser = subparsers.add_parser(name, help=command.SUMMARY, description=command.SUMMARY)
        # A command with commands of its own leaves `run` to them.
        subparser.set_defaults(run=command.run)
        command.add_arguments(subparser)
