"""own_alerts: what Hàm Rồng says about itself, as alerts.

In:   a quarantined rule; rules whose canaries did not come back
Out:  alert documents (`detectors.alert`) of the detector `hamrong`: one a rule and day, and one a day

Days begin at midnight UTC. An alert that is raised again the same day is the same alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from detectors.alert import Seen, Source, document
from detectors.sigma.rule import Correlation, Rule

DAY_SECONDS = 86_400
NAMED = 10
"""Rules that a text names; there may be hundreds."""

QUARANTINED = "hamrong-rule-quarantined"
LOST = "hamrong-canary-lost"


def quarantined(rule: Rule | Correlation, why: str, version: str, now: datetime) -> dict[str, Any]:
    """`why`: what it did, as `budget.fault` says it; `version` of the rule set."""
    source = Source(
        id=QUARANTINED,
        title="Rule quarantined",
        level="medium",
        detector="hamrong",
        status="stable",
        description="A rule cost more than its budget and is tried no more.",
        reason=(
            f"Rule '{_text(rule.title)}' ({_text(rule.id)}) is quarantined: it {why}. What it looks for goes unseen."
        ),
        reason_vi=(
            f"Luật “{_text(rule.title)}” ({_text(rule.id)}) bị cách ly vì vượt hạn mức chi phí ({why}). "
            "Những gì luật này tìm sẽ không được phát hiện."
        ),
        runbook=(
            f"Sửa luật ({rule.path}) cho rẻ hơn; luật đã sửa được dùng lại ngay. Muốn dùng lại mà không sửa: "
            "hamrong rules release MÃ_LUẬT."
        ),
        ruleset=version,
    )
    return document(source, _seen("rule.id", rule.id, 1, now), now)


def lost(titles: Sequence[str], asked: int, version: str, now: datetime) -> dict[str, Any]:
    """`titles` of the rules whose canaries did not come back, of so many that were sent."""
    named = "; ".join(_text(title) for title in titles[:NAMED])
    more = len(titles) - NAMED
    source = Source(
        id=LOST,
        title="Canaries lost",
        level="high",
        detector="hamrong",
        status="stable",
        description="Lines that must make rules fire were sent along the live road and raised no alert.",
        reason=f"{len(titles)} of {asked} rules did not answer a line that must make them fire: {named}"
        + (f" and {more} more" if more > 0 else ""),
        reason_vi=f"{len(titles)}/{asked} luật không phản hồi dòng nhật ký thử: {named}"
        + (f" và {more} luật khác" if more > 0 else ""),
        runbook="Xem luật nào mất và mất ở khâu nào: hamrong rules canary. Thử lại: hamrong rules canary --send.",
        ruleset=version,
    )
    return document(source, _seen("service.name", "hamrong", len(titles), now), now)


def _seen(entity_type: str, entity: str, count: int, now: datetime) -> Seen:
    start = datetime.fromtimestamp(now.timestamp() // DAY_SECONDS * DAY_SECONDS, UTC)
    return Seen(entity_type, entity, start, DAY_SECONDS, count, now, now, [])


def _text(value: str) -> str:
    """Without braces: a reason is a template."""
    return value.replace("{", "(").replace("}", ")")
