"""rules_page: every rule with what it brings: alerts, false positives, last fired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from detectors.alert import SEVERITIES
from triage import rule_counts
from triage.web.office import of
from triage.web.render import page

DAYS = 30


def show(request: Request) -> Response:
    office = of(request)
    who = office.person(request)
    # A whole hour, so that OpenSearch may answer as it did a moment ago.
    since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    counts = rule_counts.read(office.client, office.alias, since)
    silent = rule_counts.Counted()
    rules = [
        (rule, counts.get(rule.id, silent))
        for rule in (*office.ruleset.rules, *office.ruleset.correlations)
        if rule.generate
    ]
    rules.sort(key=lambda one: (-one[1].alerts, -SEVERITIES.index(one[0].level), one[0].title))
    return page(
        request,
        "rules.html",
        who,
        rules=rules,
        days=DAYS,
        version=office.ruleset.version,
    )
