"""listeners: TCP, TLS and UDP sockets -> frames.

In:   syslog senders
Out:  frames handed to the intake as they are read
Docs: RFC 6587 (TCP), RFC 5425 (TLS), RFC 5426 (UDP, one message a datagram)
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from functools import lru_cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import cast

from hamrong.config import Gateway
from hamrong.errors import HamrongError
from ingest.gateway.counters import Counters, Listened
from ingest.gateway.framing import CUT, Decoder, Frame
from ingest.gateway.intake import Intake

IDLE_SECONDS = 2.0
_DATAGRAMS_AT_ONCE = 512
_GREATEST_DATAGRAM = 65_536
_RECEIVE_BUFFER_BYTES = 8 << 20
_DROPS_COLUMN = 12
"""Of /proc/net/udp: datagrams that the kernel dropped; column 9 is the socket's inode."""


class Stream(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, listener: str, intake: Intake, counters: Listened, streams: set[Stream], limit: int) -> None:
        self._listener, self._intake, self._counters, self._streams = listener, intake, counters, streams
        self._decoder = Decoder(limit)
        self._peer = b""
        self._heard = 0.0
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._peer = peer_address(transport.get_extra_info("peername")[0])
        self._counters.connections += 1
        self._streams.add(self)
        self._intake.join(self.transport)

    def data_received(self, data: bytes) -> None:
        self._counters.bytes += len(data)
        self._heard = self._loop.time()
        self._take(self._decoder.feed(data))

    def connection_lost(self, _error: Exception | None) -> None:
        self._intake.leave(self.transport)
        self._streams.discard(self)
        self._take(self._decoder.close())

    def check_idle(self, now: float) -> None:
        """Hands on the frames that only waited for a hint from what follows."""
        if self._decoder.waiting and now - self._heard > IDLE_SECONDS:
            self._take(self._decoder.idle())

    def _take(self, frames: list[Frame]) -> None:
        self._intake.stream_frames(self._listener, self._peer, frames)
        if self._decoder.empty:
            self._counters.empty += self._decoder.empty
            self._decoder.empty = 0


class Datagrams:
    """The UDP socket; many datagrams are read at a time, which asyncio's own transport does not do."""

    def __init__(self, listener: str, sock: socket.socket, intake: Intake, counters: Counters, limit: int) -> None:
        self._listener, self._socket, self._intake, self._all, self._limit = listener, sock, intake, counters, limit
        self._counters = counters.listeners[listener]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self.read)

    def read(self) -> None:
        """Takes what is there, in portions so that other listeners get their turn."""
        by_peer: dict[bytes, list[Frame]] = {}
        receive = self._socket.recvfrom
        with contextlib.suppress(BlockingIOError, InterruptedError):
            for _ in range(_DATAGRAMS_AT_ONCE):
                data, address = receive(_GREATEST_DATAGRAM)
                self._counters.bytes += len(data)
                message = data.rstrip(b"\r\n\0")
                if not message:
                    self._counters.empty += 1
                    continue
                frame = (message, 0) if len(message) <= self._limit else (message[: self._limit], CUT)
                by_peer.setdefault(peer_address(address[0]), []).append(frame)
        self._intake.datagrams(self._listener, by_peer)

    def count_drops(self) -> None:
        """Brings the kernel's own count of lost datagrams up to date, where it tells."""
        inode = str(os.fstat(self._socket.fileno()).st_ino)
        for table in (Path("/proc/net/udp"), Path("/proc/net/udp6")):
            if table.exists():
                for row in table.read_text(encoding="ascii").splitlines()[1:]:
                    columns = row.split()
                    if columns[9] == inode:
                        self._all.dropped_udp_kernel = int(columns[_DROPS_COLUMN])

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self.read()
        self.count_drops()
        self._socket.close()


@lru_cache(4096)
def peer_address(host: str) -> bytes:
    """`192.0.2.1`, also when it comes as `::ffff:192.0.2.1`; without the zone of a link-local address."""
    address = host.partition("%")[0]
    mapped = IPv6Address(address).ipv4_mapped if ":" in address else None
    return str(mapped or address).encode("ascii")


def bind(host: str, port: int, kind: socket.SocketKind, setting: str) -> socket.socket:
    """A bound socket. Raises HamrongError with a sentence when the port or the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind)
    except OSError as error:
        raise HamrongError(f"gateway.host {host!r} with gateway.{setting} {port} is no address: {error}") from error
    try:
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind(address)
        if kind is socket.SOCK_STREAM:
            sock.listen(1024)
    except OSError as error:
        sock.close()
        causes = {
            errno.EADDRINUSE: f"is in use: stop what listens there or set gateway.{setting} to another port",
            errno.EACCES: f"needs root or CAP_NET_BIND_SERVICE: set gateway.{setting} to a port above 1023",
            errno.EADDRNOTAVAIL: "cannot be had: this machine lacks the address that gateway.host names",
        }
        why = causes.get(error.errno or 0, f"cannot be had: {error.strerror}")
        raise HamrongError(f"{setting.removesuffix('_port')} port {port} on {host} {why}") from error
    return sock


def tls_context(settings: Gateway) -> ssl.SSLContext:
    """The server side of TLS 1.2 and 1.3. Raises HamrongError when certificate or key cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise HamrongError(
            f"gateway.tls_certificate {settings.tls_certificate!r} with gateway.tls_key {settings.tls_key!r} cannot be "
            f"used: {error}; name a PEM certificate and its key, or set gateway.tls_port to 0"
        ) from error
    return context
