"""rules: what an engineer does with Sigma rules; each module of this folder is one action."""

from __future__ import annotations

import argparse
import sys

from hamrong import subcommands

SUMMARY = "check, test and weigh Sigma rules"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subcommands.add(parser, sys.modules[__name__], "action")


def run(args: argparse.Namespace) -> int:
    """Never called: each action brings its own."""
    raise NotImplementedError(args.action)
