"""parse: log lines -> ECS events on standard output, a JSON object a line, in input order; or why one is what it is."""

from __future__ import annotations

import argparse
import datetime
import zoneinfo
from typing import TYPE_CHECKING

from hamrong.errors import HamrongError

if TYPE_CHECKING:
    from ingest.sources import Register

SUMMARY = "parse log lines and print one ECS event a line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="a log file, plain, gzip or zstd; - is standard input")
    parser.add_argument(
        "--explain",
        metavar="LINE",
        help="instead of a file: which parser takes this line, and what each field comes from; else what came nearest",
    )
    parser.add_argument("--json", action="store_true", help="print the explanation as one JSON object")
    parser.add_argument("--source", metavar="NAME", help="the system in sources.yml that the lines are of, by its id")
    parser.add_argument("--timezone", metavar="TZ", help="the zone of stamps that name none (default: the source's)")
    parser.add_argument(
        "--received",
        metavar="ISO8601",
        help="when the lines were received (default: now); stamps without a year are dated by it",
    )


def run(args: argparse.Namespace) -> int:
    import sys

    import orjson

    from hamrong import config
    from ingest import files
    from ingest.event import to_documents
    from ingest.parse import parse
    from ingest.sources import Register

    if (args.file is None) == (args.explain is None):
        raise HamrongError("give either a FILE (- for standard input) or --explain LINE")
    if args.json and args.explain is None:
        raise HamrongError("--json goes with --explain; events are printed as JSON anyway")
    register = Register.load(config.load().detection.sources)
    if args.source:
        register = register.always(args.source)
    if args.timezone:
        register = register.in_timezone(args.timezone)
    if args.explain is not None:
        return explained(args, register)
    for raw in files.batches(args.file, received(args.received, register.timezone)):
        documents = to_documents(parse(raw, register))
        sys.stdout.buffer.write(
            b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)
        )
    sys.stdout.buffer.flush()
    return 0


def explained(args: argparse.Namespace, register: Register) -> int:
    """0; 1 when no parser took the line."""
    import os

    import orjson

    from hamrong.terminal import printable
    from ingest import files
    from ingest.explain import explain

    line = os.fsencode(args.explain)
    found = explain(files.batch([line], received(args.received, register.timezone), "explain"), register)
    if args.json:
        print(orjson.dumps(found).decode())
    else:
        for text in found.sentences():
            print(printable(text))
    return 0 if found.parser else 1


def received(text: str | None, timezone: str) -> datetime.datetime:
    """The time that `--received` names, in `timezone` unless it names its own offset; now for None."""
    if text is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise HamrongError(f"--received is '{text}'; write a time like 2026-03-05T08:15:00+07:00") from error
    return time if time.tzinfo else time.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
