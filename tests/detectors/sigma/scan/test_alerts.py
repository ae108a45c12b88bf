"""Alerts of a scan: the same as the stream's, however the lines are cut."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from detectors.grouping import attribute
from detectors.raised import documents
from detectors.sigma.raw_lines import block_batch, raw_batch
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.scan.inputs import Input, Kind
from detectors.sigma.scan.matching import place, row_of, to_batch
from detectors.sigma.scan.output import Match
from detectors.sigma.scan.run import Options, Scan
from ingest.parse import parse
from ingest.sources import Register

RULES = """
title: Failed
id: failed
level: medium
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login, event.outcome: failure}, condition: s}
hamrong: {entity: source.ip, window: 1h, reason: "{count} of {source.ip}"}
---
title: Brute force
id: brute
level: high
correlation:
    {type: event_count, rules: [failed], group-by: [source.ip], timespan: 1m, condition: {gte: 3}, generate: true}
---
title: Tool
id: tool
level: critical
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: kim}, condition: s}
hamrong: {entity: user.name}
"""
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
TEXT = "<38>Mar  5 {:02}:{:02}:{:02} h sshd[1]: Failed password for an from {} port {} ssh2"
LINES = [
    TEXT.format(9 + number // 40, number % 60, number % 7, f"203.0.113.{number % 3}", number).encode()
    for number in range(80)
]


class Nowhere:
    def write(self, match: Match) -> None: ...

    def close(self) -> None: ...


def alerts(
    ruleset: Ruleset, tmp_path: Any, content: bytes, kind: Kind, faults: list[str] | None = None
) -> list[dict[str, Any]]:
    path = tmp_path / "events"
    path.write_bytes(content)
    register = Register()
    readers = {Kind.LOG: lambda block: (parse(block_batch(block, NOW), register), []), Kind.NDJSON: to_batch}
    told: list[str] = [] if faults is None else faults
    scan = Scan(ruleset, Options(readers, kind, workers=2, alerts=True), Nowhere(), told.append, told.append)
    for _ in scan.run([Input(str(path), named=True, size=len(content))]):
        pass
    assert faults is not None or not told
    return documents(scan.alerts(), ruleset, register.asset_level, NOW)


@pytest.mark.parametrize("size", [1 << 20, 700])
def test_lines_give_the_ids_counts_and_times_of_the_stream(
    load: Callable[..., Ruleset], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("detectors.sigma.scan.run.piece_bytes", lambda *_: size)
    ruleset = load(RULES)
    events = parse(raw_batch(LINES, 0, NOW), Register())
    wanted: dict[str, list[datetime]] = {}
    times = events.column("@timestamp").to_pylist()
    for at, its in zip(times, attribute(events, ruleset.match(events), ruleset.rules).to_pylist(), strict=True):
        for match in its:
            wanted.setdefault(match["alert_id"], []).append(at)
    found = alerts(ruleset, tmp_path, b"\n".join(LINES), Kind.LOG)
    plain = {one["soc"]["alert"]["id"]: one["soc"]["alert"] for one in found if one["rule"]["id"] == "failed"}
    assert {name: (alert["count"], alert["first_seen"], alert["last_seen"]) for name, alert in plain.items()} == {
        name: (len(its), _iso(min(its)), _iso(max(its))) for name, its in wanted.items()
    }
    brute = [one["soc"]["alert"] for one in found if one["rule"]["id"] == "brute"]
    assert {alert["entity"]["value"] for alert in brute} <= {f"203.0.113.{number}" for number in range(3)}
    for alert in plain.values():
        assert alert["reason"] == f"{alert['count']} of {alert['entity']['value']}"
        assert [sample["@timestamp"] for sample in alert["evidence"]] == sorted(
            sample["@timestamp"] for sample in alert["evidence"]
        )
        assert len({sample["event"]["id"] for sample in alert["evidence"]}) == 5


def test_the_cuts_change_no_alert(load: Callable[..., Ruleset], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ruleset = load(RULES)
    lines = [TEXT.format(9, 0, second, "203.0.113.7", second).encode() for second in range(50)]
    made = []
    for size in (1 << 20, 300, 1000):
        monkeypatch.setattr("detectors.sigma.scan.run.piece_bytes", lambda *_, size=size: size)
        found = alerts(ruleset, tmp_path, b"\n".join(lines), Kind.LOG)
        made.append(sorted(map(orjson.dumps, found)))
    assert made[0] == made[1] == made[2]
    kinds = sorted((one["rule"]["id"], one["soc"]["alert"]["count"]) for one in map(orjson.loads, made[0]))
    assert kinds == [("brute", 50), ("failed", 50)]


WINDOWS = {
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "EventID": 1,
    "TimeCreated": "2026-03-05T01:15:02.5Z",
    "Computer": "pc1.example.org",
    "CommandLine": "kim",
    "Image": "C:\\a.exe",
    "User": "EXAMPLE\\an",
    "ProcessId": "12",
}


def test_windows_events_become_ecs(load: Callable[..., Ruleset], tmp_path: Any) -> None:
    (found,) = alerts(load(RULES), tmp_path, json.dumps(WINDOWS).encode(), Kind.NDJSON)
    alert = found["soc"]["alert"]
    assert alert["entity"] == {"type": "user.name", "value": "EXAMPLE\\an"}
    assert alert["window_start"] == "2026-03-05T01:00:00.000Z"
    assert found["host"] == {"name": "pc1.example.org"}
    assert found["related"]["user"] == ["EXAMPLE\\an"]
    (sample,) = alert["evidence"]
    assert sample["process"]["executable"] == "C:\\a.exe"
    assert sample["process"]["pid"] == 12
    assert sample["vendor"]["CommandLine"] == "kim"
    assert len(sample["event"]["id"]) == 32


def test_an_event_without_a_time_raises_none_and_is_counted(load: Callable[..., Ruleset], tmp_path: Any) -> None:
    dated, undated = WINDOWS, {name: value for name, value in WINDOWS.items() if name != "TimeCreated"}
    odd = {**WINDOWS, "TimeCreated": "yesterday"}
    for content, count in (([undated], 0), ([odd, dated, undated], 1)):
        assert len(alerts(load(RULES), tmp_path, b"\n".join(map(orjson.dumps, content)), Kind.NDJSON)) == count


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_places_sort_as_the_lines_do() -> None:
    pairs = list(itertools.product((0, 9, 10, 100), (0, 99, 100)))
    assert sorted(place(*pair) for pair in pairs) == [place(*pair) for pair in pairs]
    assert [row_of(place(*pair)) for pair in pairs] == pairs
