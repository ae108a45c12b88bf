"""service: the alerts of the topic, by every channel, as long as the process runs.

In:   Kafka `soc.alerts`
Out:  messages; the offset of what is done
Docs: Kafka consumer groups

Each channel is a consumer group of its own: a mail server that is away holds up no webhook, and what waits for it waits
in Kafka. More alerts in a minute than `notify.per_minute` become one message that lists them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as Received
from opensearchpy import OpenSearchException

from detectors.alert import SEVERITIES
from hamrong.config import Config
from hamrong.errors import HamrongError
from triage import store
from triage.notify.channels import Channel, RefusedError, TryAgainError, configured
from triage.notify.ledger import Ledger
from triage.notify.message import Message, Writer

Got = TypeVar("Got")
log = logging.getLogger(__name__)

BATCH = 500
PATIENCE_SECONDS = (1.0, 60.0)
"""First and longest pause before another try."""
SAID_AGAIN_SECONDS = 600.0
"""A fault that lasts is said so often: who looks at the log of the last hour sees it."""
DAY_MILLISECONDS = 86_400_000
KAFKA_SECONDS = 15.0


class Pace:
    """So many messages in any minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._times: list[float] = []

    def free(self) -> int:
        """Messages that may go out now."""
        since = self._clock() - 60
        self._times = [moment for moment in self._times if moment > since]
        return self._most - len(self._times)

    def took(self) -> None:
        self._times.append(self._clock())


class Notifier:
    """One channel's road; `run` until `stop` is set."""

    def __init__(self, cfg: Config, channel: Channel, stop: threading.Event) -> None:
        self._cfg, self._channel, self._stop = cfg, channel, stop
        self._client = store.client(cfg.opensearch)
        self._ledger = Ledger(self._client, channel.name)
        self._writer = Writer(cfg.notify.pages_url, cfg.notify.templates)
        self._pace = Pace(cfg.notify.per_minute)
        self._least = SEVERITIES.index(cfg.notify.severity)

    def run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._cfg.kafka.bootstrap_servers,
                "group.id": f"hamrong-notify-{self._channel.name}",
                "enable.auto.commit": False,
                "auto.offset.reset": self._cfg.notify.begin,
                # As long as a receiver may be away. A process that died is noticed by its heartbeat all the same: its
                # successor waits so long.
                "max.poll.interval.ms": DAY_MILLISECONDS,
                "session.timeout.ms": 10_000,
                "log_level": 0,
            }
        )
        consumer.subscribe([self._cfg.kafka.alerts_topic], on_assign=self._begin)
        try:
            while not self._stop.is_set():
                # What is an error tells that the broker or the topic is away; the client goes on by itself.
                received = [one for one in consumer.consume(BATCH, timeout=1.0) if not one.error()]
                alerts = [alert for one in received if (alert := self._readable(one)) is not None]
                if self._handle(alerts) and received:
                    self._commit(consumer)
        finally:
            consumer.close()
            self._client.close()

    def _begin(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Notes where the very first start begins: what was raised before is not news, what is raised from now on is,
        also when the process ends before anything came."""
        try:
            known = consumer.committed(partitions, timeout=KAFKA_SECONDS)
            new = [one for one in known if one.offset < 0]
            for one in new:
                first, last = consumer.get_watermark_offsets(one, timeout=KAFKA_SECONDS)
                one.offset = last if self._cfg.notify.begin == "latest" else first
            if new:
                consumer.commit(offsets=new, asynchronous=False)
        except KafkaException as error:
            log.warning("%s: Kafka does not say where to begin: %s", self._channel.name, error)
            known = partitions
        consumer.assign(known)

    def _commit(self, consumer: Consumer) -> None:
        try:
            consumer.commit(asynchronous=False)
        except KafkaException as error:
            # They come again, and the ledger knows them.
            log.warning("%s: Kafka does not take what is done: %s", self._channel.name, error)

    def _handle(self, alerts: Sequence[dict[str, Any]]) -> bool:
        """False when it was stopped before all were sent."""
        fresh: dict[str, dict[str, Any]] = {}
        for document in alerts:
            alert = document["soc"]["alert"]
            known = alert["severity_rank"] < self._least or alert["id"] in fresh
            if not known and self._again(self._ledger.claim, alert["id"]):
                fresh[alert["id"]] = document
        while fresh and not self._pace.free() and not self._stop.wait(0.5):
            pass
        one_by_one = len(fresh) <= self._pace.free()
        for part in [[document] for document in fresh.values()] if one_by_one else [list(fresh.values())]:
            why_not = self._again(self._send, self._writer.write(part))
            if why_not is None:
                return False
            self._pace.took()
            for document in part:
                self._again(self._ledger.sent, document["soc"]["alert"]["id"], why_not)
        return not self._stop.is_set()

    def _send(self, message: Message) -> str:
        """Why the receiver will never take it; "" when it did."""
        try:
            self._channel.send(message)
        except RefusedError as error:
            log.error("%s: %s", self._channel.name, error)
            return str(error)
        return ""

    def _again(self, act: Callable[..., Got], *values: object) -> Got | None:
        """What `act` gives, tried until it does; None when it was stopped first."""
        pause, told, said_at = PATIENCE_SECONDS[0], "", 0.0
        while not self._stop.is_set():
            try:
                return act(*values)
            except (TryAgainError, OpenSearchException) as error:
                kind, now = type(error).__name__, time.monotonic()
                if kind != told or now - said_at > SAID_AGAIN_SECONDS:
                    log.warning("%s: %s; trying again", self._channel.name, error)
                    told, said_at = kind, now
                self._stop.wait(pause)
                pause = min(pause * 2, PATIENCE_SECONDS[1])
        return None

    def _readable(self, received: Received) -> dict[str, Any] | None:
        """The document; None for what is no alert, which would be none at the next try either."""
        try:
            document: dict[str, Any] = orjson.loads(received.value() or b"")
            rank = document["soc"]["alert"]["severity_rank"]
            if int(rank) >= self._least:
                self._writer.write([document])
        except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
            log.error("a message of the alerts' topic is no alert: offset %s: %r", received.offset(), error)
            return None
        return document


def serve(cfg: Config, stop: threading.Event, started: Callable[[str], None]) -> None:
    """Until `stop` is set. Raises HamrongError when nothing is configured."""
    if cfg.notify.severity not in SEVERITIES:
        raise HamrongError(f"notify.severity is '{cfg.notify.severity}'; write one of {', '.join(SEVERITIES)}")
    if cfg.notify.per_minute < 1:
        raise HamrongError(f"notify.per_minute is {cfg.notify.per_minute}; write 1 or more")
    if cfg.notify.begin not in ("latest", "earliest"):
        raise HamrongError(f"notify.begin is '{cfg.notify.begin}'; write latest or earliest")
    channels = configured(cfg.notify)
    if not channels:
        raise HamrongError("nobody is to be told; set notify.webhook_url, or notify.mail_to and notify.smtp_url")
    notifiers = [Notifier(cfg, channel, stop) for channel in channels]
    started(", ".join(channel.name for channel in channels))
    with ThreadPoolExecutor(len(channels)) as pool:
        running = [pool.submit(notifier.run) for notifier in notifiers]
        # One that fails ends all, so that whoever keeps the process up hears of it.
        wait(running, return_when=FIRST_EXCEPTION)
        stop.set()
    for one in running:
        one.result()
