"""rule_figures: what each rule costs and what came of it, in one place.

In:   `soc-rule-costs`, the alerts and their verdicts
Out:  a `Figure` for each rule and correlation; the same as documents of `soc-rules`, for dashboards
Docs: docs/reference/sigma.md, Budgets

Costs are of 1,000 events of any kind that the workers read. A rate of false positives is the share of alerts judged
false positives among those judged at all; a duplicate says nothing of its rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from detectors.sigma.content import content
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from jobs.rule_costs import quarantines, release, rule_document
from triage import rule_counts
from triage.rule_counts import MOST, Counted

KEPT_DAYS = 35
"""How long hourly costs are kept."""
STALE_DAYS = 1
"""A document of `soc-rules` that was not written for so long is of a rule that is no more."""

_ABSENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True)
class Figure:
    rule: str
    title: str
    level: str
    status: str
    path: str
    microseconds: float
    """Of processor time, for 1,000 events; as are the next three."""
    decided: float
    """How often its condition was decided: once for all events of a batch that say the same to it."""
    matches: float
    left_out: float
    """Matches over the budget, of which nothing was kept."""
    alerts: int
    false_positives: int
    judged: int
    last_fired: str
    """ISO 8601; "" = never, as far as alerts are kept."""
    quarantine: str
    """What it did to be tried no more; "" = it is tried."""
    late: int = 0
    """Matches that a correlation did not count, since they came too late."""
    forgotten: int = 0
    """The same, since one group had too many."""

    @property
    def false_positive_rate(self) -> float | None:
        return self.false_positives / self.judged if self.judged else None


def read(client: OpenSearch, cfg: Config, ruleset: Ruleset, since: datetime) -> list[Figure]:
    """The dearest first. Alerts count that were raised since then, and costs from the start of its hour."""
    events, costs = _costs(client, cfg, since)
    # On trial or not.
    alerts = rule_counts.read(client, f"{cfg.opensearch.alerts_alias},{cfg.opensearch.shadow_alias}", since)
    listed = _valid(quarantines(client, cfg), ruleset)
    everything: Sequence[Rule | Correlation] = (*ruleset.rules, *ruleset.correlations)
    silent = Counted()
    figures = [
        _figure(rule, costs.get(rule.id, {}), events, alerts.get(rule.id, silent), listed) for rule in everything
    ]
    return sorted(figures, key=lambda figure: (-figure.microseconds, -figure.matches, figure.rule))


def refresh(client: OpenSearch, cfg: Config, ruleset: Ruleset, now: datetime) -> None:
    """Writes `soc-rules`: figures of the last seven days. A quarantine of what a rule no longer is ends."""
    since = now - timedelta(days=7)
    figures = read(client, cfg, ruleset, since)
    bulk(client, _updates(cfg, figures, since, now))
    listed = quarantines(client, cfg)
    for rule in listed.keys() - _valid(listed, ruleset).keys():
        release(client, cfg, rule)
    for index, days in ((cfg.opensearch.rules_index, STALE_DAYS), (cfg.opensearch.rule_costs_index, KEPT_DAYS)):
        old = {"query": {"range": {"@timestamp": {"lt": (now - timedelta(days=days)).isoformat()}}}}
        client.delete_by_query(index=index, body=old, conflicts="proceed", ignore_unavailable=True)


def _updates(cfg: Config, figures: Iterable[Figure], since: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    for figure in figures:
        written = asdict(figure)
        rule = {
            "id": written.pop("rule"),
            "name": written.pop("title"),
            "level": written.pop("level"),
            "status": written.pop("status"),
        }
        # The quarantine itself is what the workers wrote.
        del written["quarantine"], written["path"]
        written |= {
            "false_positive_rate": figure.false_positive_rate,
            "last_fired": figure.last_fired or None,
            "since": since.isoformat(),
        }
        yield {
            "_op_type": "update",
            "_index": cfg.opensearch.rules_index,
            "_id": rule_document(figure.rule),
            "doc": {"@timestamp": now.isoformat(), "rule": rule, "soc": {"rule": written}},
            "doc_as_upsert": True,
            "retry_on_conflict": 5,
        }


def _valid(listed: Mapping[str, Mapping[str, str]], ruleset: Ruleset) -> dict[str, str]:
    """Reasons of the quarantines that hold for the rules as they are now, by id."""
    known = {rule.id for rule in ruleset.rules}
    return {
        rule: quarantine["reason"]
        for rule, quarantine in listed.items()
        if rule in known and quarantine["content"] == content(ruleset, rule)
    }


def _figure(
    rule: Rule | Correlation,
    cost: Mapping[str, float],
    events: float,
    counted: Counted,
    quarantined: Mapping[str, str],
) -> Figure:
    share = 1_000 / max(events, 1)
    return Figure(
        rule=rule.id,
        title=rule.title,
        level=rule.level,
        status=rule.status,
        path=rule.path,
        microseconds=cost.get("nanoseconds", 0) / 1_000 * share,
        decided=cost.get("decided", 0) * share,
        matches=cost.get("matches", 0) * share,
        left_out=cost.get("left_out", 0) * share,
        alerts=counted.alerts,
        false_positives=counted.false_positives,
        judged=counted.judged,
        last_fired=counted.last_fired,
        quarantine=quarantined.get(rule.id, ""),
        late=round(cost.get("late", 0)),
        forgotten=round(cost.get("forgotten", 0)),
    )


def _costs(client: OpenSearch, cfg: Config, since: datetime) -> tuple[float, dict[str, dict[str, float]]]:
    """How many events were read, and each rule's sums."""
    names = ("nanoseconds", "decided", "matches", "left_out", "late", "forgotten")
    sums = {name: {"sum": {"field": f"soc.cost.{name}"}} for name in names}
    hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    body = {
        "size": 0,
        "query": {"range": {"@timestamp": {"gte": hour.isoformat()}}},
        "aggs": {
            "events": {"sum": {"field": "soc.cost.events"}},
            "rules": {"terms": {"field": "rule.id", "size": MOST}, "aggs": sums},
        },
    }
    answer = client.search(index=cfg.opensearch.rule_costs_index, body=body, params=_ABSENT).get("aggregations", {})
    buckets = answer.get("rules", {}).get("buckets", [])
    return answer.get("events", {}).get("value", 0), {
        bucket["key"]: {name: bucket[name]["value"] for name in sums} for bucket in buckets
    }
