"""Two analysts and the stream at one alert, in the real OpenSearch."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from triage import queue, store
from triage.audit import Act, Audit
from triage.desk import ChangedMeanwhileError, Desk, UnknownAlertError
from triage.life import Change, RefusedChangeError

pytestmark = pytest.mark.services

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def alias(opensearch_client: OpenSearch) -> Iterator[str]:
    name = f"alerts-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=name)
    yield name
    opensearch_client.indices.delete(index=f"{name}-2026.11", ignore=[404])
    opensearch_client.indices.delete_index_template(name=name, ignore=[404])


def alert(entity: str, count: int = 1, level: str = "high", service: str = "lgsp") -> dict[str, Any]:
    source = Source(
        id="r1", title="SSH", level=level, detector="sigma", reason="{count} of {entity}", reason_vi="{count} lần sai"
    )
    seen = Seen(
        entity_type="source.ip",
        entity_value=entity,
        window_start=START,
        window_seconds=3600,
        count=count,
        first_seen=START,
        last_seen=START + timedelta(seconds=count),
        samples=[{"event": {"id": "1"}, "service": {"name": service}}],
    )
    return document(source, seen, START)


def raised(client: OpenSearch, alias: str, *documents: dict[str, Any]) -> list[str]:
    for _ in store.put(client, documents, alias):
        pass
    client.indices.refresh(index=f"{alias}-*")
    return [one["soc"]["alert"]["id"] for one in documents]


def test_the_second_of_two_analysts_sees_what_the_first_did(opensearch_client: OpenSearch, alias: str) -> None:
    (identity,) = raised(opensearch_client, alias, alert("203.0.113.5"))
    desk = Desk(opensearch_client, alias)
    seen = desk.read(identity).revision
    desk.change(identity, Change("acknowledge"), "lan", seen)
    with pytest.raises(ChangedMeanwhileError, match="by lan") as refused:
        desk.change(identity, Change("close", "false_positive"), "minh", seen)
    assert [entry["action"] for entry in refused.value.since] == ["acknowledge"]
    assert desk.read(identity).alert["status"] == "acknowledged"


def test_of_many_at_once_one_wins_and_all_the_others_are_told(opensearch_client: OpenSearch, alias: str) -> None:
    (identity,) = raised(opensearch_client, alias, alert("203.0.113.6"))
    desk = Desk(opensearch_client, alias)

    def acknowledge(who: str) -> bool:
        try:
            desk.change(identity, Change("acknowledge"), who, 0)
        except ChangedMeanwhileError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(acknowledge, [f"a{number}" for number in range(8)]))
    assert won.count(True) == 1
    assert desk.read(identity).revision == 1


def test_the_stream_grows_an_alert_while_analysts_work_on_it_and_neither_undoes_the_other(
    opensearch_client: OpenSearch, alias: str
) -> None:
    (identity,) = raised(opensearch_client, alias, alert("203.0.113.7"))
    desk = Desk(opensearch_client, alias)

    def grow() -> None:
        for count in range(2, 40):
            list(store.put(opensearch_client, [alert("203.0.113.7", count)], alias))

    def comment() -> None:
        for revision in range(15):
            desk.change(identity, Change("comment", note=f"{revision}"), "lan", revision)

    with ThreadPoolExecutor(2) as pool:
        for done in (pool.submit(grow), pool.submit(comment)):
            done.result()
    stands = desk.read(identity).alert
    assert stands["count"] == 39
    assert [one["text"] for one in stands["comments"]] == [str(number) for number in range(15)]


def test_what_is_refused_changes_nothing(opensearch_client: OpenSearch, alias: str) -> None:
    (identity,) = raised(opensearch_client, alias, alert("203.0.113.8"))
    desk = Desk(opensearch_client, alias)
    with pytest.raises(RefusedChangeError, match="cannot take 'reopen'"):
        desk.change(identity, Change("reopen"), "lan", 0)
    with pytest.raises(UnknownAlertError, match="no alert has the id 'nothing'"):
        desk.change("nothing", Change("acknowledge"), "lan", 0)
    assert desk.read(identity).revision == 0


def test_the_queue_shows_the_worst_first_and_what_each_view_and_filter_says(
    opensearch_client: OpenSearch, alias: str
) -> None:
    low, high, mine = raised(
        opensearch_client,
        alias,
        alert("203.0.113.1", level="low"),
        alert("203.0.113.2", level="critical", service="portal"),
        alert("203.0.113.3", level="medium"),
    )
    desk = Desk(opensearch_client, alias)
    desk.change(mine, Change("assign", "lan"), "lan", 0)
    desk.change(low, Change("close", "benign_expected"), "lan", 0)

    def ids(who: str = "lan", **wanted: Any) -> list[str]:
        page = queue.read(opensearch_client, alias, queue.Query(**wanted), who)
        return [one["soc"]["alert"]["id"] for one in page.alerts]

    assert ids() == [high, mine]
    assert ids(view="mine") == [mine]
    assert ids(view="mine", who="minh") == []
    assert ids(view="unassigned") == [high]
    assert ids(view="closed") == [low]
    assert set(ids(view="all")) == {low, high, mine}
    assert ids(severity="critical") == ids(service="portal") == [high]
    assert ids(entity="203.0.113.3") == [mine]
    assert ids(text="lan sai") == [high, mine], "found without its marks"
    assert ids(page=10_000) == []


def test_an_act_is_on_record(opensearch_client: OpenSearch) -> None:
    prefix = f"audit-{uuid.uuid4().hex[:8]}"
    act = Act("lan", "alert-view", "203.0.113.9", about={"soc.alert.id": "x"})
    Audit(opensearch_client, prefix).record(act, START)
    opensearch_client.indices.refresh(index=f"{prefix}-*")
    (hit,) = opensearch_client.search(index=f"{prefix}-*")["hits"]["hits"]
    opensearch_client.indices.delete(index=f"{prefix}-2026.11")
    assert hit["_source"]["user.name"] == "lan"
    assert hit["_source"]["event.action"] == "alert-view"
