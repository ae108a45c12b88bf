"""parse: log lines -> ECS events on standard output, one JSON object a line, in input order."""

from __future__ import annotations

import argparse
import datetime
import zoneinfo

from hamrong.errors import HamrongError

SUMMARY = "parse log lines and print one ECS event a line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a log file, gzip or not; - is standard input")
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

    register = Register.load(config.load().detection.sources)
    if args.source:
        register = register.always(args.source)
    if args.timezone:
        register = register.in_timezone(args.timezone)
    for raw in files.batches(args.file, received(args.received, register.timezone)):
        documents = to_documents(parse(raw, register))
        sys.stdout.buffer.write(
            b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)
        )
    sys.stdout.buffer.flush()
    return 0


def received(text: str | None, timezone: str) -> datetime.datetime:
    """The time that `--received` names, in `timezone` unless it names its own offset; now for None."""
    if text is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise HamrongError(f"--received is '{text}'; write a time like 2026-03-05T08:15:00+07:00") from error
    return time if time.tzinfo else time.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
