"""server: the gateway put together: listeners, spool, producer, counters, start and stop.

In:   the configuration, SIGTERM or SIGINT
Out:  lines in Kafka; the counters at the end

A stop takes in what senders have already sent, closes, and gives Kafka some seconds; what it has not taken by then
waits in the spool for the next start.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from ingest.gateway import status
from ingest.gateway.counters import Counters, Listened
from ingest.gateway.intake import Intake
from ingest.gateway.listeners import Datagrams, Stream, bind, tls_context
from ingest.gateway.producer import SpoolProducer
from ingest.gateway.spool import Spool

SYNC_SECONDS = 1.0
LAST_BYTES_SECONDS = 2.0
"""How long a stop waits for senders to fall silent."""
FLUSH_SECONDS = 10.0
LEAST_LINE_BYTES = 480
"""RFC 5424 §6.1: every receiver takes messages of this length."""


class Gateway:
    def __init__(self, cfg: Config, spool: Spool) -> None:
        self._cfg, self._settings, self._spool = cfg, cfg.gateway, spool
        self.counters = Counters()
        self._intake = Intake(spool, self.counters)
        self._producer = SpoolProducer(cfg.kafka, cfg.gateway.name, spool, self.counters)
        self._streams: set[Stream] = set()
        self._servers: list[asyncio.Server] = []
        self._datagrams: Datagrams | None = None
        self._status: asyncio.Server | None = None

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serves until SIGTERM or SIGINT. `ready` is told the addresses once all ports are open."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        ready(", ".join(await self._listen()))
        self._producer.start()
        ticking = asyncio.create_task(self._tick(stop))
        await stop.wait()
        await self._close()
        ticking.cancel()
        died = not self._producer.alive
        await asyncio.to_thread(self._producer.stop, FLUSH_SECONDS)
        self._spool.close()
        if self._status:
            self._status.close()
        if died:
            raise ServiceError("the gateway's producer ended with an error, see above; the lines wait in the spool")

    def document(self) -> dict[str, Any]:
        if self._datagrams:
            self._datagrams.count_drops()
        return self.counters.document(
            name=self._settings.name,
            spool_bytes=self._spool.size,
            damaged_bytes=self._spool.damaged_bytes,
            paused=self._intake.paused,
        )

    async def _listen(self) -> list[str]:
        """Opens the ports, all or none, and says where."""
        settings, limit = self._settings, self._settings.max_line_bytes
        wanted = [
            ("tcp", settings.tcp_port, socket.SOCK_STREAM),
            ("udp", settings.udp_port, socket.SOCK_DGRAM),
            ("tls", settings.tls_port, socket.SOCK_STREAM),
            ("status", settings.status_port, socket.SOCK_STREAM),
        ]
        context = tls_context(settings) if settings.tls_port else None
        sockets: dict[str, socket.socket] = {}
        try:
            for name, port, kind in wanted:
                if port:
                    sockets[name] = bind(settings.host, port, kind, f"{name}_port")
        except HamrongError:
            for opened in sockets.values():
                opened.close()
            raise
        for name, opened in sockets.items():
            if name == "status":
                self._status = await status.serve(opened, self.document)
                continue
            self.counters.listeners[name] = Listened()
            if name == "udp":
                self._datagrams = Datagrams(name, opened, self._intake, self.counters, limit)
            else:
                await self._listen_stream(name, opened, context if name == "tls" else None)
        return [f"{name} {_address(settings.host, port)}" for name, port, _ in wanted if port]

    async def _listen_stream(self, name: str, sock: socket.socket, context: Any) -> None:
        limit = self._settings.max_line_bytes

        def connected() -> Stream:
            return Stream(name, self._intake, self.counters.listeners[name], self._streams, limit)

        self._servers.append(await asyncio.get_running_loop().create_server(connected, sock=sock, ssl=context))

    async def _tick(self, stop: asyncio.Event) -> None:
        """The chores of every second; the disk's part runs beside the event loop."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            now = asyncio.get_running_loop().time()
            for stream in list(self._streams):
                stream.check_idle(now)
            self._intake.retry()
            if not self._producer.alive:
                stop.set()
            await asyncio.to_thread(self._spool.sync)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        end = asyncio.get_running_loop().time() + LAST_BYTES_SECONDS
        before = -1
        while before != (before := self._bytes()) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.1)
        if self._datagrams:
            self._datagrams.close()
            self._datagrams = None
        for stream in list(self._streams):
            stream.transport.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._intake.retry()

    def _bytes(self) -> int:
        return sum(listened.bytes for listened in self.counters.listeners.values())


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check(cfg: Config) -> None:
    """Raises HamrongError for settings that cannot work together."""
    settings = cfg.gateway
    for name in ("tcp_port", "udp_port", "tls_port", "status_port"):
        if not 0 <= getattr(settings, name) <= 65_535:
            raise HamrongError(f"gateway.{name} is {getattr(settings, name)}; write 1 to 65535, or 0 for none")
    if not (settings.tcp_port or settings.udp_port or settings.tls_port):
        raise HamrongError("no listener is on: set gateway.tcp_port, gateway.udp_port or gateway.tls_port")
    if settings.max_line_bytes < LEAST_LINE_BYTES:
        raise HamrongError(f"gateway.max_line_bytes is {settings.max_line_bytes}; write {LEAST_LINE_BYTES} or more")
    if settings.spool_limit_bytes < 1 << 20:
        raise HamrongError(f"gateway.spool_limit_bytes is {settings.spool_limit_bytes}; write 1048576 or more")
    if not settings.name or not settings.name.isascii() or not settings.name.replace("-", "").isalnum():
        raise HamrongError(f"gateway.name is {settings.name!r}; write letters, digits and '-'")


def serve(cfg: Config, ready: Callable[[str], None]) -> dict[str, Any]:
    """Runs the gateway until it is told to stop; gives its last counters. Raises HamrongError if it cannot start."""
    check(cfg)
    gateway = Gateway(cfg, Spool(cfg.gateway.spool, cfg.gateway.spool_limit_bytes))
    asyncio.run(gateway.run(ready))
    return gateway.document()
