"""ask: canaries out, and what came back.

In:   `Canary`s; the index `soc-canaries`
Out:  their lines on `syslog.raw`; for each canary an `Answer`: it came back, or where it was lost
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opensearchpy import NotFoundError, OpenSearch

from detectors.sigma.correlation.spans import settling
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from jobs.canaries import Name
from jobs.canaries.choose import Canary
from jobs.sinks import kafka

KEPT_DAYS = 7

Document = dict[str, Any]


@dataclass(frozen=True)
class Round:
    """Canaries that were sent together."""

    run: str
    sent_at: datetime
    canaries: tuple[Canary, ...]


@dataclass(frozen=True)
class Answer:
    rule: str
    title: str
    path: str
    came_back: bool
    stage: str = ""
    """Where it was lost: read, parse, match, correlate, index. "" also of one that has time yet."""
    why: str = ""

    @property
    def lost(self) -> bool:
        return bool(self.stage)


def send(cfg: Config, canaries: Iterable[Canary]) -> Round:
    """Puts their lines on the topic of raw lines, as the gateway would. Raises ServiceError when Kafka takes none."""
    sent = Round(secrets.token_hex(8), datetime.now(UTC), tuple(canaries))
    topics = kafka.topics(cfg.kafka.bootstrap_servers)
    for canary in sent.canaries:
        name = Name(sent.run, canary.rule.id)
        for number, line in enumerate(canary.lines):
            topics.send(cfg.kafka.raw_topic, canary.peer, line, [("id", name.line_id(number).encode())])
    topics.flush()
    return sent


def wait(client: OpenSearch, cfg: Config, sent: Round, seconds: float, told: Callable[[int], object]) -> list[Answer]:
    """The answers when all came back that can by now, or after so many seconds; `told` hears how many did so far."""
    end = time.monotonic() + seconds
    while True:
        answers = look(client, cfg, sent)
        told(sum(answer.came_back for answer in answers))
        if time.monotonic() >= end or not any(answer.lost for answer in answers):
            return answers
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))


def look(client: OpenSearch, cfg: Config, sent: Round) -> list[Answer]:
    """What has come of each canary by now, in the round's order."""
    index = cfg.opensearch.canaries_index
    try:
        client.indices.refresh(index=index)
        query = {"size": 10_000, "query": {"term": {"soc.canary.run": sent.run}}}
        hits = client.search(index=index, body=query)["hits"]["hits"]
    except NotFoundError:
        hits = []
    found: dict[str, list[Document]] = {}
    for hit in hits:
        found.setdefault(hit["_source"]["rule"]["id"], []).append(hit["_source"]["soc"]["canary"])
    age = datetime.now(UTC) - sent.sent_at
    return [_answer(canary, found.get(canary.rule.id, []), _patience(canary, cfg) > age) for canary in sent.canaries]


def recorded(client: OpenSearch, cfg: Config, ruleset: Ruleset) -> list[Answer]:
    """What `soc-rules` says of the last canary of each rule of the set, by path."""
    everything: Sequence[Rule | Correlation] = (*ruleset.rules, *ruleset.correlations)
    known = {rule.id: rule for rule in everything}
    query = {"size": 10_000, "query": {"exists": {"field": "soc.rule.canary.run"}}}
    try:
        hits = client.search(index=cfg.opensearch.rules_index, body=query)["hits"]["hits"]
    except NotFoundError:
        hits = []
    found = []
    for hit in hits:
        rule, last = known.get(hit["_source"]["rule"]["id"]), hit["_source"]["soc"]["rule"]["canary"]
        if rule:
            found.append(Answer(rule.id, rule.title, rule.path, last["came_back"], last["stage"], last["why"]))
    return sorted(found, key=lambda answer: (answer.path, answer.rule))


def forget(client: OpenSearch, cfg: Config, now: datetime) -> None:
    """Deletes what is older than KEPT_DAYS."""
    old = {"query": {"range": {"@timestamp": {"lt": (now - timedelta(days=KEPT_DAYS)).isoformat()}}}}
    client.delete_by_query(
        index=cfg.opensearch.canaries_index, body=old, conflicts="proceed", ignore_unavailable=True, refresh=True
    )


def _patience(canary: Canary, cfg: Config) -> timedelta:
    """How long a correlation waits before it fires: until its window has closed by event time, and lateness is over;
    and the longest that it takes until something tells the time."""
    if not isinstance(canary.rule, Correlation) or not (settles := settling(canary.rule)):
        return timedelta(0)
    return timedelta(microseconds=settles, seconds=cfg.detection.watermark_seconds + cfg.detection.beat_seconds)


def _answer(canary: Canary, documents: Sequence[Document], has_time: bool) -> Answer:
    rule = canary.rule
    if any(document["kind"] == "alert" for document in documents):
        return Answer(rule.id, rule.title, rule.path, True)
    stage, why = _lost(canary, [document for document in documents if document["kind"] == "trace"])
    if stage == "correlate" and has_time:
        stage, why = "", "its lines matched; it fires when its window has closed"
    return Answer(rule.id, rule.title, rule.path, False, stage, why)


def _lost(canary: Canary, traces: Sequence[Document]) -> tuple[str, str]:
    """The first station that it did not leave as it should, and what is known of it there."""
    read = sum(trace["lines"] for trace in traces)
    if read < len(canary.lines):
        return "read", f"{read} of {len(canary.lines)} lines were read from Kafka: does hamrong run, and keep up?"
    parsed = sum(trace["parsed"] for trace in traces)
    if parsed < read:
        error = next((trace["error"] for trace in traces if trace["error"]), "")
        return "parse", f"{read - parsed} of {read} lines were not understood: {error}"
    live = traces[-1]
    if live["state"] == "unknown":
        return "match", f"the live rule set ({live['ruleset']}) has no such rule"
    if live["state"] == "quarantined":
        return "match", "the rule is quarantined; see: hamrong rules stats"
    matched = {rule for trace in traces for rule in trace["matched"]}
    wanted = set(canary.rule.rules) if isinstance(canary.rule, Correlation) else {canary.rule.id}
    chained = isinstance(canary.rule, Correlation) and bool(canary.rule.children)
    if not (matched if chained else matched & wanted):
        return "match", f"the live rule set ({live['ruleset']}) does not match its lines"
    if isinstance(canary.rule, Correlation):
        return "correlate", "its lines matched, but the correlation has not fired"
    return "index", "it matched, but no alert came to OpenSearch"
