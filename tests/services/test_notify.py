"""Alerts of the real topic to a real mail server and a real web server, which are away, busy or refuse now and then."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from detectors.alert import Seen, Source, document
from hamrong.config import Config, Secret
from hamrong.stack.ports import any_port
from triage.notify.service import serve

pytestmark = pytest.mark.services

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class Letters:
    """A mail server's memory; `answers` are given first, one a message."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.received: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.answers:
            return self.answers.pop(0)
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Posts:
    """A web server's memory; `answers` are given first, one a request."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.received: list[tuple[dict[str, Any], str]] = []
        self.bodies: list[bytes] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                if status == 200:
                    outer.bodies.append(body)
                    outer.received.append((json.loads(body), self.headers.get("X-Hamrong-Signature", "")))
                    outer.took()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def took(self) -> None:
        """After a message has come and before the answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def road(cfg: Config, kafka_bootstrap: str, opensearch_url: str) -> Config:
    """A topic of the test's own; channels are told apart by it in the ledger through new alert ids."""
    kafka = dataclasses.replace(
        cfg.kafka, bootstrap_servers=kafka_bootstrap, alerts_topic=f"alerts-{uuid.uuid4().hex[:8]}"
    )
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(kafka.alerts_topic, 1, 1)])[kafka.alerts_topic].result(30)
    opensearch = dataclasses.replace(cfg.opensearch, url=opensearch_url)
    return dataclasses.replace(cfg, kafka=kafka, opensearch=opensearch)


def alert(level: str = "critical", entity: str = "") -> dict[str, Any]:
    source = Source("r1", "SSH", level, "sigma", reason="{count} of {entity}", reason_vi="{count} lần từ {entity}")
    seen = Seen("user.name", entity or uuid.uuid4().hex, START, 300, 3, START, START, [])
    return document(source, seen, START)


def publish(cfg: Config, *documents: dict[str, Any]) -> None:
    producer = Producer({"bootstrap.servers": cfg.kafka.bootstrap_servers})
    for one in documents:
        producer.produce(cfg.kafka.alerts_topic, json.dumps(one).encode(), one["soc"]["alert"]["id"])
    assert producer.flush(30) == 0


@contextmanager
def notifying(cfg: Config, **settings: Any) -> Iterator[None]:
    notify = dataclasses.replace(cfg.notify, **{"begin": "earliest", **settings})
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(dataclasses.replace(cfg, notify=notify), stop, lambda _: None))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def until(done: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)


