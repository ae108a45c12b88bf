"""beats: lines that say that time goes on when nothing else says it.

In:   Kafka
Out:  a line on `syslog.raw` every `detection.beat_seconds`, of which `road` makes a match of no rule

A correlation that waits (`a and not b`) fires when event time has passed its window, and what matches tells the time.
Where nothing matches, this does. A beat goes the road of every line, behind all that Kafka took before it: while
`detect` is behind, so is the beat, and it makes no line late that waits there.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from hamrong.config import Config
from hamrong.errors import ServiceError
from jobs.canaries import BEAT
from jobs.sinks import kafka

PEER = "hamrong"

log = logging.getLogger(__name__)


def start(cfg: Config, stop: threading.Event) -> threading.Thread:
    """A thread that goes on until `stop` is set."""
    thread = threading.Thread(target=_run, args=(cfg, stop), name="beats", daemon=True)
    thread.start()
    return thread


def send(cfg: Config, now: datetime) -> None:
    """Raises ServiceError when Kafka does not take it."""
    line = f"<46>1 {now.isoformat()} - hamrong - - - time goes on"
    topics = kafka.topics(cfg.kafka.bootstrap_servers)
    topics.send(cfg.kafka.raw_topic, PEER, line.encode(), [("id", BEAT.line_id(0).encode())])
    topics.flush()


def _run(cfg: Config, stop: threading.Event) -> None:
    pause = cfg.detection.beat_seconds
    while not stop.wait(pause):
        try:
            send(cfg, datetime.now(UTC))
            pause = cfg.detection.beat_seconds
        except ServiceError as error:
            log.warning("time stands still where nothing matches: %s", error)
            # The gateway could not send either, and what it kept must not be made late before it has come.
            pause = max(pause, cfg.detection.watermark_seconds)
