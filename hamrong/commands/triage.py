"""triage: the alert pages."""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress

from hamrong.errors import HamrongError

SUMMARY = "serve the pages on which analysts work through alerts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="ADDRESS", help="listen here (default: triage.host)")
    parser.add_argument("--port", type=int, metavar="N", help="and on this port (default: triage.port; 0 = a free one)")


def run(args: argparse.Namespace) -> int:
    import signal
    import socket

    import uvicorn

    from hamrong import config
    from hamrong.errors import ServiceError
    from triage.web.app import build

    cfg = config.load()
    given = {name: value for name, value in (("host", args.host), ("port", args.port)) if value is not None}
    cfg = dataclasses.replace(cfg, triage=dataclasses.replace(cfg.triage, **given))
    proxies = trusted(cfg.triage.proxies)
    app = build(cfg)
    family = socket.AF_INET6 if ":" in cfg.triage.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((cfg.triage.host, cfg.triage.port))
    except OSError as error:
        where = f"{cfg.triage.host}:{cfg.triage.port}"
        raise ServiceError(f"cannot listen on {where}: {error.strerror}; name another with --port") from error
    host = f"[{cfg.triage.host}]" if family == socket.AF_INET6 else cfg.triage.host
    print(f"http://{host}:{listener.getsockname()[1]}/soc/queue", flush=True)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            # uvicorn's own default believes whoever comes from this machine.
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
        )
    )
    # uvicorn ends its work, then raises the signal once more: a stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener])
    return 0


def trusted(proxies: str) -> list[str]:
    """Each address or network. Raises HamrongError for what is none."""
    found = [one.strip() for one in proxies.split(",") if one.strip()]
    for one in found:
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            raise HamrongError(
                f"triage.proxies names '{one}', which is no address and no network: {error}; "
                "write such as 127.0.0.1 or 10.0.0.0/28"
            ) from error
    return found
