"""The queue of alerts in the real OpenSearch: what it lists and counts, and that it reads no more than it shows."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import SAMPLE_TEXT, Seen, Source, document
from triage import queue, related, rows, store
from triage.desk import Desk
from triage.life import Change, revision
from triage.queue_counts import Counter

pytestmark = pytest.mark.services

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
numbers = itertools.count()


@pytest.fixture
def alias(opensearch_client: OpenSearch) -> Iterator[str]:
    name = f"alerts-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=name)
    yield name
    opensearch_client.indices.delete(index=",".join(opensearch_client.indices.get(index=f"{name}-*")), ignore=[404])
    opensearch_client.indices.delete_index_template(name=name, ignore=[404])


def alert(entity: str = "203.0.113.1", level: str = "medium", **more: Any) -> dict[str, Any]:
    source = Source(
        id=f"r{next(numbers)}",
        title="t",
        level=level,
        detector="sigma",
        reason=more.pop("reason", "{count} of {entity}"),
    )
    sample = {"event": {"original": "x"}, "service": {"name": more.pop("service", "lgsp")}, "source": {"ip": entity}}
    start = more.pop("start", START)
    end = start + timedelta(seconds=more.pop("seconds", 60))
    return document(source, Seen("source.ip", entity, start, 3600, 7, start, end, [sample], extra=more), START)


def put(client: OpenSearch, alias: str, *documents: dict[str, Any]) -> list[str]:
    assert [why for _, why in store.put(client, documents, alias) if why] == []
    client.indices.refresh(index=f"{alias}-*")
    return [one["soc"]["alert"]["id"] for one in documents]


def page(client: OpenSearch, alias: str, **wanted: Any) -> queue.Page:
    return queue.read(client, alias, queue.Query(**wanted), "lan")


def ids(found: queue.Page) -> list[str]:
    return [one["soc"]["alert"]["id"] for one in found.alerts]


def test_a_row_says_what_the_alert_says(opensearch_client: OpenSearch, alias: str) -> None:
    (identity,) = put(opensearch_client, alias, alert())
    desk = Desk(opensearch_client, alias)
    for number, wanted in enumerate((Change("comment", note="a"), Change("comment", note="b"), Change("acknowledge"))):
        # Two entries of one moment are two.
        desk.change(identity, wanted, "lan", number, START)
    stored = desk.read(identity)
    (row,) = page(opensearch_client, alias).alerts
    shown = ("id", "status", "severity", "risk_score", "reason", "reason_vi", "count", "first_seen", "last_seen")
    assert {name: row["soc"]["alert"][name] for name in (*shown, "entity", "assignee")} == {
        name: stored.alert[name] for name in (*shown, "entity", "assignee")
    }
    assert row["service"]["name"] == "lgsp"
    assert revision(row["soc"]["alert"]) == stored.revision == 3
    assert "evidence" not in row["soc"]["alert"]


@pytest.mark.parametrize("letter", ["x", "ễ", "𝒳"])
def test_what_is_too_long_for_a_column_is_shown_whole(opensearch_client: OpenSearch, alias: str, letter: str) -> None:
    entity, reason = letter * SAMPLE_TEXT, letter * 1_900
    long, short = put(
        opensearch_client, alias, alert(entity, "high", reason=reason), alert("203.0.113.2", "low", reason="short")
    )
    found = page(opensearch_client, alias)
    assert ids(found) == [long, short]
    assert [one["soc"]["alert"]["entity"]["value"] for one in found.alerts] == [entity, "203.0.113.2"]
    assert [one["soc"]["alert"]["reason_vi"] for one in found.alerts] == [reason, "short"]
    assert [revision(one["soc"]["alert"]) for one in found.alerts] == [0, 0]


def test_equal_risks_come_by_time_then_by_id_over_all_months(opensearch_client: OpenSearch, alias: str) -> None:
    documents = [
        alert(start=START - timedelta(days=40 * month), seconds=second, level=level)
        for month in range(3)
        for second in (0, 0, 9)
        for level in ("low", "critical")
    ]
    put(opensearch_client, alias, *documents)
    alerts = [one["soc"]["alert"] for one in documents]
    alerts.sort(key=lambda one: one["id"])
    alerts.sort(key=lambda one: (one["risk_score"], one["last_seen"]), reverse=True)
    assert ids(page(opensearch_client, alias)) == [one["id"] for one in alerts]


def test_an_alert_with_an_anomalys_features_lies_in_the_order_too(opensearch_client: OpenSearch, alias: str) -> None:
    features = [{"name": "bytes", "value": 9.0, "median": 1.0, "p99": 3.0, "share": 0.7}] * 3
    documents = [alert(level=level, features=features) for level in ("low", "critical", "high")]
    low, critical, high = put(opensearch_client, alias, *documents)
    assert ids(page(opensearch_client, alias)) == [critical, high, low]
    inner = {"nested": {"path": "soc.alert.features", "query": {"term": {"soc.alert.features.name": "bytes"}}}}
    assert opensearch_client.count(index=alias, body={"query": inner})["count"] == 3


def test_a_search_by_risk_ends_when_the_page_is_full(opensearch_client: OpenSearch, alias: str) -> None:
    index = f"{alias}-2026.11"
    documents = [alert(seconds=second % 3600) for second in range(3 * queue.COUNTED)]
    put(opensearch_client, alias, *documents)
    opensearch_client.indices.forcemerge(index=index, max_num_segments=1)
    opensearch_client.indices.refresh(index=index)
    found = page(opensearch_client, alias)
    assert (found.total, found.more_than) == (queue.COUNTED, True)
    body = {**queue.body(queue.Query(), "lan"), "track_total_hits": False, "profile": True}
    answer = opensearch_client.search(index=alias, body=body)
    (shard,) = answer["profile"]["shards"]
    looked_at = shard["searches"][0]["query"][0]["breakdown"]["next_doc_count"]
    assert looked_at <= queue.PAGE + 1


def test_how_many_there_are_is_known_as_far_as_the_page_needs_it(opensearch_client: OpenSearch, alias: str) -> None:
    put(opensearch_client, alias, *(alert(seconds=number) for number in range(queue.COUNTED + queue.PAGE + 1)))
    last = queue.COUNTED // queue.PAGE
    for number, total, more_than in ((1, queue.COUNTED, True), (last, queue.COUNTED + 1, True)):
        found = page(opensearch_client, alias, page=number)
        assert (found.total, found.more_than, len(found.alerts)) == (total, more_than, queue.PAGE), number
    end = page(opensearch_client, alias, page=last + 2)
    assert (end.total, end.more_than, len(end.alerts)) == (queue.COUNTED + queue.PAGE + 1, False, 1)


def test_counts_are_of_the_view_and_of_the_person(opensearch_client: OpenSearch, alias: str) -> None:
    old = START - timedelta(days=300)
    mine, _, closed, again = put(
        opensearch_client,
        alias,
        alert(level="high", service="portal", due_24h="2026-01-01T00:00:00.000Z"),
        alert(level="low"),
        alert(level="low", start=old, due_24h="2999-01-01T00:00:00.000Z"),
        alert(level="critical", due_24h="2999-01-01T00:00:00.000Z"),
    )
    desk = Desk(opensearch_client, alias)
    desk.change(mine, Change("assign", "lan"), "lan", 0)
    desk.change(closed, Change("close", "duplicate"), "minh", 0)
    desk.change(again, Change("close", "duplicate"), "minh", 0)
    desk.change(again, Change("reopen"), "minh", 1)
    counter = Counter(opensearch_client, alias)
    waiting = counter.count("waiting", "lan")
    assert waiting.severity == {"high": 1, "low": 1, "critical": 1}
    assert waiting.service == {"portal": 1, "lgsp": 2}
    assert waiting.view == {"waiting": 3, "unassigned": 1, "reopened": 1, "overdue": 1, "mine": 1}
    assert counter.count("waiting", "minh").view["mine"] == 1
    assert counter.count("waiting", "nobody").view["mine"] == 0
    assert counter.count("mine", "lan").severity == {"high": 1}
    assert counter.count("mine", "minh").severity == {"critical": 1}
    assert counter.count("closed", "lan").severity == {"low": 1}
    assert counter.count("all", "lan").service == {"portal": 1, "lgsp": 3}


def test_what_is_related_is_read_as_rows(opensearch_client: OpenSearch, alias: str) -> None:
    first, second = put(opensearch_client, alias, alert(), alert(seconds=90))
    near = related.around(opensearch_client, alias, "source.ip", "203.0.113.1", START.isoformat())
    assert [one["soc"]["alert"]["id"] for one in near] == [first, second]
    known = related.known(opensearch_client, alias, "source.ip", "203.0.113.1")
    assert [one["soc"]["alert"]["id"] for one in known.alerts] == [second, first]
    asked = opensearch_client.search(index=alias, body={"query": {"match_all": {}}, **rows.ASKED})
    assert not any("_source" in hit for hit in asked["hits"]["hits"])
