"""replay: the lines of a log file to a syslog receiver, at a rate, with their own stamps or re-dated."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from ingest.files import Opened

SUMMARY = "send a log file to a syslog receiver"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a log file, plain, gzip or zstd; - = standard input")
    parser.add_argument("--to", required=True, metavar="tcp|udp|tls://HOST:PORT", help="the receiver")
    parser.add_argument("--rate", type=_rate, metavar="N", help="lines a second (default: as fast as it takes them)")
    parser.add_argument("--from-start", choices=["now"], help="move the lines' stamps so that the first one is now")
    parser.add_argument("--timezone", metavar="TZ", help="of stamps without a zone (default: report.timezone)")
    parser.add_argument("--framing", choices=["octet", "lf"], default="octet", help="on TCP and TLS (default: octet)")
    parser.add_argument("--ca", default="", metavar="FILE", help="PEM certificates to trust instead of the system's")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    import json
    import time

    from ingest import files
    from ingest.gateway.sender import Sender, Target, paced

    target = Target.parse(args.to)
    redate = _redater(args)
    with files.opened(args.file) as source, _progress() as progress:
        task = progress.add_task(f"{files.topic(args.file)} to {target}", total=files.size(args.file))
        started = time.monotonic()
        with Sender(target, framing=args.framing, ca_file=args.ca) as sender:
            for portion in paced(_messages(source), args.rate):
                sender.send([redate(line) for line in portion] if redate else portion)
                progress.update(task, completed=source.position)
        seconds = time.monotonic() - started
    if args.json:
        counts = {"lines": sender.lines, "bytes": sender.bytes, "too_long": sender.too_long}
        print(json.dumps({**counts, "seconds": round(seconds, 3)}))
    else:
        rate = sender.lines / max(seconds, 1e-6)
        print(f"{sender.lines} lines, {sender.bytes} bytes to {target} in {seconds:.1f} s ({rate:.0f} lines/s)")
        if sender.too_long:
            print(f"{sender.too_long} lines are longer than a datagram may be and were not sent: use tcp://")
    return 1 if sender.too_long else 0


def _messages(source: Opened) -> Iterator[bytes]:
    """The lines without their ends; empty ones are no messages."""
    return (message for line in source.stream if (message := line.rstrip(b"\r\n")))


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: write lines a second, such as 500 or 0.5")
    return rate


def _redater(args: argparse.Namespace) -> Callable[[bytes], bytes] | None:
    if not args.from_start:
        return None
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from hamrong import config
    from hamrong.errors import HamrongError
    from ingest.gateway.redate import Redater

    name = args.timezone or config.load().report.timezone
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise HamrongError(f"--timezone {name!r} is unknown; write a name such as Asia/Ho_Chi_Minh") from error
    return Redater(datetime.now(UTC), zone).redate


def _progress() -> Progress:
    """A bar on standard error, when that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
