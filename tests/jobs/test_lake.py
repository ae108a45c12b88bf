"""The lake's files and commits: what goes in comes out, once, and nothing half-done is ever read."""

from __future__ import annotations

import gc
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from hamrong.config import Config
from ingest.event import NESTED
from jobs.sinks import data_files, delta
from tests.jobs import micro_batch

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
Event = dict[str, Any]


def event(identity: str, received: datetime = NOON, **fields: Any) -> Event:
    return {"@timestamp": received, "event": {"id": identity, "ingested": received}, **fields}


def batch(*events: Event) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(events), schema=NESTED)


def files(cfg: Config, table: str = "events") -> list[str]:
    folder = Path(delta.uri(cfg, table))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


def ids(cfg: Config) -> list[str]:
    rows = DeltaTable(delta.uri(cfg, "events")).to_pyarrow_table(columns=["event"]).to_pylist()
    return sorted(row["event"]["id"] for row in rows)


def test_a_batch_is_committed_once_and_a_replay_leaves_no_file(cfg: Config) -> None:
    delta.create_tables(cfg)
    micro_batch.commit(cfg, 0, events=batch(event("a")))
    micro_batch.commit(cfg, 1, events=batch(event("b")))
    kept = files(cfg)
    micro_batch.commit(cfg, 1, events=batch(event("b")))
    micro_batch.commit(cfg, 0, events=batch(event("a")))
    assert (ids(cfg), files(cfg)) == (["a", "b"], kept)
    micro_batch.commit(cfg, 2, events=batch(event("c")))
    assert ids(cfg) == ["a", "b", "c"]


def test_a_file_is_one_day_of_receipt_whatever_the_senders_clock_says(cfg: Config) -> None:
    delta.create_tables(cfg)
    wild = event("wild", NOON + timedelta(days=1)) | {"@timestamp": datetime(1999, 1, 1, tzinfo=UTC)}
    micro_batch.commit(cfg, 0, events=batch(event("a"), wild, event("b")))
    assert [name.split("/")[0] for name in files(cfg)] == ["ingest_day=2026-03-05", "ingest_day=2026-03-06"]
    assert ids(cfg) == ["a", "b", "wild"]


def test_an_event_without_a_receipt_is_kept(cfg: Config) -> None:
    delta.create_tables(cfg)
    micro_batch.commit(cfg, 0, events=batch({"event": {"id": "a"}}, event("b")))
    assert ids(cfg) == ["a", "b"]


def test_a_task_that_fails_leaves_no_file(cfg: Config) -> None:
    delta.create_tables(cfg)
    writer = data_files.Writer(cfg.lake.path)
    writer.write("events", batch(event("a")))
    folder = Path(delta.uri(cfg, "events"))
    assert [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "_delta_log"]
    del writer
    gc.collect()
    assert [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "_delta_log"] == []


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(cfg: Config) -> None:
    fields = [field for field in NESTED if field.name != "tags"]
    old = [
        pa.field("event", pa.struct([one for one in field.type if one.name != "reason"]))
        if field.name == "event"
        else field
        for field in fields
    ]
    DeltaTable.create(
        delta.uri(cfg, "events"), pa.schema([*old, ("ingest_day", pa.date32())]), partition_by=["ingest_day"]
    )
    delta.create_tables(cfg)
    version = DeltaTable(delta.uri(cfg, "events")).version()
    delta.create_tables(cfg)
    assert DeltaTable(delta.uri(cfg, "events")).version() == version, "nothing is left to widen"
    row = event("a") | {"tags": ["x"]}
    row["event"]["reason"] = "why"
    micro_batch.commit(cfg, 0, events=batch(row))
    [stored] = DeltaTable(delta.uri(cfg, "events")).to_pyarrow_table().to_pylist()
    assert (stored["tags"], stored["event"]["reason"]) == (["x"], "why")


@pytest.mark.services
def test_spark_reads_what_was_written_and_skips_only_what_it_may(spark: Any, cfg: Config) -> None:
    delta.create_tables(cfg)
    address = "2001:db8::" + "f" * 60
    rows = [
        event("a", vendor=[("fortinet.firewall.action", "deny")], source={"ip": "192.0.2.1", "port": 2**40}),
        event(
            "b", NOON + timedelta(microseconds=1), related={"ip": ["192.0.2.1", "192.0.2.2"]}, source={"ip": address}
        ),
        event("c", tags=[], user={"name": "\U0010ffff" * 40}),
    ]
    for number, row in enumerate(rows):
        micro_batch.commit(cfg, number, events=batch(row))
    stored = delta.table(spark, cfg, "events")
    read = (
        stored.orderBy("event.id").select("vendor", "source.port", F.col("related.ip").alias("ips"), "tags").collect()
    )
    assert [row.vendor for row in read] == [{"fortinet.firewall.action": "deny"}, None, None]
    assert [row.port for row in read] == [2**40, None, None]
    assert [row.ips for row in read] == [None, ["192.0.2.1", "192.0.2.2"], None]
    assert [row.tags for row in read] == [None, None, []]
    for condition, found in (
        (F.col("source.ip") == address, ["b"]),
        (F.col("user.name") == "\U0010ffff" * 40, ["c"]),
        (F.col("event.ingested") > F.lit(NOON), ["b"]),
        (F.col("`@timestamp`") <= F.lit(NOON), ["a", "c"]),
        (F.col("user.name").isNull(), ["a", "b"]),
    ):
        assert sorted(row.id for row in stored.where(condition).select("event.id").collect()) == found


def test_a_value_of_any_length_is_kept(cfg: Config) -> None:
    delta.create_tables(cfg)
    micro_batch.commit(cfg, 0, events=batch(event("a", user={"name": "x" * 100_000}), event("b", user={"name": "y"})))
    assert ids(cfg) == ["a", "b"]
    [added] = pa.table(DeltaTable(delta.uri(cfg, "events")).get_add_actions(flatten=True)).to_pylist()
    assert added["num_records"] == 2


TEXTS = st.text(max_size=40) | st.text(alphabet="ab\U0010ffff", min_size=30, max_size=40) | st.none()


@pytest.mark.slow
@given(st.lists(st.lists(TEXTS, min_size=1, max_size=5), min_size=1, max_size=3))
def test_every_value_lies_within_the_bounds_that_its_file_tells(groups: list[list[str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "events").mkdir()
        writer = data_files.Writer(folder)
        for group in groups:
            writer.write("events", batch(*(event("a", user={"name": name}) for name in group)))
        [file] = writer.finish().to_pylist()
    told = json.loads(file["statistics"])
    names = [name for group in groups for name in group]
    assert told["numRecords"] == len(names)
    assert told["nullCount"]["user"]["name"] == names.count(None)
    for name in names:
        if name is not None:
            assert told["minValues"]["user"]["name"] <= name
            assert name <= told["maxValues"].get("user", {"name": name})["name"]
