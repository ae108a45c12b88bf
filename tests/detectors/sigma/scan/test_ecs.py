"""Events of any names as ECS: what alerts, correlations and people are told of them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import taxonomy
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.scan.ecs import View
from ingest.event import FIELDS, to_documents

VIEW = View(taxonomy.load())


def told(event: dict[str, Any], name: str) -> Any:
    batch, _ = flat_batch([orjson.dumps(event)])
    return VIEW.column(batch, name)[0].as_py()


@pytest.mark.parametrize(
    ("event", "when"),
    [
        ({"@timestamp": "2026-03-05T08:15:02.5+07:00", "UtcTime": "2020-01-01"}, "2026-03-05T01:15:02.500000+00:00"),
        ({"TimeCreated": "2026-03-05 01:15:02.123456 UTC"}, "2026-03-05T01:15:02.123456+00:00"),
        ({"UtcTime": "2026-03-05 01:15:02.5"}, "2026-03-05T01:15:02.500000+00:00"),
        ({"@timestamp": "soon", "SystemTime": "2026-03-05T01:15:02Z"}, "2026-03-05T01:15:02+00:00"),
        ({"@timestamp": "0001-01-01T00:00:00+07:00"}, None),
        ({"@timestamp": 1772673302, "a": 1}, None),
    ],
)
def test_when(event: dict[str, Any], when: str | None) -> None:
    found = told(event, "@timestamp")
    assert (found and found.isoformat()) == when


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [
        ({"Computer": "pc1", "host.name": "pc2"}, "host.name", "pc2"),
        ({"winlog": {"computer_name": "pc1"}}, "host.name", "pc1"),
        ({"Hostname": "pc1"}, "host.name", "pc1"),
        ({"User": "-", "SubjectUserName": "an"}, "user.name", "an"),
        ({"User": ""}, "user.name", None),
        ({"IpAddress": "192.0.2.1"}, "source.ip", "192.0.2.1"),
        ({"SourcePort": "514"}, "source.port", 514),
        ({"SourcePort": "0x10"}, "source.port", None),
        ({"a": 1}, "user.name", None),
    ],
)
def test_who_and_where(event: dict[str, Any], name: str, value: Any) -> None:
    assert told(event, name) == value


def test_a_column_is_filled_row_by_row() -> None:
    batch, _ = flat_batch([orjson.dumps(event) for event in ({"Computer": "a"}, {"host.name": "b"}, {"x": 1})])
    assert VIEW.column(batch, "host.name").to_pylist() == ["a", "b", None]


def test_what_ecs_lacks_stays_under_the_vendor() -> None:
    event = {
        "Computer": "pc1.example.org",
        "CommandLine": "x",
        "IpAddress": "192.0.2.1",
        "tags": ["a", "b"],
        "n": [1, 2],
    }
    (document,) = to_documents(VIEW.events(flat_batch([orjson.dumps(event)])[0]))
    assert document["host.name"] == "pc1.example.org"
    assert document["source.ip"] == document["related.ip"][0] == "192.0.2.1"
    assert document["tags"] == ["a", "b"]
    assert (document["CommandLine"], document["n"]) == ("x", "1, 2")


NAMES = st.sampled_from([*sorted(FIELDS), "Computer", "User", "vendor", "vendor.x", "a.b", "", "@version"])
VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)


@given(st.lists(st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=3), max_size=6), min_size=1, max_size=4))
def test_whatever_an_event_holds_becomes_ecs(events: list[dict[str, Any]]) -> None:
    batch, _ = flat_batch([json.dumps(event).encode() for event in events])
    found = VIEW.events(VIEW.dated(batch))
    assert found.num_rows == len(events)
    assert found.column("event.kind").null_count == 0
    for name, kind in zip(found.schema.names, found.schema.types, strict=True):
        assert kind == FIELDS[name]
