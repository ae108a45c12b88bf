"""producer: the thread that empties the spool into Kafka.

In:   the spool
Out:  session after session (`session`), each begun anew after an error that the client does not mend itself; a
      sentence a minute while Kafka takes nothing
"""

from __future__ import annotations

import logging
import threading
import time

from confluent_kafka import KafkaError, KafkaException

from hamrong.config import Kafka
from hamrong.errors import ServiceError
from ingest.gateway.counters import Counters
from ingest.gateway.delivered import SECONDS
from ingest.gateway.session import Session
from ingest.gateway.spool import Spool

log = logging.getLogger("hamrong.gateway")

RETRY_SECONDS = 2.0
COMPLAINT_SECONDS = 60.0
SILENCE_SECONDS = 10.0


class SpoolProducer:
    """The thread that empties the spool into Kafka, for ever; while Kafka is away it says so once a minute."""

    def __init__(self, kafka: Kafka, gateway: str, spool: Spool, counters: Counters) -> None:
        self._kafka, self._gateway, self._spool, self._counters = kafka, gateway, spool, counters
        self._deadline: float | None = None
        self._complained: float | None = None
        self._in_vain = False
        """The last session could not begin, and the next one has not."""
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Sends what waits for at most so long, and ends the thread. One that asks in vain for Kafka is left to die
        with the process: it has nothing to lose."""
        self._deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < self._deadline + SECONDS and not self._in_vain:
            self._thread.join(0.05)

    def _run(self) -> None:
        while self._deadline is None:
            try:
                session = Session(self._kafka, self._gateway, self._spool, self._counters)
            except (KafkaException, ServiceError) as error:
                self._in_vain = True
                self._complain(error)
                self._spool.wait(RETRY_SECONDS)
                continue
            self._in_vain = False
            try:
                self._work(session)
            finally:
                session.close()
            if session.error and self._deadline is None:
                self._complain(session.error)
                time.sleep(RETRY_SECONDS)

    def _work(self, session: Session) -> None:
        while not session.error:
            busy = session.step()
            now = time.monotonic()
            silent = now - session.heard > SILENCE_SECONDS
            if self._deadline is not None and (not busy or silent or now > self._deadline):
                return
            if silent:
                self._complain(session.trouble or "it acknowledges nothing")
            elif self._complained is not None:
                log.info("Kafka at %s answers", self._kafka.bootstrap_servers)
                self._complained = None

    def _complain(self, error: object) -> None:
        now = time.monotonic()
        if self._complained is not None and now - self._complained < COMPLAINT_SECONDS:
            return
        self._complained = now
        if isinstance(error, KafkaException):
            error = error.args[0]
        why = error.str() if isinstance(error, KafkaError) else str(error)
        log.warning(
            "Kafka at %s takes no lines (%s); they wait in the spool, which holds %.1f MB now; check the broker, "
            "its topics and kafka.bootstrap_servers",
            self._kafka.bootstrap_servers,
            why,
            self._spool.size / 1e6,
        )
