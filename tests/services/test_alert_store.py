"""Alerts in the real OpenSearch: whatever the order and however often, the same document."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from triage import store

pytestmark = pytest.mark.services

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SOURCE = Source(id="r1", title="t", level="high", detector="sigma", reason="{count} of {entity}")


@pytest.fixture
def alias(opensearch_client: OpenSearch) -> Iterator[str]:
    name = f"alerts-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=name)
    yield name
    opensearch_client.indices.delete(index=f"{name}-2026.11", ignore=[404])
    opensearch_client.indices.delete_index_template(name=name, ignore=[404])


def alert(count: int, first: int, last: int, samples: int, now: int = 0) -> dict[str, Any]:
    seen = Seen(
        entity_type="source.ip",
        entity_value="203.0.113.5",
        window_start=START,
        window_seconds=3600,
        count=count,
        first_seen=START + timedelta(seconds=first),
        last_seen=START + timedelta(seconds=last),
        samples=[{"event": {"id": str(number)}} for number in range(samples)],
    )
    return document(SOURCE, seen, START + timedelta(seconds=now))


def stored(client: OpenSearch, alias: str) -> dict[str, Any]:
    client.indices.refresh(index=f"{alias}-*")
    hits = client.search(index=alias)["hits"]["hits"]
    assert len(hits) == 1
    return dict(hits[0]["_source"]["soc"]["alert"])


def put(client: OpenSearch, alias: str, *documents: dict[str, Any]) -> None:
    assert [reason for _, reason in store.put(client, documents, alias)] == [None] * len(documents)


def test_every_order_and_every_repetition_ends_in_the_same_alert(opensearch_client: OpenSearch, alias: str) -> None:
    parts = [alert(3, 10, 20, 3), alert(9, 10, 90, 5, now=7), alert(4, 40, 60, 4, now=3)]
    ends = []
    for order in itertools.permutations(parts):
        put(opensearch_client, alias, *order, *order[:2])
        end = stored(opensearch_client, alias)
        ends.append(
            {name: end[name] for name in ("count", "first_seen", "last_seen", "reason")} | {"n": len(end["evidence"])}
        )
        opensearch_client.indices.delete(index=f"{alias}-2026.11")
    assert (
        ends
        == [
            {
                "count": 9,
                "first_seen": "2026-11-24T08:00:10.000Z",
                "last_seen": "2026-11-24T08:01:30.000Z",
                "reason": "9 of 203.0.113.5",
                "n": 5,
            }
        ]
        * 6
    )


def test_what_an_analyst_wrote_outlives_the_stream(opensearch_client: OpenSearch, alias: str) -> None:
    first = alert(1, 0, 0, 1)
    put(opensearch_client, alias, first)
    written = {"status": "acknowledged", "assignee": "lan", "history": [{"who": "lan"}]}
    opensearch_client.update(
        index=f"{alias}-2026.11", id=first["soc"]["alert"]["id"], body={"doc": {"soc": {"alert": written}}}
    )
    put(opensearch_client, alias, alert(5, 0, 9, 1, now=60))
    end = stored(opensearch_client, alias)
    assert {name: end[name] for name in written} == written
    assert end["count"] == 5
    assert end["raised_at"] == first["soc"]["alert"]["raised_at"], "the clock of an alert starts once"


def test_a_document_that_opensearch_refuses_is_given_back_with_the_reason_and_the_rest_is_stored(
    opensearch_client: OpenSearch, alias: str
) -> None:
    broken = alert(1, 0, 0, 1)
    broken["@timestamp"] = "yesterday"
    broken["soc"]["alert"]["id"] = "other"
    answers = list(store.put(opensearch_client, [broken, alert(2, 0, 0, 1)], alias))
    assert answers[0][1] is not None
    assert "@timestamp" in answers[0][1]
    assert answers[1][1] is None
    assert stored(opensearch_client, alias)["count"] == 2


def closed(client: OpenSearch, alias: str, identity: str, at: datetime) -> None:
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {"status": "closed", "verdict": "false_positive", "closed_at": moment}
    client.update(index=f"{alias}-2026.11", id=identity, body={"doc": {"soc": {"alert": values}}}, refresh=True)


def test_a_closed_alert_that_fires_again_stays_and_a_new_one_names_it(
    opensearch_client: OpenSearch, alias: str
) -> None:
    old = alert(2, 0, 10, 1)
    put(opensearch_client, alias, old)
    closed(opensearch_client, alias, old["soc"]["alert"]["id"], START + timedelta(seconds=60))
    for _ in range(2):
        put(opensearch_client, alias, alert(3, 0, 40, 1), alert(9, 0, 90, 1), alert(7, 0, 80, 1))
    opensearch_client.indices.refresh(index=f"{alias}-*")
    hits = opensearch_client.search(index=alias)["hits"]["hits"]
    by_status = {hit["_source"]["soc"]["alert"]["status"]: hit for hit in hits}
    assert len(hits) == 2
    first, second = (by_status[status]["_source"]["soc"]["alert"] for status in ("closed", "open"))
    assert first["count"] == 3, "what came before the closing and was counted late"
    assert second["count"] == 9
    assert second["previous"] == first["id"]
    assert by_status["open"]["_id"] == second["id"] != first["id"]


def test_the_new_one_may_be_closed_and_fire_again(opensearch_client: OpenSearch, alias: str) -> None:
    put(opensearch_client, alias, alert(1, 0, 10, 1))
    for number in range(1, 3):
        opensearch_client.indices.refresh(index=f"{alias}-*")
        hits = opensearch_client.search(index=alias, q="soc.alert.status:open")["hits"]["hits"]
        closed(opensearch_client, alias, hits[0]["_id"], START + timedelta(seconds=60 * number))
        put(opensearch_client, alias, alert(1 + number, 0, 60 * number + 1, 1))
    opensearch_client.indices.refresh(index=f"{alias}-*")
    hits = opensearch_client.search(index=alias)["hits"]["hits"]
    assert sorted(hit["_source"]["soc"]["alert"]["status"] for hit in hits) == ["closed", "closed", "open"]
