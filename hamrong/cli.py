"""hamrong: the command line.

In:   argv
Out:  exit code 0 (done), 1 (findings or failures), 2 (bad use or a mendable error, said in a sentence)
"""

from __future__ import annotations

import argparse
import os
import sys

from hamrong import __version__, commands, subcommands
from hamrong.errors import HamrongError


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hamrong", description="Security log analytics: syslog, Kafka, Spark, Sigma, OpenSearch."
    )
    parser.add_argument("--version", action="version", version=f"hamrong {__version__}")
    subcommands.add(parser, commands, "command")
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
