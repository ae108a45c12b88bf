"""notify: critical alerts by webhook and e-mail."""

from __future__ import annotations

import argparse

SUMMARY = "send each critical alert once by webhook and e-mail"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings are `notify.*`."""


def run(args: argparse.Namespace) -> int:
    import logging
    import signal
    import threading

    from hamrong import config
    from triage.notify.service import serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(config.load(), stop, lambda names: print(f"notifying by {names}", flush=True))
    return 0
