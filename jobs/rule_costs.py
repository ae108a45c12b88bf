"""rule_costs: what the rules of this worker have taken, told now and then; and which rules are quarantined.

In:   the rule set of this Python process and its account (`detectors.sigma.budget`)
Out:  documents in `soc-rule-costs`, one for each rule, hour and worker; a quarantine in `soc-rules`, with an alert

Every worker judges by what it has seen itself. The first that finds a rule over its budget writes it down, with the
rule's content; the others hear of it when they next tell their costs, and so does every worker that is born later. The
quarantine ends when the rule's content changes or `hamrong rules release` ends it.

Promise: a document holds sums and is set, never added to, so that telling again changes nothing. A worker that ends
takes with it what it has not told: at most `detection.rule_costs_seconds` of figures, never a quarantine. OpenSearch
being away stops no line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from opensearchpy import NotFoundError, OpenSearch, OpenSearchException
from opensearchpy.helpers import bulk

from detectors import own_alerts
from detectors.sigma.budget import Spent
from detectors.sigma.content import content
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from jobs.sinks.opensearch import Outlet
from triage import store

PATIENCE_SECONDS = 5.0
"""How long OpenSearch may take for an answer: lines wait meanwhile."""

log = logging.getLogger(__name__)


class Teller:
    """The account of one rule set in one process. Costs are told by the hour in which they are told."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._worker = uuid.uuid4().hex
        self._due = 0.0
        self._hour = datetime.min.replace(tzinfo=UTC)
        self._told = self._before = (0, dict[str, Spent]())
        """Events and costs by rule, as they were when last told, and when the hour began."""
        self._quarantined: set[str] = set()
        """Rules whose quarantine stands in `soc-rules`."""

    def tell(self, cfg: Config, outlet: Outlet) -> bool:
        """At the end of a task. True when a rule was released that this rule set has put aside: load it anew."""
        fresh = self._ruleset.suspended.keys() - self._quarantined
        if not fresh and time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + cfg.detection.rule_costs_seconds
        now = datetime.now(UTC)
        try:
            with asked(cfg) as client:
                for rule in sorted(fresh):
                    self._quarantine(client, cfg, outlet, rule, now)
                bulk(client, self._documents(cfg, now))
                return self._obey(client, cfg)
        except OpenSearchException as error:
            log.warning("what the rules cost is not told to OpenSearch: %.500s", error)
            return False

    def _documents(self, cfg: Config, now: datetime) -> Iterator[dict[str, Any]]:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._before = hour, self._told
        events, spent = self._told = self._ruleset.ledger.events, self._ruleset.spent()
        earlier_events, earlier = self._before
        if events > earlier_events:
            yield self._document(cfg, "", {"events": events - earlier_events})
        for rule, sums in spent.items():
            since = Spent(*(new - old for new, old in zip(sums, earlier.get(rule, Spent()), strict=True)))
            if any(since):
                yield self._document(cfg, rule, since._asdict())

    def _document(self, cfg: Config, rule: str, cost: dict[str, int]) -> dict[str, Any]:
        identity = f"{rule} {self._hour.isoformat()} {self._worker}"
        return {
            "_index": cfg.opensearch.rule_costs_index,
            "_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
            "_source": {
                "@timestamp": self._hour.isoformat(),
                **({"rule": {"id": rule}} if rule else {}),
                "soc": {"cost": {"worker": self._worker, **cost}},
            },
        }

    def _quarantine(self, client: OpenSearch, cfg: Config, outlet: Outlet, rule: str, now: datetime) -> None:
        """Writes it down, then raises the alert: done again after a failure, both stay as they are."""
        why = self._ruleset.suspended[rule]
        [known] = (one for one in self._ruleset.rules if one.id == rule)
        written = {"content": content(self._ruleset, rule), "reason": why, "at": now.isoformat()}
        document = {"rule": {"id": rule, "name": known.title}, "soc": {"rule": {"quarantine": written}}}
        client.update(
            index=cfg.opensearch.rules_index,
            id=rule_document(rule),
            body={"doc": document, "doc_as_upsert": True},
            refresh=True,
            retry_on_conflict=5,
        )
        outlet.send([own_alerts.quarantined(known, why, self._ruleset.version, now)])
        self._quarantined.add(rule)

    def _obey(self, client: OpenSearch, cfg: Config) -> bool:
        """Puts aside what others have quarantined."""
        known = {rule.id for rule in self._ruleset.rules}
        listed = quarantines(client, cfg)
        for rule, quarantine in listed.items():
            if rule in known and rule not in self._ruleset.suspended:
                if quarantine["content"] != content(self._ruleset, rule):
                    continue
                self._ruleset.suspend(rule, quarantine["reason"])
                log.warning("rule %s is quarantined: it %s", rule, quarantine["reason"])
            self._quarantined.add(rule)
        return bool(self._ruleset.suspended.keys() - listed.keys())


@lru_cache(maxsize=1)
def teller(ruleset: Ruleset) -> Teller:
    """This process's teller for the rule set that it has now."""
    return Teller(ruleset)


def rule_document(rule: str) -> str:
    """The `_id` of a rule's document in `soc-rules`: its own id may be longer than an `_id`."""
    return hashlib.sha256(rule.encode()).hexdigest()[:32]


def quarantines(client: OpenSearch, cfg: Config) -> dict[str, dict[str, str]]:
    """content, reason and at of every quarantine, by rule id."""
    query = {"size": 10_000, "query": {"exists": {"field": "soc.rule.quarantine.content"}}}
    try:
        hits = client.search(index=cfg.opensearch.rules_index, body=query)["hits"]["hits"]
    except NotFoundError:
        return {}
    return {hit["_source"]["rule"]["id"]: hit["_source"]["soc"]["rule"]["quarantine"] for hit in hits}


def release(client: OpenSearch, cfg: Config, rule: str) -> bool:
    """Ends a rule's quarantine; False when there was none."""
    if rule not in quarantines(client, cfg):
        return False
    client.update(
        index=cfg.opensearch.rules_index,
        id=rule_document(rule),
        body={"doc": {"soc": {"rule": {"quarantine": None}}}},
        refresh=True,
        retry_on_conflict=5,
    )
    return True


@contextlib.contextmanager
def asked(cfg: Config) -> Iterator[OpenSearch]:
    """A client for those who cannot wait long."""
    with store.client(dataclasses.replace(cfg.opensearch, timeout_seconds=PATIENCE_SECONDS)) as client:
        yield client
