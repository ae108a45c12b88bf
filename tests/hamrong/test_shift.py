"""The demo's analysts leave something of every kind for the boards, and most of the queue as it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hamrong.demo import shift
from triage.life import change

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def test_a_third_is_handled_in_every_way() -> None:
    identities = [f"{number:032x}" for number in range(23)]
    planned = list(shift.plan(reversed(identities)))
    assert [identity for identity, _, _ in planned] == identities[::3]
    assert {who for _, who, _ in planned} == set(shift.ANALYSTS)
    handled = []
    for _, who, changes in planned:
        alert: dict[str, Any] = {"status": "open", "raised_at": "2026-03-01T01:00:00.000Z"}
        for step in changes:
            alert |= change(alert, step, who, NOW)
        assert alert["assignee"] == who
        handled.append((alert["status"], alert.get("verdict")))
    assert set(handled) == {
        ("acknowledged", None),
        ("closed", "true_positive"),
        ("closed", "false_positive"),
        ("closed", "benign_expected"),
    }