@contextmanager
def mail_server(letters: Letters) -> Iterator[str]:
    port = any_port()
    controller = Controller(letters, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


def test_a_critical_alert_goes_out_once_by_each_channel_however_often_it_grows(road: Config) -> None:
    critical, low = alert(), alert("low")
    publish(road, low, critical, critical, critical)
    letters, posts = Letters("451 busy"), Posts(503, 429)
    with mail_server(letters) as smtp:
        settings = {
            "mail_to": "truc@example.org",
            "smtp_url": smtp,
            "webhook_url": posts.url,
            "webhook_secret": Secret("bí mật"),
        }
        with notifying(road, **settings):
            until(lambda: bool(letters.received and posts.received))
            publish(road, critical)
            time.sleep(2)
        with notifying(road, **settings):
            publish(road, critical)
            time.sleep(4)
    (letter,) = letters.received
    assert letter["Subject"].startswith("[Hàm Rồng] Nghiêm trọng: 3 lần từ")
    assert critical["soc"]["alert"]["entity"]["value"] in letter.get_content()
    ((payload, signature),) = posts.received
    assert payload["alerts"][0]["id"] == critical["soc"]["alert"]["id"]
    digest = hmac.new("bí mật".encode(), posts.bodies[0], hashlib.sha256).hexdigest()
    assert signature == f"sha256={digest}"


def test_a_mail_server_that_is_away_holds_up_no_webhook_and_loses_nothing(road: Config) -> None:
    posts, letters = Posts(), Letters()
    publish(road, alert())
    settings = {"mail_to": "truc@example.org", "webhook_url": posts.url}
    with notifying(road, **settings, smtp_url="smtp://127.0.0.1:9"):
        until(lambda: bool(posts.received))
    with mail_server(letters) as smtp, notifying(road, **settings, smtp_url=smtp):
        until(lambda: bool(letters.received))
    assert len(posts.received) == 1


def test_a_flood_becomes_one_message_that_lists_it(road: Config) -> None:
    posts = Posts()
    flood = [alert() for _ in range(60)]
    publish(road, *flood)
    with notifying(road, webhook_url=posts.url, per_minute=3):
        until(lambda: sum(len(payload["alerts"]) + payload["more"] for payload, _ in posts.received) == 60)
    assert len(posts.received) <= 3


def test_what_a_receiver_refuses_for_good_does_not_stop_the_rest(road: Config) -> None:
    posts = Posts(400)
    one, two = alert(), alert()
    publish(road, one, two)
    with notifying(road, webhook_url=posts.url):
        until(lambda: bool(posts.received))
    assert [payload["alerts"][0]["id"] for payload, _ in posts.received] == [two["soc"]["alert"]["id"]]


def test_a_first_start_begins_now_and_forgets_nothing_from_then_on(road: Config) -> None:
    """Also when it ends before anything came: the next start begins where the first did."""
    posts, old, new = Posts(), alert(), alert()
    publish(road, old)
    group = Consumer({"bootstrap.servers": road.kafka.bootstrap_servers, "group.id": "hamrong-notify-webhook"})

    def noted() -> bool:
        (committed,) = group.committed([TopicPartition(road.kafka.alerts_topic, 0)], timeout=10)
        return bool(committed.offset == 1)

    with notifying(road, webhook_url=posts.url, begin="latest"):
        until(noted)
    group.close()
    publish(road, new)
    with notifying(road, webhook_url=posts.url, begin="latest"):
        until(lambda: bool(posts.received))
        time.sleep(1)
    assert [payload["alerts"][0]["id"] for payload, _ in posts.received] == [new["soc"]["alert"]["id"]]


def test_what_is_no_alert_stops_nothing(road: Config) -> None:
    posts, good, broken = Posts(), alert(), alert()
    del broken["soc"]["alert"]["reason_vi"]
    producer = Producer({"bootstrap.servers": road.kafka.bootstrap_servers})
    for value in (b"", b"\xff", b"7", b'{"soc": 1}', json.dumps(broken).encode()):
        producer.produce(road.kafka.alerts_topic, value)
    assert producer.flush(30) == 0
    publish(road, good)
    with notifying(road, webhook_url=posts.url):
        until(lambda: bool(posts.received))
    assert [payload["alerts"][0]["id"] for payload, _ in posts.received] == [good["soc"]["alert"]["id"]]


class Killing(Posts):
    """Kills who posts to it the first time, when it has all and before it answers."""

    victim: subprocess.Popen[bytes] | None = None

    def took(self) -> None:
        if self.victim is not None:
            self.victim.kill()
            self.victim.wait()
            self.victim = None


def test_a_kill_between_sending_and_noting_it_sends_once_more_and_never_again(road: Config, tmp_path: Path) -> None:
    posts, one = Killing(), alert()
    publish(road, one)
    environment = {
        **os.environ,
        "HAMRONG_KAFKA_BOOTSTRAP_SERVERS": road.kafka.bootstrap_servers,
        "HAMRONG_KAFKA_ALERTS_TOPIC": road.kafka.alerts_topic,
        "HAMRONG_OPENSEARCH_URL": road.opensearch.url,
        "HAMRONG_NOTIFY_WEBHOOK_URL": posts.url,
        "HAMRONG_NOTIFY_BEGIN": "earliest",
    }

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "hamrong.cli", "notify"], env=environment, cwd=tmp_path)

    posts.victim = first = start()
    until(lambda: first.poll() is not None)
    for _ in range(2):
        again = start()
        until(lambda: len(posts.received) == 2, 60)
        time.sleep(3)
        again.terminate()
        assert again.wait(30) == 0
    assert len(posts.received) == 2
    # The same message, so that a receiver may know it.
    assert len({payload["id"] for payload, _ in posts.received}) == 1
