"""Lines to events and matches in one batch, and matches to alerts: as a plain loop does it, and as Spark does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pytest

from detectors.raised import documents
from hamrong.config import Config
from ingest.event import TIMESTAMP, raw
from jobs import detect, loaded
from jobs.alerts import alert_rows, batch_rows
from jobs.sinks.delta import SCHEMAS

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
TRAVERSAL = "24d949dd-6135-4cc4-a851-b34c4b1c20bd"


def line(address: str, path: str, agent: str = "Mozilla/5.0") -> bytes:
    stamp = NOW.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'<190>Mar  5 09:00:00 web-01 nginx: {address} - - [{stamp}] "GET {path} HTTP/1.1" 200 5 "-" "{agent}"'.encode()
    )


def found(lines: list[bytes], cfg: Config) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    columns = {
        "value": pa.array(lines, pa.binary()),
        "received": pa.array([NOW] * len(lines), TIMESTAMP),
        "id": pa.array([f"gw1-{number}" for number in range(len(lines))]),
    }
    register, ruleset = loaded.register(cfg.detection), loaded.ruleset(cfg.detection)
    return detect.detect(raw(len(lines), columns), register, ruleset)


def test_each_line_is_an_event_and_each_match_holds_its_event(cfg: Config) -> None:
    lines = [
        line("192.0.2.1", "/"),
        line("192.0.2.2", "/a?f=../../../etc/passwd"),
        b"no header",
        line("192.0.2.3", "/b"),
    ]
    events, matches = found(lines, cfg)
    assert [event["event"]["original"].encode() for event in events.to_pylist()] == lines
    [match] = [match for match in matches.to_pylist() if match["rule_id"] == TRAVERSAL]
    assert match["event"] == events.to_pylist()[1]
    assert (match["entity_type"], match["entity_value"], match["at"]) == ("source.ip", "192.0.2.2", NOW)


def test_without_a_match_there_is_no_alert(cfg: Config) -> None:
    _, matches = found([line("192.0.2.1", "/")], cfg)
    assert (matches.num_rows, batch_rows(matches).num_rows) == (0, 0)


def match(alert: str | None, second: int, event_id: str) -> dict[str, Any]:
    at = NOW + timedelta(seconds=second)
    return {
        "rule_id": "r",
        "alert_id": alert,
        "entity_type": "source.ip",
        "entity_value": f"of {alert}",
        "window_start": NOW,
        "window_seconds": 3600,
        "at": at,
        "event": {"@timestamp": at, "event": {"id": event_id}, "source": {"port": second}, "vendor": {"a.b": "c"}},
    }


def test_the_first_five_events_by_time_are_the_evidence() -> None:
    matches = [match("one", second, f"e{second}") for second in (9, 3, 1, 7, 8, 2)] + [match(None, 0, "silent")]
    [row] = batch_rows(pa.RecordBatch.from_pylist(matches, schema=SCHEMAS["matches"])).to_pylist()
    assert (row["alert_id"], row["count"]) == ("one", 6)
    assert (row["first_seen"], row["last_seen"]) == (NOW + timedelta(seconds=1), NOW + timedelta(seconds=9))
    assert orjson.loads(row["samples"][1]) == {
        "@timestamp": "2026-03-05T02:00:02.000Z",
        "event": {"id": "e2"},
        "source": {"port": 2},
        "vendor": {"a.b": "c"},
    }
    assert [orjson.loads(sample)["event"]["id"] for sample in row["samples"]] == ["e1", "e2", "e3", "e7", "e8"]


@pytest.mark.services
def test_the_document_of_a_batch_is_the_one_that_counting_makes_of_it(spark: Any, cfg: Config) -> None:
    paths = ["/a?f=../../../etc/passwd", "/b?q=1%27%20or%201=1--", "/%E1%BB%87"]
    lines = [line(f"192.0.2.{number % 3}", paths[number % len(paths)], "sqlmap/1.7") for number in range(20)]
    _, matches = found(lines, cfg)
    counted = alert_rows(spark.createDataFrame(pa.Table.from_batches([matches]))).toArrow()
    register, ruleset = loaded.register(cfg.detection), loaded.ruleset(cfg.detection)

    def made(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(documents(rows, ruleset, register.asset_level, NOW), key=lambda one: str(one["event"]["id"]))

    assert len(made(counted.to_pylist())) > 3
    assert made(batch_rows(matches).to_pylist()) == made(counted.to_pylist())
