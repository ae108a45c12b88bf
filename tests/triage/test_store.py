"""What is written where OpenSearch has no room, no right or no time: nothing is lost, and nothing is mixed up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy import Connection, OpenSearch, TransportError

from detectors.alert import Seen, Source, document
from triage import store

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
TAKEN = {"status": 200, "get": {"_source": {"soc": {"alert": {"status": "open"}}}}}
FULL = {"status": 429, "error": {"type": "rejected_execution_exception"}}
BROKEN = {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no date"}}


def alert(address: str) -> dict[str, Any]:
    source = Source("r", "t", "high", "sigma")
    return document(source, Seen("source.ip", address, START, 3600, 1, START, START, []), START)


def client(answer: Callable[[str, int], dict[str, Any]], told: list[list[str]]) -> OpenSearch:
    """An OpenSearch that answers `answer(id, number of the request)` for each document."""

    class Scripted(Connection):
        def perform_request(  # type: ignore[override]
            self, method: str, url: str, params: Any = None, body: bytes | str = b"", *_: Any, **__: Any
        ) -> tuple[int, dict[str, str], str]:
            lines = (body.decode() if isinstance(body, bytes) else body).splitlines()
            ids = [json.loads(line)["update"]["_id"] for line in lines[::2]]
            told.append(ids)
            items = [{"update": {"_id": one, **answer(one, len(told))}} for one in ids]
            return 200, {"content-type": "application/json"}, json.dumps({"items": items})

    return OpenSearch("http://127.0.0.1:1", connection_class=Scripted)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensearchpy.helpers.actions.time.sleep", lambda _: None)


def test_each_answer_is_its_document_s_though_one_had_to_be_asked_again() -> None:
    alerts = [alert(f"192.0.2.{number}") for number in range(3)]
    ids = [one["soc"]["alert"]["id"] for one in alerts]

    def answer(one: str, request: int) -> dict[str, Any]:
        if one == ids[0]:
            return FULL if request < 3 else TAKEN
        return BROKEN if one == ids[1] else TAKEN

    told: list[list[str]] = []
    found = {made["soc"]["alert"]["id"]: why for made, why in store.put(client(answer, told), alerts, "a")}
    assert told == [ids, ids[:1], ids[:1]]
    assert (found[ids[0]], found[ids[2]]) == (None, None)
    assert "no date" in str(found[ids[1]])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "rejected_execution_exception"),
        (403, "cluster_block_exception"),
        (409, "version_conflict_engine_exception"),
        (400, "validation_exception"),
        (503, "unavailable_shards_exception"),
    ],
)
def test_what_is_not_the_document_s_fault_is_no_refusal(status: int, kind: str) -> None:
    with pytest.raises(TransportError) as raised:
        list(store.put(client(lambda *_: {"status": status, "error": {"type": kind}}, []), [alert("192.0.2.1")], "a"))
    assert raised.value.status_code == status


def test_no_request_is_larger_than_a_small_heap_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK_BYTES", 20_000)
    alerts = [alert(f"192.0.2.{number}") for number in range(50)]
    told: list[list[str]] = []
    assert [why for _, why in store.put(client(lambda *_: TAKEN, told), alerts, "a")] == [None] * 50
    assert sum(map(len, told)) == 50
    assert max(map(len, told)) < 20
