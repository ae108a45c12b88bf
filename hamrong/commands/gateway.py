"""gateway: syslog over TCP, TLS and UDP into Kafka."""

from __future__ import annotations

import argparse
import dataclasses
import logging

SUMMARY = "receive syslog over TCP, TLS and UDP and hand it to Kafka"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("tcp", "udp", "tls", "status"):
        parser.add_argument(f"--{name}-port", type=int, metavar="PORT", help="0 = off (default: gateway's settings)")
    parser.add_argument("--host", help="the address to listen on")


def run(args: argparse.Namespace) -> int:
    import json

    from hamrong import config
    from ingest.gateway.server import serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    cfg = config.load()
    given = {name: getattr(args, name) for name in ("host", "tcp_port", "udp_port", "tls_port", "status_port")}
    given = {name: value for name, value in given.items() if value is not None}
    cfg = dataclasses.replace(cfg, gateway=dataclasses.replace(cfg.gateway, **given))
    counters = serve(cfg, lambda addresses: print(f"listening on {addresses}", flush=True))
    print(json.dumps(counters), flush=True)
    return 0
