"""Alerts of Hàm Rồng about itself: one a rule and day, in both languages, whatever a rule is called."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from detectors import own_alerts
from detectors.sigma.rule import Rule

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
WHY = "took 12,000 microseconds of 1,000 events; 10,000 are allowed"


def test_a_quarantine_is_one_alert_a_rule_and_day() -> None:
    rule = Rule(id="r", title="Dear {count} rule", path="rules/r.yml")
    alert = own_alerts.quarantined(rule, WHY, "v1", NOW)
    again = own_alerts.quarantined(rule, WHY, "v2", NOW.replace(hour=23, minute=59))
    tomorrow = own_alerts.quarantined(rule, WHY, "v1", NOW.replace(day=25, hour=0, minute=0))
    other = own_alerts.quarantined(Rule(id="s", title="Other"), WHY, "v1", NOW)
    ids = [one["soc"]["alert"]["id"] for one in (alert, again, tomorrow, other)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert alert["soc"]["alert"]["entity"] == {"type": "rule.id", "value": "r"}
    assert (alert["soc"]["alert"]["detector"], alert["soc"]["alert"]["count"]) == ("hamrong", 1)
    reason, reason_vi = alert["soc"]["alert"]["reason"], alert["soc"]["alert"]["reason_vi"]
    assert reason == f"Rule 'Dear (count) rule' (r) is quarantined: it {WHY}. What it looks for goes unseen."
    assert reason_vi.startswith("Luật “Dear (count) rule” (r) bị cách ly")
    assert unicodedata.is_normalized("NFC", reason_vi + alert["soc"]["alert"]["runbook"])


def test_lost_canaries_are_one_alert_a_day_that_names_the_first_ten() -> None:
    few = own_alerts.lost(["a", "b"], 20, "v1", NOW)["soc"]["alert"]
    many = own_alerts.lost([f"rule {number}" for number in range(12)], 20, "v1", NOW)["soc"]["alert"]
    assert few["id"] == many["id"]
    assert (few["count"], many["count"]) == (2, 12)
    assert few["reason"] == "2 of 20 rules did not answer a line that must make them fire: a; b"
    assert many["reason"].endswith("rule 8; rule 9 and 2 more")
    assert many["reason_vi"].startswith("12/20 luật không phản hồi")
    assert many["reason_vi"].endswith("rule 9 và 2 luật khác")
