"""What lies in the real OpenSearch, and what is left after it has been kept long enough."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document, index_name
from hamrong.cli import main
from hamrong.config import Config
from jobs import index_retention
from jobs.index_retention import keep
from triage import store
from triage.audit import Act, Audit

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def settings(
    cfg: Config, opensearch_client: OpenSearch, opensearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Config]:
    name = f"kept-{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(index_retention, "AUDIT", f"{name}-audit")
    mine = dataclasses.replace(
        cfg.opensearch,
        url=opensearch_url,
        alerts_alias=name,
        shadow_alias=f"shadow-{name}",
        sources_index=f"{name}-sources",
    )
    install_templates(opensearch_client, alias=name)
    yield dataclasses.replace(cfg, opensearch=mine)
    for index in opensearch_client.indices.get(index=f"{name}-*", allow_no_indices=True):
        opensearch_client.indices.delete(index=index)
    opensearch_client.indices.delete_index_template(name=name, ignore=[404])


def put(client: OpenSearch, alias: str, months: int, level: int, status: str = "closed") -> str:
    """An alert of the last day of a month before NOW."""
    at = datetime(2026 - (months > 10), (NOW.month - months - 1) % 12 + 1, 28, tzinfo=UTC)
    source = Source(id="r1", title="SSH", level="high", detector="sigma")
    seen = Seen("source.ip", f"192.0.2.{months}{level}", at, 3600, 1, at, at, [], asset_level=level)
    made: dict[str, Any] = document(source, seen, at)
    made["soc"]["alert"]["status"] = status
    client.index(index=index_name(alias, at), id=made["soc"]["alert"]["id"], body=made, refresh=True)
    return str(made["soc"]["alert"]["id"])


def left(client: OpenSearch, alias: str) -> set[str]:
    client.indices.refresh(index=f"{alias}-*")
    return {hit["_id"] for hit in client.search(index=alias, body={"size": 100})["hits"]["hits"]}


def test_an_alert_is_kept_by_the_level_of_its_system(opensearch_client: OpenSearch, settings: Config) -> None:
    alias = settings.opensearch.alerts_alias
    for months, level in ((2, 1), (2, 2), (4, 3), (7, 4), (13, 5)):
        put(opensearch_client, alias, months, level)
    kept = {put(opensearch_client, alias, months, level) for months, level in ((1, 2), (3, 3), (6, 4), (12, 5))}
    told = keep(settings, NOW)[0]
    assert left(opensearch_client, alias) == kept
    assert told.alerts_deleted == 5
    assert told.indices_dropped == (f"{alias}-2025.10",)


def test_what_is_not_closed_stays_however_old(opensearch_client: OpenSearch, settings: Config) -> None:
    alias = settings.opensearch.alerts_alias
    open_ones = {put(opensearch_client, alias, 13, 5, status) for status in ("open",)}
    open_ones |= {put(opensearch_client, alias, 13, 2, "reopened"), put(opensearch_client, alias, 7, 1, "acknowledged")}
    put(opensearch_client, alias, 13, 4)
    told = keep(settings, NOW)[0]
    assert left(opensearch_client, alias) == open_ones
    assert (told.alerts_deleted, told.indices_dropped) == (1, ())


def test_a_second_time_changes_nothing_and_0_keeps_for_ever(opensearch_client: OpenSearch, settings: Config) -> None:
    alias = settings.opensearch.alerts_alias
    put(opensearch_client, alias, 13, 2)
    for_ever = {put(opensearch_client, alias, 13, 5)}
    settings = dataclasses.replace(settings, opensearch=dataclasses.replace(settings.opensearch, keep_months_level_5=0))
    keep(settings, NOW)
    assert left(opensearch_client, alias) == for_ever
    assert not any(kept.alerts_deleted or kept.indices_dropped for kept in keep(settings, NOW))


def test_the_audit_and_the_sources_go_month_by_month(opensearch_client: OpenSearch, settings: Config) -> None:
    audit = f"{settings.opensearch.alerts_alias}-audit"
    for year, month in ((2024, 10), (2024, 11)):
        Audit(opensearch_client, audit).record(Act("an", "look", "192.0.2.1"), datetime(year, month, 3, tzinfo=UTC))
    sources = settings.opensearch.sources_index
    for name in (f"{sources}-2025.10", f"{sources}-2025.11", f"{sources}-old-2020.01"):
        opensearch_client.index(index=name, body={})
    *_, of_sources, of_audit = keep(settings, NOW)
    assert of_audit.indices_dropped == (f"{audit}-2024.10",)
    assert of_sources.indices_dropped == (f"{sources}-2025.10",)


def test_an_analyst_may_search_by_sigmas_names(opensearch_client: OpenSearch, settings: Config) -> None:
    at, alias = NOW, settings.opensearch.alerts_alias
    sample = {
        "source": {"ip": "192.0.2.7"},
        "user": {"name": "an"},
        "host": {"name": "web-1"},
        "url": {"original": "/a?q=1", "path": "/a", "query": "q=1"},
    }
    made = document(Source("r1", "SSH", "high", "sigma"), Seen("x", "y", at, 60, 1, at, at, [sample]), at)
    opensearch_client.index(index=index_name(alias, at), body=made, refresh=True)
    for name, value in {
        "src_ip": "192.0.2.0/24",
        "User": "an",
        "Computer": "web-1",
        "cs-uri-query": "q=1",
        "RuleName": "SSH",
    }.items():
        assert opensearch_client.count(index=alias, body={"query": {"term": {name: value}}})["count"] == 1, name


def test_the_command_says_what_it_did(
    settings: Config,
    opensearch_client: OpenSearch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("url", "alerts_alias", "shadow_alias", "sources_index"):
        monkeypatch.setenv(f"HAMRONG_OPENSEARCH_{name}".upper(), getattr(settings.opensearch, name))
    alias = settings.opensearch.alerts_alias
    index = opensearch_client.index(index=f"{alias}-2020.01", body={"soc.alert.status": "closed"}, refresh=True)[
        "_index"
    ]
    assert main(["maintain", "--indices"]) == 0
    assert f"{alias}: indices dropped: {index}; alerts deleted: 1" in capsys.readouterr().out


def test_a_refused_alert_is_told_and_the_others_are_kept(opensearch_client: OpenSearch, settings: Config) -> None:
    alias = settings.opensearch.alerts_alias
    made = []
    for number, count in enumerate((1, "many", 3)):
        seen = Seen("source.ip", f"192.0.2.{number}", NOW, 60, 1, NOW, NOW, [])
        made.append(document(Source("r1", "SSH", "high", "sigma"), seen, NOW))
        made[-1]["soc"]["alert"]["risk_score"] = count
    refusals = [refused for _, refused in store.put(opensearch_client, made, alias)]
    assert refusals[0] is refusals[2] is None
    assert "risk_score" in str(refusals[1])
    assert len(left(opensearch_client, alias)) == 2
