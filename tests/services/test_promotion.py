"""A rule on trial is promoted on what a real OpenSearch holds of its time in the shadow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from hamrong.cli import main
from tests.hamrong.test_promote import CASES, RULE
from triage import store

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

RULE_ID = "22222222-1111-4111-8111-111111111111"
NOW = datetime.now(UTC)


def shadow_alert(address: str, raised: datetime) -> dict[str, Any]:
    source = Source(RULE_ID, "A log-in that failed", "low", "sigma", "experimental")
    seen = Seen("source.ip", address, raised.replace(minute=0, second=0, microsecond=0), 3600, 3, raised, raised, ())
    return document(source, seen, raised)


def test_the_shadow_speaks_for_a_rule(
    tmp_path: Path,
    opensearch_url: str,
    opensearch_client: OpenSearch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "rules" / "ssh_refused.yml"
    file.parent.mkdir()
    text = RULE.replace("id: 11111111", "id: 22222222")
    file.write_text(text, encoding="utf-8")
    file.with_name("ssh_refused.cases.jsonl").write_text(CASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(file.parent))
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", opensearch_url)
    monkeypatch.setenv("HAMRONG_OPENSEARCH_SHADOW_ALIAS", "promotion-shadow")
    monkeypatch.setenv("HAMRONG_OPENSEARCH_RULE_COSTS_INDEX", "promotion-costs")
    install_templates(opensearch_client, alias="promotion-shadow")

    assert main(["rules", "promote", "on_trial"]) == 1
    assert "it has left nothing in the shadow" in capsys.readouterr().out

    raised = [NOW - timedelta(days=3), NOW - timedelta(days=3, minutes=1), NOW - timedelta(days=1)]
    alerts = [shadow_alert(f"192.0.2.{number}", at) for number, at in enumerate(raised)]
    assert [refused for _, refused in store.put(opensearch_client, alerts, "promotion-shadow")] == [None] * 3
    opensearch_client.indices.refresh(index="promotion-shadow*")
    assert main(["rules", "promote", "on_trial", "--yes"]) == 1
    told = capsys.readouterr().out
    assert "3 alerts on 2 days" in told
    assert "it has been in the shadow for 3.0 days; 7 are asked for" in told
    assert file.read_text(encoding="utf-8") == text

    cost = {"worker": "w", "events": 1000, "nanoseconds": 5_000_000, "decided": 40, "matches": 20, "left_out": 0}
    tried = {"@timestamp": (NOW - timedelta(days=9)).isoformat(), "rule": {"id": RULE_ID}, "soc": {"cost": cost}}
    opensearch_client.indices.create(index="promotion-costs", body=COSTS)
    opensearch_client.index(index="promotion-costs", body=tried, refresh=True)
    assert main(["rules", "promote", "on_trial"]) == 0
    told = capsys.readouterr().out
    assert "shadow: for 9.0 days" in told
    assert "cost of 1,000 events: 5000.00 microseconds, 40.00 decisions, 20.00 matches" in told
    assert main(["rules", "promote", "on_trial", "--yes"]) == 0
    assert file.read_text(encoding="utf-8") == text.replace("status: experimental", "status: test")


COSTS = {
    "mappings": {"properties": {"@timestamp": {"type": "date"}, "rule": {"properties": {"id": {"type": "keyword"}}}}}
}
