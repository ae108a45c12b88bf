"""life_signs: what `hamrong run` does beside the streams to know that its rules work.

In:   the rules, OpenSearch, Kafka
Out:  `soc-rules` brought up to date every few minutes; canaries now and then, and an alert when some are lost

A round of canaries is judged when the next one is due: by then also a correlation has answered that waits for its
window to close.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from opensearchpy import ConnectionError as Unreachable
from opensearchpy import OpenSearch, OpenSearchException
from opensearchpy.helpers import bulk

from detectors import own_alerts
from detectors.sigma.ruleset import Ruleset
from hamrong import rule_set
from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from ingest.sources import Register
from jobs import loaded, rule_figures
from jobs.canaries import ask
from jobs.canaries.choose import choose
from jobs.rule_costs import rule_document
from jobs.sinks.opensearch import Outlet
from triage.store import client as connect

FIGURES_SECONDS = 300.0

log = logging.getLogger(__name__)


def start(cfg: Config, stop: threading.Event) -> threading.Thread:
    """A thread that goes on until `stop` is set; what fails is logged and tried again when it is next due."""
    thread = threading.Thread(target=_run, args=(cfg, stop), name="life-signs", daemon=True)
    thread.start()
    return thread


def rules(cfg: Config) -> Ruleset:
    """The rules of the files, as the streams run them."""
    written = loaded.written(cfg.detection, rule_set.folders(cfg.detection))
    return Ruleset.of(written, cfg.detection.cache, strict=False)


def send(cfg: Config, ruleset: Ruleset, only: Sequence[str] = ()) -> tuple[ask.Round, dict[str, str]]:
    """Canaries of all rules, or of these ids and names; and why the others, by id, have none."""
    register = Register.load(cfg.detection.sources)
    lateness = timedelta(seconds=cfg.detection.watermark_seconds)
    canaries, without = choose(ruleset, register, datetime.now(UTC), lateness, only)
    return ask.send(cfg, canaries), {one.rule.id: one.why for one in without}


def record(client: OpenSearch, cfg: Config, sent: ask.Round, answers: Sequence[ask.Answer]) -> None:
    """Notes in `soc-rules` what came of the round."""
    index = cfg.opensearch.rules_index
    bulk(
        client,
        (
            {
                "_op_type": "update",
                "_index": index,
                "_id": rule_document(answer.rule),
                "doc": {
                    "rule": {"id": answer.rule, "name": answer.title},
                    "soc": {
                        "rule": {
                            "canary": {
                                "run": sent.run,
                                "sent_at": sent.sent_at.isoformat(),
                                "came_back": answer.came_back,
                                "stage": answer.stage,
                                "why": answer.why,
                            }
                        }
                    },
                },
                "doc_as_upsert": True,
                "retry_on_conflict": 5,
            }
            for answer in answers
        ),
    )


def judge(client: OpenSearch, cfg: Config, sent: ask.Round, version: str) -> list[ask.Answer]:
    """Notes what came of the round; what was lost is logged, and an alert."""
    answers = ask.look(client, cfg, sent)
    record(client, cfg, sent, answers)
    lost = [answer for answer in answers if answer.lost]
    for answer in lost:
        log.warning("the canary of rule %s (%s) did not come back: %s", answer.rule, answer.title, answer.why)
    if lost:
        titles = [answer.title for answer in lost]
        with Outlet(cfg) as outlet:
            outlet.send([own_alerts.lost(titles, len(answers), version, datetime.now(UTC))])
    return answers


def _run(cfg: Config, stop: threading.Event) -> None:
    sent: ask.Round | None = None
    pause = cfg.detection.canary_minutes * 60
    due = time.monotonic() + pause
    while not stop.wait(min(FIGURES_SECONDS, pause or FIGURES_SECONDS)):
        try:
            with asked(cfg) as client:
                rule_figures.refresh(client, cfg, loaded.live(cfg.detection), datetime.now(UTC))
                if pause and time.monotonic() >= due:
                    due = time.monotonic() + pause
                    sent = _round(client, cfg, sent)
        except HamrongError as error:
            log.warning("the rules' figures and canaries wait until the next time: %s", error)


def _round(client: OpenSearch, cfg: Config, sent: ask.Round | None) -> ask.Round:
    """Judges the last round and sends the next."""
    ruleset = rules(cfg)
    if sent:
        judge(client, cfg, sent, ruleset.version)
    ask.forget(client, cfg, datetime.now(UTC))
    following, without = send(cfg, ruleset)
    log.info("canaries of %d rules sent; %d rules have none", len(following.canaries), len(without))
    return following


@contextlib.contextmanager
def asked(cfg: Config) -> Iterator[OpenSearch]:
    """A client. Raises ServiceError when OpenSearch is away or refuses."""
    try:
        with connect(cfg.opensearch) as client:
            yield client
    except Unreachable as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch does not answer; start it: hamrong stack up") from error
    except OpenSearchException as error:
        raise ServiceError(f"{cfg.opensearch.url}: OpenSearch refuses: {error}") from error
