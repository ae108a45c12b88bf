"""Features counted by Spark, in batch and as a stream, against a plain count."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from detectors.anomaly.features import NAMES, features
from ingest.event import FIELDS, nest

pytestmark = pytest.mark.services

START = datetime(2026, 3, 10, 13, tzinfo=UTC)
"""20:00 in Viet Nam: the twelve hours from here hold the whole night, from 15:00 to 23:00 UTC."""
HOUR, ZONE, WATERMARK = 3600, "Asia/Ho_Chi_Minh", 600


def lines(count: int, seed: int = 4) -> list[dict[str, Any]]:
    """Flat events in disorder by up to five minutes, of ten addresses and six accounts over twelve hours."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        ingested = START + timedelta(seconds=number * 12 * HOUR / count)
        status = int(random.choice([200, 404, 500])) if random.random() < 0.6 else None
        made.append(
            {
                "@timestamp": ingested - timedelta(seconds=float(random.integers(0, 300))),
                "event.ingested": ingested,
                "event.id": f"gw1-{number}",
                "event.outcome": str(random.choice(["success", "failure"])) if random.random() < 0.5 else None,
                "source.ip": f"203.0.113.{random.integers(10)}" if random.random() < 0.9 else None,
                "user.name": f"user{random.integers(6)}" if random.random() < 0.5 else None,
                "host.name": f"host{random.integers(3)}",
                "service.name": str(random.choice(["portal", "lgsp"])),
                "url.path": f"/p/{random.integers(400)}" if status else None,
                "http.response.status_code": status,
                "http.response.bytes": int(random.integers(100_000)) if status else None,
            }
        )
    odd = {"event.ingested": START, "source.ip": "203.0.113.1", "event.id": "odd"}
    return [
        *made,
        {**odd, "@timestamp": None},
        {**odd, "@timestamp": START, "event.kind": "pipeline_error"},
        {**odd, "@timestamp": START, "source.ip": ""},
        {**odd, "@timestamp": START + timedelta(days=26_000)},
    ]


def nested(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {
        name: pa.array([row.get(name) for row in rows], FIELDS[name]) for name in {k for row in rows for k in row}
    }
    return pa.Table.from_batches([nest(pa.RecordBatch.from_pydict(columns))])


def counted(rows: list[dict[str, Any]]) -> dict[tuple[str, str, datetime], dict[str, float]]:
    """The same features, by hand and exact."""
    groups: dict[tuple[str, str, datetime], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        at = row["@timestamp"]
        if at is None or row.get("event.kind") or at > row["event.ingested"] + timedelta(minutes=10):
            continue
        for kind in ("source.ip", "user.name"):
            if row.get(kind):
                groups[kind, row[kind], at.replace(minute=0, second=0, microsecond=0)].append(row)
    return {key: _by_hand(key[0], group) for key, group in groups.items()}


def _by_hand(kind: str, group: list[dict[str, Any]]) -> dict[str, float]:
    def distinct(name: str) -> int:
        return len({row.get(name) for row in group} - {None})

    failures = sum(row["event.outcome"] == "failure" for row in group)
    judged = sum(row["event.outcome"] is not None for row in group)
    requests = [row["http.response.status_code"] for row in group if row["http.response.status_code"]]
    errors = sum(status >= 400 for status in requests)
    night = sum((row["@timestamp"].hour + 7) % 24 not in range(6, 22) for row in group)
    return {
        "events": len(group),
        "paths": distinct("url.path"),
        "peers": distinct("user.name" if kind == "source.ip" else "source.ip"),
        "hosts": distinct("host.name"),
        "services": distinct("service.name"),
        "failures": failures,
        "failure_share": failures / judged if judged else 0,
        "errors": errors,
        "error_share": errors / len(requests) if requests else 0,
        "bytes": sum(row["http.response.bytes"] or 0 for row in group),
        "night_share": night / len(group),
    }


def keyed(table: pa.Table) -> dict[tuple[str, str, datetime], dict[str, Any]]:
    return {
        (row["entity_type"], row["entity_value"], row["window_start"].astimezone(UTC)): row for row in table.to_pylist()
    }


def test_features_are_those_of_a_plain_count(spark: Any) -> None:
    rows = lines(2000)
    found = keyed(features(spark.createDataFrame(nested(rows)), HOUR, ZONE, WATERMARK).toArrow())
    expected = counted(rows)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for name in NAMES:
            # HyperLogLog++ of its default size errs by 5 % (one standard deviation) on large sets.
            tolerance = 0.2 if name == "paths" else 1e-9
            assert math.isclose(found[key][name], values[name], rel_tol=tolerance, abs_tol=1e-9), (key, name)


def test_a_window_keeps_its_first_lines_and_its_systems(spark: Any) -> None:
    rows = lines(300)
    found = keyed(features(spark.createDataFrame(nested(rows)), HOUR, ZONE, WATERMARK).toArrow())
    for (kind, value, start), row in found.items():
        own = sorted(
            (each["@timestamp"], each["event.id"], each["service.name"])
            for each in rows[:300]
            if each[kind] == value and each["@timestamp"].replace(minute=0, second=0, microsecond=0) == start
        )
        samples = [orjson.loads(sample) for sample in row["samples"]]
        assert [sample["event"]["id"] for sample in samples] == [line[1] for line in own[:3]]
        assert row["systems"] == sorted({line[2] for line in own})
        assert (row["first_seen"].astimezone(UTC), row["last_seen"].astimezone(UTC)) == (own[0][0], own[-1][0])


def test_a_stream_counts_as_a_batch_does(spark: Any, tmp_path: Path) -> None:
    """In small batches, with a line from the year 2097 in between that must not move the watermark."""
    rows = lines(600)
    rows.insert(50, rows.pop())
    lake = str(tmp_path / "lake")
    for start in range(0, len(rows), 151):
        frame = spark.createDataFrame(nested(rows[start : start + 151]))
        frame.coalesce(1).write.format("delta").mode("append").save(lake)
    updates: list[dict[tuple[str, str, datetime], dict[str, Any]]] = []
    stream = spark.readStream.format("delta").option("maxFilesPerTrigger", 1).load(lake)
    query = (
        features(stream, HOUR, ZONE, WATERMARK)
        .writeStream.outputMode("update")
        .trigger(availableNow=True)
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .foreachBatch(lambda batch, number: updates.append(keyed(batch.toArrow())))
        .start()
    )
    query.awaitTermination(120)
    assert query.exception() is None
    streamed: dict[tuple[str, str, datetime], dict[str, Any]] = {}
    for update in updates:
        streamed.update(update)
    assert len([update for update in updates if update]) > 2
    assert streamed == keyed(features(spark.read.format("delta").load(lake), HOUR, ZONE, WATERMARK).toArrow())
