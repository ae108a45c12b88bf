"""`hamrong scan --opensearch`: what was imported lies in the real OpenSearch as the stream would have put it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from hamrong import cli

pytestmark = pytest.mark.services

RULE = """
title: Tool
id: tool
level: critical
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: kim}, condition: s}
hamrong: {entity: host.name, reason: "{count} on {host.name}"}
"""
EVENT = {"Channel": "Security", "EventID": 4688, "CommandLine": "kim", "Computer": "pc1.example.org"}


@pytest.fixture
def alias(opensearch_client: OpenSearch) -> Iterator[str]:
    name = f"scan-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=name)
    yield name
    opensearch_client.indices.delete(index=f"{name}-2026.03", ignore=[404])
    opensearch_client.indices.delete_index_template(name=name, ignore=[404])


def test_a_scan_s_alerts_can_be_triaged_and_come_once(
    opensearch_client: OpenSearch, opensearch_url: str, alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", opensearch_url)
    monkeypatch.setenv("HAMRONG_OPENSEARCH_ALERTS_ALIAS", alias)
    (tmp_path / "r.yml").write_text(RULE)
    times = ("2026-03-05T01:10:00Z", "2026-03-05T01:50:00Z", "2026-03-05T02:10:00Z")
    events = tmp_path / "events.ndjson"
    events.write_text("\n".join(json.dumps(EVENT | {"TimeCreated": at}) for at in times))
    args = ["scan", str(events), "--rules", str(tmp_path / "r.yml"), "--opensearch", "--cache", str(tmp_path / "c")]
    assert cli.main(args) == 0
    first = stored(opensearch_client, alias)
    assert [(one["count"], one["window_start"], one["reason"], one["status"]) for one in first] == [
        (2, "2026-03-05T01:00:00.000Z", "2 on pc1.example.org", "open"),
        (1, "2026-03-05T02:00:00.000Z", "1 on pc1.example.org", "open"),
    ]
    assert cli.main(args) == 0
    assert stored(opensearch_client, alias) == first


def test_an_opensearch_that_is_away_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", "http://127.0.0.1:1")
    (tmp_path / "r.yml").write_text(RULE)
    (tmp_path / "e.ndjson").write_text(json.dumps(EVENT))
    assert cli.main(["scan", str(tmp_path / "e.ndjson"), "--rules", str(tmp_path / "r.yml"), "--opensearch"]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert "OpenSearch does not answer at http://127.0.0.1:1" in out.err


def stored(client: OpenSearch, alias: str) -> list[dict[str, object]]:
    client.indices.refresh(index=f"{alias}-*")
    hits = client.search(index=alias, sort="@timestamp")["hits"]["hits"]
    return [hit["_source"]["soc"]["alert"] for hit in hits]
