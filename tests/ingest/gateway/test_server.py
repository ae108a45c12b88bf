"""The gateway as a process on real sockets, without Kafka: what is in the spool is what was sent."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hamrong.config import PROJECT
from ingest.gateway.listeners import peer_address
from ingest.gateway.sender import Sender, Target
from ingest.gateway.spool import Entry, Reader, Spool
from tests.ingest.gateway.running import Gateway, gateway

pytestmark = pytest.mark.slow

LINES = [f"<38>Oct 11 22:14:15 web01 sshd[{number}]: Đăng nhập sai từ 192.0.2.7".encode() for number in range(1000)]


def spooled(stopped: Gateway) -> list[Entry]:
    spool = Spool(stopped.folder / "spool", 1 << 30)
    reader = Reader(spool, 0)
    entries = []
    while more := reader.read():
        entries += more
    reader.close()
    spool.close()
    return entries


def messages(stopped: Gateway) -> list[bytes]:
    return [entry.message for entry in spooled(stopped)]


def raw(running: Gateway, *chunks: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.port["tcp"])) as sock:
        for chunk in chunks:
            sock.sendall(chunk)
            time.sleep(0.02)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    extension = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", pem]
    subprocess.run([*command, *extension], check=True, capture_output=True)
    return pem, key


def test_both_framings_and_datagrams(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        ready = running.start()
        ports = running.port
        assert ready == (
            f"listening on tcp 127.0.0.1:{ports['tcp']}, udp 127.0.0.1:{ports['udp']}, "
            f"status 127.0.0.1:{ports['status']}\n"
        )
        for framing in ("octet", "lf"):
            with Sender(Target("tcp", "127.0.0.1", ports["tcp"]), framing=framing) as sender:
                sender.send(LINES)
        with Sender(Target("udp", "127.0.0.1", ports["udp"])) as sender:
            sender.send([*LINES[:100], b"", b"\n", b"x" * 65_507])
        counters = running.until(lambda status: bool(status["listeners"]["udp"]["bytes"] >= 65_507))
        stopped = running.stop()
        assert messages(running) == [*LINES, *LINES, *LINES[:100], b"x" * 65_507]
        assert {entry.peer for entry in spooled(running)} == {b"127.0.0.1"}
    assert counters["listeners"]["tcp"]["received"] == 2000
    assert counters["listeners"]["tcp"]["connections"] == 2
    assert counters["listeners"]["udp"] == stopped["listeners"]["udp"]
    assert stopped["listeners"]["udp"]["received"] == 101
    assert stopped["listeners"]["udp"]["empty"] == 2
    assert stopped["spooled"] == 2101
    assert stopped["acknowledged"] == 0


def test_bad_input_is_counted_and_the_next_line_kept(tmp_path: Path) -> None:
    with gateway(tmp_path, gateway_max_line_bytes=1000) as running:
        running.start()
        raw(running, b"\xff\xfe\0not UTF-8\n\n", b"<13>next\n")
        raw(running, b"<13>" + b"e" * 5000, b"e" * 5000 + b"\n<13>after endless\n")
        raw(running, b"1" * 1_000_000 + b"\n<13>after digits\n")
        raw(running, b"900 <13>short\n<13>after wrong\n")
        raw(running, b"<13>no end")
        status = running.received(9)
        running.stop()
        kept = messages(running)
    tcp = status["listeners"]["tcp"]
    assert sorted(kept) == sorted(
        [
            b"\xff\xfe\0not UTF-8", b"<13>next",
            b"<13>" + b"e" * 996, b"<13>after endless",
            b"1" * 1000, b"<13>after digits",
            b"<13>short", b"<13>after wrong",
            b"<13>no end",
        ]
    )  # fmt: skip
    assert (tcp["received"], tcp["cut"], tcp["bad_frame"], tcp["empty"]) == (9, 2, 1, 1)


def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    pem, key = certificate
    with gateway(tmp_path, gateway_tls_certificate=pem, gateway_tls_key=key) as running:
        running.settings["gateway_tls_port"] = running.port["tls"]
        assert f"tls 127.0.0.1:{running.port['tls']}" in running.start()
        raw_port = socket.create_connection(("127.0.0.1", running.port["tls"]))
        raw_port.sendall(b"<13>no handshake\n")
        raw_port.close()
        with Sender(Target("tls", "localhost", running.port["tls"]), ca_file=str(pem)) as sender:
            sender.send(LINES)
        running.received(len(LINES))
        running.stop()
        assert messages(running) == LINES


def test_a_kill_loses_nothing_that_was_received(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        for _ in range(3):
            running.start()
            with socket.create_connection(("127.0.0.1", running.port["tcp"])) as sock:
                sock.sendall(b"".join(b"%b\n" % line for line in LINES))
                running.received(len(LINES))
                running.kill()
        entries = spooled(running)
    assert [entry.message for entry in entries] == LINES * 3
    assert len({entry.sequence for entry in entries}) == len(entries)


def test_a_full_spool_holds_senders_back_and_drops_datagrams(tmp_path: Path) -> None:
    with gateway(tmp_path, gateway_spool_limit_bytes=1 << 20) as running:
        running.start()
        with socket.create_connection(("127.0.0.1", running.port["tcp"])) as sock:
            sock.settimeout(1.0)
            stream = (b"<13>" + b"x" * 995 + b"\n") * 100_000
            with pytest.raises(TimeoutError):
                sock.sendall(stream)
            with Sender(Target("udp", "127.0.0.1", running.port["udp"])) as sender:
                sender.send(LINES[:7])
            status = running.until(lambda status: bool(status["dropped_udp"] == 7))
            assert status["paused"]
            assert 1 << 20 <= status["spool_bytes"] < 3 << 20
            running.kill()
        assert len(messages(running)) == status["spooled"]
        assert "the spool is full" in running.logged


def test_a_stop_takes_in_what_was_sent(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        running.start()
        with socket.create_connection(("127.0.0.1", running.port["tcp"])) as sock:
            sock.sendall(b"\n".join(LINES))
            counters = running.stop()
        assert messages(running) == LINES
    assert counters["spooled"] == len(LINES)


def test_kafka_away_is_said_once_in_a_sentence(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        running.start()
        raw(running, *[line + b"\n" for line in LINES[:5]])
        running.received(5)
        end = time.monotonic() + 30
        while "takes no lines" not in running.logged and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(3)
        running.stop()
    assert running.logged.count("takes no lines") == 1, running.logged
    assert "Traceback" not in running.logged


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"gateway_host": "198.51.100.1"}, "lacks the address that gateway.host names"),
        ({"gateway_tls_port": 1, "gateway_tls_certificate": "none.pem"}, "gateway.tls_certificate 'none.pem'"),
        ({"gateway_tcp_port": 0, "gateway_udp_port": 0}, "no listener is on"),
        ({"gateway_tcp_port": 99999}, "gateway.tcp_port is 99999"),
        ({"gateway_max_line_bytes": 10}, "write 480 or more"),
        ({"gateway_name": "gw 1"}, "gateway.name is 'gw 1'"),
    ],
)
def test_what_cannot_start_says_so_in_a_sentence(tmp_path: Path, settings: dict[str, object], sentence: str) -> None:
    with gateway(tmp_path, **settings) as running:
        assert running.start() == ""
        assert running.process
        assert running.process.wait(30) == 2
        assert sentence in running.logged
        assert len(running.logged.splitlines()) == 1


@pytest.mark.parametrize(("kind", "name"), [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")])
def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path, kind: socket.SocketKind, name: str) -> None:
    with gateway(tmp_path) as running, socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", running.port[name]))
        if name == "tcp":
            other.listen()
        assert running.start() == ""
        assert running.process
        assert running.process.wait(30) == 2
        port = running.port[name]
        assert running.logged == (
            f"hamrong gateway: {name} port {port} on 127.0.0.1 is in use: stop what listens there or set "
            f"gateway.{name}_port to another port\n"
        )


def test_an_address_reads_the_same_however_it_came() -> None:
    assert peer_address("192.0.2.1") == peer_address("::ffff:192.0.2.1") == b"192.0.2.1"
    assert peer_address("fe80::1%eth0") == b"fe80::1"
    assert peer_address("2001:db8::1") == b"2001:db8::1"


def test_help_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hamrong.cli", "gateway", "--help"], capture_output=True, text=True, cwd=PROJECT
    )
    assert done.returncode == 0
    assert "--tcp-port" in done.stdout
