"""The sender: targets, framings and what it says of receivers that are not there or go away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hamrong.errors import HamrongError, ServiceError
from hamrong.stack.ports import any_port
from ingest.gateway.sender import Sender, Target, paced


@contextmanager
def receiver(read: int | None = None) -> Iterator[tuple[Target, list[bytes]]]:
    """One connection that is read to its end, or left after `read` bytes."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                while data := connection.recv(read or 65536):
                    got.append(data)
                    if read:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield Target("tcp", "127.0.0.1", server.getsockname()[1]), got
        thread.join(10)


@pytest.mark.parametrize(("framing", "stream"), [("octet", b"5 <13>a10 <14>b\nc d "), ("lf", b"<13>a\n<14>b\nc d \n")])
def test_framings(framing: str, stream: bytes) -> None:
    with receiver() as (target, got), Sender(target, framing=framing) as sender:
        sender.send([b"<13>a", b"<14>b\nc d "])
    assert b"".join(got) == stream
    assert (sender.lines, sender.bytes) == (2, 15)


def test_a_datagram_that_is_too_long_is_counted_and_the_next_one_sent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        with Sender(Target("udp", "127.0.0.1", server.getsockname()[1])) as sender:
            sender.send([b"x" * 70_000, b"<13>good"])
        assert server.recv(100) == b"<13>good"
    assert (sender.lines, sender.too_long) == (1, 1)


def test_no_one_listens() -> None:
    with pytest.raises(ServiceError, match=r"tcp://127\.0\.0\.1:\d+ cannot be reached: Connection refused"):
        Sender(Target("tcp", "127.0.0.1", any_port()))


def test_a_receiver_that_goes_away_is_an_error() -> None:
    gone = pytest.raises(ServiceError, match=r"before it had read all|went away")
    with receiver(read=1) as (target, _), gone, Sender(target) as sender:
        sender.send([b"x" * 1_000_000] * 20)


@pytest.mark.parametrize("text", ["tcp://x", "http://x:1", "x:1", "tcp://:1", "tcp://x:99999", "tcp://x:1/path", ""])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(HamrongError, match="write tcp://HOST:PORT"):
        Target.parse(text)


@pytest.mark.parametrize("text", ["tcp://example.org:514", "udp://[2001:db8::1]:514", "tls://192.0.2.1:6514"])
def test_a_target_prints_as_it_is_written(text: str) -> None:
    assert str(Target.parse(text)) == text


def test_pace() -> None:
    numbered = [b"%d" % number for number in range(1000)]
    assert [line for portion in paced(iter(numbered), None) for line in portion] == numbered
    started = time.monotonic()
    assert [line for portion in paced(iter(numbered[:100]), 500) for line in portion] == numbered[:100]
    assert 0.15 < time.monotonic() - started < 2
