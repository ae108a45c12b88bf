"""gateway: what it costs to bring a line from TCP into Kafka, and which Kafka client does its half cheaper.

In:   a Kafka broker (`--bootstrap`); two topics are made and deleted
Out:  lines a second and CPU microseconds a line, the gateway's and each client's; the clients' ratio

    python -m bench.gateway --bootstrap 127.0.0.1:9092 [--lines 300000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hamrong import config
from hamrong.stack import kafka
from hamrong.stack.ports import any_port
from ingest.gateway.sender import Sender, Target
from ingest.gateway.session import CLIENT

LINE = "<38>Oct 11 22:14:15 web01 sshd[%d]: Failed password for invalid user admin from 192.0.2.%d port %d ssh2"
PORTION = 1000
Send = Callable[[str, str, list[bytes]], None]


def confluent(bootstrap: str, topic: str, lines: list[bytes]) -> None:
    from confluent_kafka import Producer

    producer = Producer({**CLIENT, "bootstrap.servers": bootstrap})
    left = len(lines)

    def acknowledged(error: Any, _message: Any) -> None:
        nonlocal left
        assert error is None
        left -= 1

    for number, line in enumerate(lines):
        headers: list[tuple[str, Any]] = [("id", b"gw1-%d" % number)]
        while True:
            try:
                producer.produce(topic, line, b"192.0.2.1", on_delivery=acknowledged, timestamp=1, headers=headers)
                break
            except BufferError:
                producer.poll(0.1)
        if number % PORTION == 0:
            producer.poll(0)
    producer.flush()
    assert left == 0


def kafka_python(bootstrap: str, topic: str, lines: list[bytes]) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=10, batch_size=512 << 10
    )
    left = len(lines)

    def acknowledged(_metadata: Any) -> None:
        nonlocal left
        left -= 1

    for number, line in enumerate(lines):
        headers = [("id", b"gw1-%d" % number)]
        sent = producer.send(topic, value=line, key=b"192.0.2.1", timestamp_ms=1, headers=headers)
        sent.add_callback(acknowledged)
    producer.flush()
    producer.close()
    assert left == 0


def through_gateway(bootstrap: str, topic: str, lines: list[bytes]) -> None:
    """One TCP sender with octet counting, until Kafka has acknowledged the last line."""
    ports = {name: any_port() for name in ("tcp", "status")}
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "HAMRONG_GATEWAY_SPOOL": folder,
            "HAMRONG_GATEWAY_TCP_PORT": str(ports["tcp"]),
            "HAMRONG_GATEWAY_UDP_PORT": "0",
            "HAMRONG_GATEWAY_STATUS_PORT": str(ports["status"]),
            "HAMRONG_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "HAMRONG_KAFKA_RAW_TOPIC": topic,
        }
        command = [sys.executable, "-m", "hamrong.cli", "gateway"]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        try:
            started = time.monotonic()
            with Sender(Target("tcp", "127.0.0.1", ports["tcp"])) as sender:
                for first in range(0, len(lines), PORTION):
                    sender.send(lines[first : first + PORTION])
            while _acknowledged(ports["status"]) < len(lines):
                time.sleep(0.02)
            seconds = time.monotonic() - started
            ticks = sum(map(int, Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").split()[13:15]))
            print_row("gateway, TCP to acknowledged", len(lines), seconds, ticks / os.sysconf("SC_CLK_TCK"))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _acknowledged(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        return int(json.load(answer)["acknowledged"])


def print_row(name: str, lines: int, seconds: float, cpu_seconds: float) -> float:
    cost = cpu_seconds / lines * 1e6
    print(
        f"{name:34} {lines / seconds:10,.0f} lines/s {cost:8.1f} CPU us/line {lines / cpu_seconds:10,.0f} lines/core s"
    )
    return cost


def measure(name: str, send: Send, bootstrap: str, topic: str, lines: list[bytes]) -> float:
    """CPU microseconds a line of this process, the client's threads included."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    send(bootstrap, topic, lines)
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return print_row(name, len(lines), seconds, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--lines", type=int, default=300_000)
    args = parser.parse_args()
    lines = [(LINE % (number, number % 250, number)).encode() for number in range(args.lines)]
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    kafka.create_topics(args.bootstrap, config.Kafka(raw_topic=topic, dead_topic=f"{topic}-dead"))
    try:
        through_gateway(args.bootstrap, topic, lines)
        ours = measure("confluent-kafka alone", confluent, args.bootstrap, topic, lines)
        theirs = measure("kafka-python alone", kafka_python, args.bootstrap, topic, lines[: args.lines // 5])
        print(f"kafka-python / confluent-kafka: {theirs / ours:.1f} times the CPU a line")
    finally:
        from kafka import KafkaAdminClient

        with KafkaAdminClient(bootstrap_servers=args.bootstrap) as client:
            client.delete_topics([topic, f"{topic}-dead"])


if __name__ == "__main__":
    main()
