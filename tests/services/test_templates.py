"""The index templates and the boards' searches on a real OpenSearch."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opensearchpy import OpenSearch, RequestError

from dashboards import loader
from dashboards.loader import install_templates
from dashboards.mapping import fields, template
from detectors.alert import Seen, Source, document, index_name
from hamrong.errors import ServiceError

pytestmark = pytest.mark.services

NOW = datetime.now(UTC)
WINDOW = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)


@pytest.fixture
def alias(opensearch_client: OpenSearch) -> Iterator[str]:
    """A name of its own for each test; what was made under it is gone afterwards."""
    name = f"alerts{uuid.uuid4().hex[:8]}"
    yield name
    opensearch_client.indices.delete(index=index_name(name, WINDOW), ignore=404)
    opensearch_client.indices.delete_index_template(name=name, ignore=404)


def alert(entity: str = "203.0.113.5", **extra: Any) -> dict[str, Any]:
    sample = {
        "@timestamp": WINDOW,
        "event": {"category": ["authentication"], "original": "Failed password", "outcome": "failure"},
        "source": {"ip": entity, "port": 4711},
        "host": {"name": "lgsp-01"},
        "user": {"name": "quản_trị"},
        "service": {"name": "lgsp"},
        "organization": {"name": "Sở Khoa học và Công nghệ"},
        "related": {"ip": [entity], "user": ["quản_trị"], "hosts": ["lgsp-01"]},
    }
    source = Source(
        id="b1",
        title="Dò mật khẩu",
        level="high",
        detector="correlation",
        tags=("attack.credential-access", "attack.t1110.001"),
        reason="{count} failed log-ins from {entity}",
        reason_vi="{count} lần đăng nhập sai từ {entity}",
    )
    seen = Seen("source.ip", entity, WINDOW, 300, 12, WINDOW, NOW, [sample], asset_level=4, extra=extra)
    return document(source, seen, NOW - timedelta(hours=25))


def put(client: OpenSearch, alias: str, content: dict[str, Any]) -> dict[str, Any]:
    """The document as OpenSearch gives it back by a search under the alias."""
    identity = content["soc"]["alert"]["id"]
    client.index(index=index_name(alias, WINDOW), id=identity, body=content, refresh=True)
    answer = client.search(index=alias, body={"query": {"ids": {"values": [identity]}}})
    found: dict[str, Any] = answer["hits"]["hits"][0]
    return found


def count(client: OpenSearch, alias: str, query: dict[str, Any]) -> int:
    return int(client.count(index=alias, body={"query": query})["count"])


def mapping(client: OpenSearch, alias: str) -> dict[str, Any]:
    (index,) = client.indices.get_mapping(index=f"{alias}-*").values()
    found: dict[str, Any] = index["mappings"]
    return found


def test_install_twice_changes_nothing(opensearch_client: OpenSearch, alias: str) -> None:
    assert install_templates(opensearch_client, alias=alias)[alias] == "created"
    assert install_templates(opensearch_client, alias=alias)[alias] == "unchanged"


def test_replicas_that_were_chosen_stay(opensearch_client: OpenSearch, alias: str) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    assert install_templates(opensearch_client, replicas=1, alias=alias)[alias] == "updated"
    assert install_templates(opensearch_client, alias=alias)[alias] == "unchanged"
    (settings,) = opensearch_client.indices.get_settings(index=f"{alias}-*").values()
    assert settings["settings"]["index"]["number_of_replicas"] == "1"


def test_a_later_version_teaches_the_indices_that_stand(
    opensearch_client: OpenSearch, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    later = template("soc-alerts")
    later["version"] += 1
    later["template"]["mappings"]["properties"]["later"] = {"type": "keyword"}
    with monkeypatch.context() as patched:
        patched.setattr(loader, "template", lambda name: later if name == "soc-alerts" else template(name))
        assert install_templates(opensearch_client, alias=alias)[alias] == "updated"
    assert mapping(opensearch_client, alias)["properties"]["later"] == {"type": "keyword"}
    assert install_templates(opensearch_client, alias=alias)[alias] == "newer"


def test_an_alert_is_found_under_the_alias_by_every_field_it_fills(opensearch_client: OpenSearch, alias: str) -> None:
    install_templates(opensearch_client, alias=alias)
    assert put(opensearch_client, alias, alert(score=0.71))["_source"]["soc"]["alert"]["status"] == "open"
    for name, value in {
        "event.kind": "signal",
        "rule.id": "b1",
        "threat.tactic.id": "TA0006",
        "threat.tactic.name": "Credential Access",
        "threat.technique.id": "T1110",
        "threat.technique.name": "Brute Force",
        "threat.technique.subtechnique.id": "T1110.001",
        "threat.technique.subtechnique.name": "Password Guessing",
        "related.ip": "203.0.113.0/24",
        "related.user": "quản_trị",
        "source.ip": "203.0.113.5",
        "soc.alert.severity": "high",
        "soc.alert.severity_rank": 3,
        "soc.alert.entity.value": "203.0.113.5",
        "soc.alert.score": 0.71,
    }.items():
        assert count(opensearch_client, alias, {"term": {name: value}}) == 1, name
    assert count(opensearch_client, alias, {"range": {"soc.alert.due_24h": {"lt": "now"}}}) == 1


@pytest.mark.parametrize("words", ["đăng nhập sai", "dang nhap sai", "ĐĂNG NHẬP SAI"])
def test_vietnamese_is_found_with_and_without_marks(opensearch_client: OpenSearch, alias: str, words: str) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    assert count(opensearch_client, alias, {"match_phrase": {"soc.alert.reason_vi": words}}) == 1


def test_nobody_writes_by_the_alias(opensearch_client: OpenSearch, alias: str) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    with pytest.raises(RequestError, match="no write index"):
        opensearch_client.index(index=alias, body=alert())


def test_no_source_can_blow_up_the_mapping(opensearch_client: OpenSearch, alias: str) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    before = mapping(opensearch_client, alias)
    hostile = alert(entity="198.51.100.7")
    hostile |= {f"field{number}": {"deep": {"deeper": number}} for number in range(2000)}
    hostile["soc"]["alert"]["made_up"] = "x"
    hostile["soc"]["alert"]["evidence"] = [
        "no object",
        {"x": {"y": ["1", {"z": 2}]}},
        {"x": "a text where an object was"},
    ]
    found = put(opensearch_client, alias, hostile)
    assert mapping(opensearch_client, alias) == before
    assert found["_source"]["soc"]["alert"]["evidence"] == hostile["soc"]["alert"]["evidence"]
    assert count(opensearch_client, alias, {"exists": {"field": "soc.alert.made_up"}}) == 0


def test_a_value_that_does_not_fit_its_field_is_left_out_and_the_alert_kept(
    opensearch_client: OpenSearch, alias: str
) -> None:
    install_templates(opensearch_client, alias=alias)
    content = alert(entity="no address")
    content["url"] = {"original": "/" + "Ạ" * 100_000, "path": "/"}
    content["related"]["user"] = ["ngắn", "dài" * 50_000]
    found = put(opensearch_client, alias, content)
    assert set(found["_ignored"]) == {"source.ip", "related.ip"}
    assert count(opensearch_client, alias, {"exists": {"field": "url.original"}}) == 0
    assert count(opensearch_client, alias, {"term": {"related.user": "ngắn"}}) == 1


def test_a_refusal_says_the_innermost_cause(
    opensearch_client: OpenSearch, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = template("soc-alerts")
    broken["template"]["mappings"]["properties"]["message"]["analyzer"] = "nowhere"
    monkeypatch.setattr(loader, "template", lambda name: broken if name == "soc-alerts" else template(name))
    with pytest.raises(ServiceError, match=r"analyzer \[nowhere\]"):
        install_templates(opensearch_client, alias=alias)


@pytest.mark.parametrize(("field", "value"), [("count", "many"), ("last_seen", "yesterday"), ("risk_score", 10**6)])
def test_a_value_of_our_own_of_the_wrong_type_is_refused(
    opensearch_client: OpenSearch, alias: str, field: str, value: Any
) -> None:
    install_templates(opensearch_client, alias=alias)
    with pytest.raises(RequestError, match=field):
        put(opensearch_client, alias, alert(**{field: value}))


def test_what_the_template_promises_is_what_the_index_has(opensearch_client: OpenSearch, alias: str) -> None:
    install_templates(opensearch_client, alias=alias)
    put(opensearch_client, alias, alert())
    answer = opensearch_client.field_caps(index=alias, fields="*")["fields"]
    for field in fields(template("soc-alerts")).values():
        (capability,) = answer[field.name].values()
        got = (capability["type"], capability["searchable"], capability["aggregatable"])
        assert got == (field.type, field.indexed, field.stored_in_columns), field.name
