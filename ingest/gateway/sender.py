"""sender: lines -> a syslog receiver, for replays and the demo.

In:   lines without their ends, `tcp|udp|tls://HOST:PORT`
Out:  frames on the wire
Docs: RFC 6587 3.4.1 (octet counting), 3.4.2 (LF), RFC 5425 (TLS), RFC 5426 (UDP)

Syslog has no acknowledgement: what a `close` promises is that a stream's receiver has read all and closed its side.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from hamrong.errors import HamrongError, ServiceError

GREATEST_DATAGRAM = 65_507
_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 60.0
_PORTION_LINES = 500
_PORTION_SECONDS = 0.02


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Target:
        """Raises HamrongError for anything but `tcp|udp|tls://HOST:PORT`."""
        try:
            parts = urlsplit(text)
            if parts.scheme in ("tcp", "udp", "tls") and parts.hostname and parts.port and parts.path in ("", "/"):
                return cls(parts.scheme, parts.hostname, parts.port)
        except ValueError:
            pass
        raise HamrongError(f"{text!r} is no target: write tcp://HOST:PORT, udp://HOST:PORT or tls://HOST:PORT")

    def __str__(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Sender:
    """One connection. Not for several threads.

    `lines` and `bytes` (of the lines, without framing) count what was handed to the system; `too_long` the lines that
    no datagram takes, which are not sent.
    """

    def __init__(self, target: Target, *, framing: str = "octet", ca_file: str = "") -> None:
        """`framing` is "octet" or "lf". Raises ServiceError when the receiver cannot be reached or is not trusted."""
        self.lines = self.bytes = self.too_long = 0
        self._target, self._counted = target, framing == "octet"
        try:
            if target.scheme == "udp":
                found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)[0]
                self._socket = socket.socket(found[0], socket.SOCK_DGRAM)
                self._socket.connect(found[4])
                return
            self._socket = socket.create_connection((target.host, target.port), _CONNECT_SECONDS)
            if target.scheme == "tls":
                self._socket = self._wrap(self._socket, ca_file)
            # A receiver that holds back (its spool is full) is waited for.
            self._socket.settimeout(None)
        except ssl.SSLCertVerificationError as error:
            raise ServiceError(
                f"{target}: its certificate is not trusted ({error.verify_message}); name its authority with --ca FILE"
            ) from error
        except OSError as error:
            raise ServiceError(f"{target} cannot be reached: {error.strerror or error}") from error

    def _wrap(self, sock: socket.socket, ca_file: str) -> socket.socket:
        try:
            context = ssl.create_default_context(cafile=ca_file or None)
        except OSError as error:
            sock.close()
            raise HamrongError(f"{ca_file}: no certificates to trust: {error.strerror or error}") from error
        try:
            return context.wrap_socket(sock, server_hostname=self._target.host)
        except OSError:
            sock.close()
            raise

    def send(self, lines: Iterable[bytes]) -> None:
        """Sends the lines at once, waiting while the receiver takes no more. Raises ServiceError when it went away."""
        try:
            if self._target.scheme == "udp":
                self._send_datagrams(lines)
                return
            kept = list(lines)
            if self._counted:
                self._socket.sendall(b"".join([b"%d %b" % (len(line), line) for line in kept]))
            else:
                self._socket.sendall(b"".join([line + b"\n" for line in kept]))
        except OSError as error:
            raise ServiceError(f"{self._target} went away after {self.lines} lines: {error.strerror}") from error
        self.lines += len(kept)
        self.bytes += sum(map(len, kept))

    def _send_datagrams(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if len(line) > GREATEST_DATAGRAM:
                self.too_long += 1
                continue
            try:
                self._socket.send(line)
            except ConnectionRefusedError:
                # The answer to an earlier datagram, and this one was not sent.
                self._socket.send(line)
            self.lines += 1
            self.bytes += len(line)

    def close(self) -> None:
        """Raises ServiceError when a stream's receiver has not read all that was sent."""
        with self._socket:
            if self._target.scheme == "udp":
                return
            try:
                self._socket.settimeout(_CLOSE_SECONDS)
                if isinstance(self._socket, ssl.SSLSocket):
                    # close_notify in both directions; only then is the TCP connection ended.
                    self._socket.unwrap().close()
                    return
                self._socket.shutdown(socket.SHUT_WR)
                while self._socket.recv(4096):
                    pass
            except OSError as error:
                raise ServiceError(
                    f"{self._target} closed before it had read all {self.lines} lines: {error.strerror or error}"
                ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        if kind is None:
            self.close()
        else:
            self._socket.close()


def paced(lines: Iterable[bytes], rate: float | None) -> Iterator[list[bytes]]:
    """Portions of the lines, none handed out before its time at `rate` lines a second; None = at once."""
    portion: list[bytes] = []
    size = _PORTION_LINES if rate is None else max(1, min(_PORTION_LINES, int(rate * _PORTION_SECONDS)))
    begun, done = time.monotonic(), 0
    for line in lines:
        portion.append(line)
        if len(portion) == size:
            yield portion
            done += size
            portion = []
            if rate is not None:
                time.sleep(max(0.0, begun + done / rate - time.monotonic()))
    if portion:
        yield portion
