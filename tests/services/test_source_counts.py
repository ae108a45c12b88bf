"""What each system sent, counted from a real lake into a real OpenSearch, and counted a second way by hand."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from hamrong.config import Config
from ingest.event import FIELDS, nest
from ingest.sources import Register, System
from jobs import maintain
from jobs.sinks import delta
from jobs.source_counts import SLOT, Counter, slot_of
from tests.jobs import micro_batch

pytestmark = pytest.mark.services

NOW = datetime(2026, 3, 10, 4, 3, tzinfo=UTC)
START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
REGISTER = Register(
    (
        System("portal", "Cổng", "Portal", "Văn phòng", "Office", expected_rate=40.0),
        System("lgsp", "Trục", "Bus", "Sở", "Department", asset_level=4),
    )
)


@pytest.fixture
def here(cfg: Config, opensearch_client: OpenSearch) -> Iterator[Config]:
    """An empty lake, and an index of its own that has the template's mapping."""
    name = f"soc-sources-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client)
    delta.create_tables(cfg)
    yield dataclasses.replace(cfg, opensearch=dataclasses.replace(cfg.opensearch, sources_index=name))
    opensearch_client.indices.delete(index=f"{name}-2026.03")


def line(received: datetime, system: str | None = "portal", text: str = "một", **more: Any) -> dict[str, Any]:
    return {"event.ingested": received, "@timestamp": received, "service.name": system, "event.original": text} | {
        "event.kind": "event",
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def commit(cfg: Config, number: int, lines: Sequence[dict[str, Any]]) -> None:
    columns = {name: pa.array([one.get(name) for one in lines], FIELDS[name]) for name in sorted(lines[0])}
    micro_batch.commit(cfg, number, events=nest(pa.RecordBatch.from_pydict(columns)))


def told(client: OpenSearch, cfg: Config) -> dict[tuple[datetime, str], dict[str, Any]]:
    """`soc.source` of every document by slot and system."""
    index = f"{cfg.opensearch.sources_index}-*"
    client.indices.refresh(index=index)
    hits = [hit["_source"] for hit in client.search(index=index, body={"size": 10_000})["hits"]["hits"]]
    found = {(datetime.fromisoformat(hit["@timestamp"]), hit["service"]["name"]): hit["soc"]["source"] for hit in hits}
    assert len(found) == len(hits)
    return found


def test_the_numbers_of_a_slot(here: Config, opensearch_client: OpenSearch) -> None:
    at = START + timedelta(minutes=1)
    commit(
        here,
        0,
        [
            line(at, text="ba"),
            line(at + timedelta(seconds=10), text="é", event__kind="pipeline_error"),
            line(at) | {"@timestamp": at - timedelta(seconds=30)},
            line(at) | {"@timestamp": at - timedelta(hours=2)},
            line(at) | {"@timestamp": at + timedelta(seconds=90)},
            line(at, system=None),
        ],
    )
    Counter(here, REGISTER).tell(opensearch_client, NOW)
    found = told(opensearch_client, here)
    portal = found[START, "portal"]
    assert {name: portal[name] for name in ("events", "bytes", "unparsed", "late", "ahead")} == {
        "events": 5,
        "bytes": len(b"ba") + len("é".encode()) + 3 * len("một".encode()),
        "unparsed": 1,
        "late": 1,
        "ahead": 1,
    }
    assert (portal["delay_seconds"], portal["ahead_seconds"], portal["unparsed_share"]) == (10.0, 90.0, 0.2)
    assert datetime.fromisoformat(portal["last_seen"]) == at + timedelta(seconds=10)
    assert (portal["silent"], portal["expected_rate"]) == (False, 40.0)
    assert found[START, "(không rõ)"]["events"] == 1
    assert found[START, "lgsp"] == {
        "events": 0, "bytes": 0, "unparsed": 0, "silent": True, "expected_rate": 0.0, "asset_level": 4
    }  # fmt: skip
    assert len(found) == 2 * (24 * 12 + 1) + 1, "every system in every five minutes of a day"


def test_told_in_pieces_or_at_once_or_again_it_is_the_same(here: Config, opensearch_client: OpenSearch) -> None:
    counter = Counter(here, REGISTER)
    ends = [START + SLOT * number + timedelta(minutes=2) for number in range(4)]
    for number, end in enumerate(ends):
        # The third line of each is of the slot before: Kafka's partitions are not in step.
        times = (end, end - timedelta(seconds=20), end - SLOT)
        commit(here, number, [line(time) for time in times])
        counter.tell(opensearch_client, end)
    pieces = told(opensearch_client, here)
    assert [pieces[slot_of(end), "portal"]["events"] for end in ends] == [3, 3, 3, 2]
    assert all("landing_seconds" in pieces[slot_of(end), "portal"] for end in ends[1:])
    Counter(here, REGISTER).tell(opensearch_client, ends[-1])
    assert told(opensearch_client, here) == pieces


def test_a_compaction_is_no_news(here: Config, opensearch_client: OpenSearch) -> None:
    counter = Counter(here, REGISTER)
    for number in range(40):
        commit(here, number, [line(START + timedelta(seconds=number))])
    counter.tell(opensearch_client, NOW)
    before = delta.Snapshot(here, "events").files
    assert not [done.problem for done in maintain.maintain(here, NOW + timedelta(days=2)) if done.problem]
    assert len(delta.Snapshot(here, "events").files) < len(before)
    assert counter.tell(opensearch_client, NOW) == 0


def test_a_system_is_silent_after_an_hour(here: Config, opensearch_client: OpenSearch) -> None:
    commit(here, 0, [line(START + timedelta(seconds=1))])
    counter = Counter(here, REGISTER)
    for minutes in range(0, 90, 5):
        counter.tell(opensearch_client, START + timedelta(minutes=minutes, seconds=240))
    found = told(opensearch_client, here)
    silent = [found[START + SLOT * number, "portal"]["silent"] for number in range(18)]
    assert silent == [False] * 12 + [True] * 6


def test_what_opensearch_did_not_take_is_told_the_next_time(
    here: Config, opensearch_client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(here, REGISTER)
    counter.tell(opensearch_client, START)
    commit(here, 0, [line(START + timedelta(seconds=1))])
    with monkeypatch.context() as patched:
        patched.setattr("jobs.source_counts.bulk", _away)
        with pytest.raises(ConnectionError):
            counter.tell(opensearch_client, NOW)
    counter.tell(opensearch_client, NOW)
    assert told(opensearch_client, here)[START, "portal"]["events"] == 1


def test_a_log_that_begins_later_is_counted_anew(here: Config, opensearch_client: OpenSearch) -> None:
    counter = Counter(here, REGISTER)
    counter.tell(opensearch_client, START)
    commit(here, 0, [line(START + timedelta(seconds=1))])
    commit(here, 1, [line(START + timedelta(seconds=2))])
    DeltaTable(delta.uri(here, "events")).create_checkpoint()
    for entry in sorted(Path(delta.uri(here, "events"), "_delta_log").glob("*.json"))[:-1]:
        entry.unlink()
    counter.tell(opensearch_client, NOW)
    assert told(opensearch_client, here)[START, "portal"]["events"] == 2


def _away(*_: Any) -> None:
    raise ConnectionError
