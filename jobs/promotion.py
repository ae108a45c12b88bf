"""promotion: what speaks for a rule on trial, and what against.

In:   the rule's file and cases, its shadow in OpenSearch, perhaps a backtest
Out:  `Evidence`; nothing is changed
Docs: docs/guide/detection.md, "Promoting a rule"

How long a rule has been on trial is told by what it left behind: the first hour of its costs, or its first alert in the
shadow. A rule that left neither has never been tried on an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch

from detectors.sigma import cases
from detectors.sigma.case_file import beside
from detectors.sigma.check import check
from detectors.sigma.lifecycle import SHADOW
from hamrong import case_lines, rule_set, zone
from hamrong.config import Config
from hamrong.errors import ServiceError
from jobs import life_signs, rule_figures
from jobs.backtest.chosen import Chosen, with_file
from jobs.backtest.contents import Backtest, Span
from jobs.rule_figures import Figure

_ABSENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True)
class Shadow:
    since: datetime | None
    """The first thing that it left behind; None: nothing."""
    by_day: Mapping[str, int]
    """Alerts in the shadow by local day of raising, in the span that was asked for."""
    figure: Figure


@dataclass(frozen=True)
class Evidence:
    rule_id: str
    title: str
    status: str
    path: str
    line: int
    faults: tuple[str, ...]
    """Of its file."""
    doubts: tuple[str, ...]
    cases: int
    failed: tuple[str, ...]
    shadow: Shadow | None
    unknown: str
    """Why nothing is known of the shadow."""
    backtest: Backtest | None

    def obstacles(self, days: float, now: datetime) -> Iterator[tuple[str, bool]]:
        """Why it is not to be promoted, and whether --force sets that aside."""
        if self.status != SHADOW:
            yield f"its status is {self.status}: only what is {SHADOW} is promoted", False
        yield from ((f"its file has a fault: {fault}", False) for fault in self.faults)
        if not self.cases:
            yield "it has no cases", False
        yield from ((f"a case fails: {case}", False) for case in self.failed)
        if self.shadow is None:
            yield f"its time in the shadow is unknown: {self.unknown}", True
        elif self.shadow.since is None:
            yield "it has left nothing in the shadow: no event was ever near it, or it is not running", True
        elif (spent := (now - self.shadow.since).total_seconds() / 86_400) < days:
            yield f"it has been in the shadow for {spent:.1f} days; {days:g} are asked for", True


def evidence(cfg: Config, chosen: Chosen, span: Span, backtest: Backtest | None) -> Evidence:
    rule = chosen.rule
    faults, doubts = _checked(cfg, rule.path)
    verdicts, problems = cases.run(with_file(cfg.detection, chosen, zone.today()), case_lines.parser(cfg.detection))
    # The rules that it counts bring their own cases along; those speak for themselves.
    mine = [verdict for verdict in verdicts if rule.id in verdict.rules]
    faults += [str(problem) for problem in problems if problem.path in (rule.path, beside(rule.path))]
    shadow, unknown = _shadow(cfg, chosen, span)
    return Evidence(
        rule_id=rule.id,
        title=rule.title,
        status=rule.status,
        path=rule.path,
        line=rule.line,
        faults=tuple(faults),
        doubts=tuple(doubts),
        cases=len(mine),
        failed=tuple(
            f"{verdict.case.path}:{verdict.case.line}: {verdict.case.name}" for verdict in mine if not verdict.passed
        ),
        shadow=shadow,
        unknown=unknown,
        backtest=backtest,
    )


def _checked(cfg: Config, path: str) -> tuple[list[str], list[str]]:
    """Faults and doubts of the rule's file, beside the whole set."""
    ruleset = rule_set.load(cfg.detection)
    found = [
        one for one in check(ruleset, rule_set.folders(cfg.detection), cfg.detection.cache) if one.problem.path == path
    ]
    return [str(one) for one in found if one.is_fault], [str(one) for one in found if not one.is_fault]


def _shadow(cfg: Config, chosen: Chosen, span: Span) -> tuple[Shadow | None, str]:
    try:
        with life_signs.asked(cfg) as client:
            figures = rule_figures.read(client, cfg, chosen.ruleset(), span.since)
            figure = next(figure for figure in figures if figure.rule == chosen.id)
            by_day, raised = _alerts(client, cfg, chosen.id, span)
            return Shadow(min(filter(None, [raised, _tried(client, cfg, chosen)]), default=None), by_day, figure), ""
    except ServiceError as error:
        return None, str(error)


def _alerts(client: OpenSearch, cfg: Config, rule: str, span: Span) -> tuple[dict[str, int], datetime | None]:
    """Shadow alerts by day, in the span, and when the first of all was raised."""
    histogram = {"field": "soc.alert.raised_at", "calendar_interval": "day", "time_zone": span.zone, "min_doc_count": 1}
    bounds = {"gte": span.since.isoformat(), "lt": span.until.isoformat()}
    body = {
        "size": 0,
        "query": {"term": {"rule.id": rule}},
        "aggs": {
            "first": {"min": {"field": "soc.alert.raised_at"}},
            "lately": {
                "filter": {"range": {"soc.alert.raised_at": bounds}},
                "aggs": {"days": {"date_histogram": {**histogram, "format": "yyyy-MM-dd"}}},
            },
        },
    }
    answer = client.search(index=cfg.opensearch.shadow_alias, body=body, params=_ABSENT).get("aggregations", {})
    days = answer.get("lately", {}).get("days", {}).get("buckets", [])
    return {day["key_as_string"]: day["doc_count"] for day in days}, _moment(answer)


def _tried(client: OpenSearch, cfg: Config, chosen: Chosen) -> datetime | None:
    """The first hour in which it cost anything; of a correlation, the rules that it counts."""
    body = {
        "size": 0,
        "query": {"terms": {"rule.id": list(chosen.counted)}},
        "aggs": {"first": {"min": {"field": "@timestamp"}}},
    }
    answer = client.search(index=cfg.opensearch.rule_costs_index, body=body, params=_ABSENT)
    return _moment(answer.get("aggregations", {}))


def _moment(answer: Mapping[str, Any]) -> datetime | None:
    value = answer.get("first", {}).get("value")
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)
