"""Housekeeping of the lake: nobody who writes or reads it notices, whenever it runs and whenever it dies."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import example, given
from hypothesis import strategies as st

from hamrong.cli import main
from hamrong.config import PROJECT, Config
from hamrong.errors import ServiceError
from ingest.event import NESTED
from jobs import maintain
from jobs.sinks import data_files, delta
from tests.jobs import micro_batch

pytestmark = pytest.mark.slow

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ENOUGH = maintain.FEW + 1
"""Files of a running day that are joined."""


def rows(*identities: str, received: datetime | None = NOON) -> pa.RecordBatch:
    events = [{"@timestamp": received, "event": {"id": name, "ingested": received}} for name in identities]
    return pa.RecordBatch.from_pylist(events, schema=NESTED)


def fill(cfg: Config, files: int = ENOUGH, first: int = 0, received: datetime | None = NOON) -> list[str]:
    """So many commits of two events each; the events' ids."""
    tables = delta.Tables(cfg)
    names = []
    for number in range(first, first + files):
        pair = [f"{number:05}a", f"{number:05}b"]
        writer = data_files.Writer(cfg.lake.path)
        writer.write("events", rows(*pair, received=received))
        tables.commit(writer.finish().to_pylist(), "test", number)
        names += pair
    return names


def ids(cfg: Config) -> list[str]:
    stored = DeltaTable(delta.uri(cfg, "events")).to_pyarrow_table(columns=["event"]).to_pylist()
    return sorted(row["event"]["id"] for row in stored)


def active(cfg: Config) -> set[str]:
    return {Path(name).name for name in DeltaTable(delta.uri(cfg, "events")).file_uris()}


def on_disk(cfg: Config) -> set[str]:
    return {path.name for path in Path(delta.uri(cfg, "events")).glob("ingest_day=*/*")}


def commits(cfg: Config) -> list[Path]:
    return sorted(Path(delta.uri(cfg, "events"), "_delta_log").glob("*.json"))


def actions(paths: list[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def settings(cfg: Config, **lake: Any) -> Config:
    return dataclasses.replace(cfg, lake=dataclasses.replace(cfg.lake, **lake))


def age(folder: Path, hours: float) -> None:
    past = time.time() - hours * 3600
    for path in folder.rglob("*"):
        os.utime(path, (past, past))


def test_small_files_become_one_with_the_same_rows_and_a_replay_stays_nothing(cfg: Config) -> None:
    delta.create_tables(cfg)
    names = fill(cfg)
    before = DeltaTable(delta.uri(cfg, "events")).to_pyarrow_table().to_pylist()
    [events, matches] = maintain.maintain(cfg, NOON)
    assert (events.table, events.files_before, events.files_after, events.problem) == ("events", ENOUGH, 1, "")
    assert 0 < events.bytes_after < events.bytes_before
    assert (matches.files_before, matches.files_after) == (0, 0)
    table = DeltaTable(delta.uri(cfg, "events"))
    after = table.to_pyarrow_table().to_pylist()
    assert sorted(after, key=str) == sorted(before, key=str)
    [told] = [json.loads(one["add"]["stats"]) for one in actions(commits(cfg)[-1:]) if "add" in one]
    assert told["numRecords"] == 2 * ENOUGH
    assert told["minValues"]["event"]["ingested"] == "2026-03-05T12:00:00.000000Z", "queries still leave files out"
    micro_batch.commit(cfg, ENOUGH - 1, events=rows("again"))
    assert ids(cfg) == names
    micro_batch.commit(cfg, ENOUGH, events=rows("new"))
    assert ids(cfg) == sorted([*names, "new"])


def test_nothing_that_streams_would_take_for_news_is_written(cfg: Config) -> None:
    delta.create_tables(cfg)
    fill(cfg)
    known = len(commits(cfg))
    maintain.maintain(cfg, NOON)
    done = actions(commits(cfg)[known:])
    changes = [action["dataChange"] for one in done for kind, action in one.items() if kind in ("add", "remove")]
    assert changes == [False] * (ENOUGH + 1)
    version = DeltaTable(delta.uri(cfg, "events")).version()
    maintain.maintain(cfg, NOON)
    assert DeltaTable(delta.uri(cfg, "events")).version() == version, "a second time finds nothing to do"


def test_files_of_an_earlier_version_get_the_columns_that_they_lack(cfg: Config) -> None:
    delta.create_tables(cfg)
    fill(cfg, files=ENOUGH - 1)
    lacking = rows("old").drop_columns(["tags"])
    old = pa.RecordBatch.from_struct_array(lacking.to_struct_array().cast(pa.struct([*lacking.schema])))
    micro_batch.commit(cfg, ENOUGH, events=old)
    [events, _] = maintain.maintain(cfg, NOON)
    assert (events.files_after, events.problem) == (1, "")
    [name] = active(cfg)
    stored = pq.read_table(Path(delta.uri(cfg, "events"), "ingest_day=2026-03-05", name), partitioning=None)
    assert stored.schema.equals(NESTED)
    assert "old" in ids(cfg)


def test_a_few_files_of_the_running_day_wait_and_those_of_a_day_that_is_over_do_not(cfg: Config) -> None:
    delta.create_tables(cfg)
    fill(cfg, files=2)
    assert maintain.maintain(cfg, NOON)[0].files_after == 2
    morning = (NOON + timedelta(days=1)).replace(hour=6, tzinfo=timezone(timedelta(hours=7)))
    assert maintain.maintain(cfg, morning)[0].files_after == 2, "days are those of UTC"
    assert maintain.maintain(cfg, NOON + timedelta(days=1))[0].files_after == 1


@given(
    st.lists(st.integers(1, 8 * maintain.TARGET_BYTES), min_size=1, max_size=40),
    st.integers(1, 200),
    st.floats(0.7, 1),
)
@example([1 << 20] * 144, 100, 1.0)
@example([30 << 20] * 144, 100, 0.7)
def test_no_day_holds_many_files_and_no_byte_is_written_often(rounds: list[int], appended: int, shrinks: float) -> None:
    """Rounds of appended bytes, in so many files each; joined files are smaller than their parts."""
    today = NOON.date()
    files: list[delta.DataFile] = []
    written = clock = 0

    def file(size: int) -> delta.DataFile:
        nonlocal clock
        clock += 1
        return delta.DataFile(f"{clock}", today, max(1, size), NOON + timedelta(seconds=clock))

    def settle(day: date) -> None:
        nonlocal written
        while worth := maintain._worth(files, day):
            assert len(worth) > 1
            assert sum(one.bytes for one in worth) <= maintain.TARGET_BYTES
            for one in worth:
                files.remove(one)
            files.append(file(int(sum(one.bytes for one in worth) * shrinks)))
            written += files[-1].bytes

    for size in rounds:
        files += [file(size // appended) for _ in range(appended)]
        settle(today)
        assert sum(one.bytes < maintain.TARGET_BYTES // 2 for one in files) <= 3 * maintain.FEW
    settle(today + timedelta(days=1))
    assert sum(one.bytes < maintain.TARGET_BYTES // 2 for one in files) <= 1
    # Once to a step, once to a whole file, seldom again; and each round a remainder that is too small for a step.
    assert written <= 2.5 * sum(rounds) + len(rounds) * maintain.STEP_BYTES // 2 + maintain.TARGET_BYTES


def test_days_beyond_the_kept_are_dropped_whole_and_rows_without_a_day_never(cfg: Config) -> None:
    delta.create_tables(cfg)
    fill(cfg, 1, first=0, received=NOON - timedelta(days=31))
    kept = fill(cfg, 1, first=1, received=NOON - timedelta(days=30))
    kept += fill(cfg, 1, first=2, received=None)
    [events, _] = maintain.maintain(settings(cfg, keep_days=0), NOON)
    assert (events.days_dropped, len(ids(cfg))) == ((), 6)
    [events, _] = maintain.maintain(settings(cfg, keep_days=30), NOON)
    assert events.days_dropped == ("2026-02-02",)
    assert ids(cfg) == kept


def test_what_a_task_is_writing_stays_and_what_a_killed_one_left_goes(cfg: Config) -> None:
    delta.create_tables(cfg)
    fill(cfg)
    day = Path(delta.uri(cfg, "events"), "ingest_day=2026-03-05")
    (day / "left.zstd.parquet").write_bytes(b"half")
    past = time.time() - (cfg.lake.log_hours + 1) * 3600
    os.utime(day / "left.zstd.parquet", (past, past))
    (day / "fresh.zstd.parquet").write_bytes(b"half")
    [events, _] = maintain.maintain(cfg, NOON)
    assert events.files_deleted == 1
    assert on_disk(cfg) - active(cfg) >= {"fresh.zstd.parquet"}
    assert len(on_disk(cfg)) == ENOUGH + 2, "a reader may still need the files that were joined"
    assert maintain.maintain(settings(cfg, log_hours=0), NOON)[0].files_deleted == ENOUGH + 1
    assert on_disk(cfg) == active(cfg)


def test_the_log_forgets_old_commits_but_neither_rows_nor_batches(cfg: Config) -> None:
    delta.create_tables(cfg)
    names = fill(cfg, files=105)
    folder = Path(delta.uri(cfg, "events"), "_delta_log")
    age(folder, cfg.lake.log_hours + 1)
    micro_batch.commit(cfg, 105, events=rows("new"))
    assert len(commits(cfg)) == 107, "a commit cleans nothing: the readers may have stood still as long as the writer"
    maintain.maintain(cfg, NOON)
    assert len(commits(cfg)) < 10
    micro_batch.commit(cfg, 7, events=rows("again"))
    assert ids(cfg) == sorted([*names, "new"])


def test_a_setting_that_was_changed_counts_for_a_table_that_is_there(cfg: Config) -> None:
    delta.create_tables(cfg)
    delta.create_tables(settings(cfg, log_hours=3))
    table = DeltaTable(delta.uri(cfg, "events"))
    assert table.metadata().configuration["delta.logRetentionDuration"] == "interval 3 hours"
    delta.create_tables(settings(cfg, log_hours=3))
    assert DeltaTable(delta.uri(cfg, "events")).version() == table.version()


def test_of_two_that_join_the_same_files_one_gives_way(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    delta.create_tables(cfg)
    names = fill(cfg)
    join = maintain._join

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(maintain, "_join", join)
        maintain.maintain(cfg, NOON)
        return join(*given)

    monkeypatch.setattr(maintain, "_join", meanwhile)
    [events, _] = maintain.maintain(cfg, NOON)
    assert (events.files_after, events.problem, ids(cfg)) == (1, "", names)
    assert len(on_disk(cfg)) == ENOUGH + 1, "its own file is gone again"


def test_appends_and_two_housekeepers_beside_each_other_lose_and_double_nothing(cfg: Config) -> None:
    delta.create_tables(cfg)
    names = fill(cfg)
    appending = threading.Event()
    appending.set()
    done: list[maintain.Maintained] = []

    def keep() -> None:
        while appending.is_set():
            done.extend(maintain.maintain(cfg, NOON))

    keepers = [threading.Thread(target=keep) for _ in range(2)]
    for keeper in keepers:
        keeper.start()
    try:
        names += fill(cfg, 7 * ENOUGH, first=ENOUGH)
    finally:
        appending.clear()
        for keeper in keepers:
            keeper.join()
    assert ids(cfg) == sorted(names)
    assert len(active(cfg)) < 4 * ENOUGH
    assert any(one.files_after < one.files_before for one in done)
    assert [one.problem for one in done if one.problem] == []


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from deltalake import DeltaTable
from hamrong import config
from jobs import maintain
from jobs.sinks import data_files, delta

owner, name = sys.argv[2].split(".")
place = {"Writer": data_files.Writer, "Snapshot": delta.Snapshot, "DeltaTable": DeltaTable}[owner]
real = getattr(place, name)

def last_act(*args, **named):
    real(*args, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, last_act)
maintain.maintain(config.load(environment={"HAMRONG_LAKE_PATH": sys.argv[1]}), datetime(2026, 3, 5, 12, tzinfo=UTC))
"""


@pytest.mark.parametrize(
    ("last_act", "left"),
    [
        ("Writer.write", 0),
        ("Writer.finish", 1),
        ("Snapshot.replace", 0),
        ("DeltaTable.vacuum", 0),
        ("DeltaTable.create_checkpoint", 0),
    ],
)
def test_killed_at_any_moment_it_has_changed_no_row_and_the_next_ends_the_work(
    cfg: Config, last_act: str, left: int
) -> None:
    delta.create_tables(cfg)
    names = fill(cfg)
    known = on_disk(cfg)
    process = subprocess.run([sys.executable, "-c", KILLED, cfg.lake.path, last_act], cwd=PROJECT, check=False)
    assert process.returncode == -signal.SIGKILL
    assert ids(cfg) == names
    assert len([name for name in on_disk(cfg) - known - active(cfg) if name.endswith(".parquet")]) == left
    [events, _] = maintain.maintain(settings(cfg, log_hours=0), NOON)
    assert (events.files_after, ids(cfg)) == (1, names)
    assert {name for name in on_disk(cfg) if name.endswith(".parquet")} == active(cfg)


def test_a_table_that_fails_is_told_and_the_next_is_done(
    cfg: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delta.create_tables(cfg)
    fill(cfg)
    next(Path(delta.uri(cfg, "events")).glob("ingest_day=*/*.parquet")).unlink()
    monkeypatch.setenv("HAMRONG_LAKE_PATH", cfg.lake.path)
    assert main(["maintain", "--json"]) == 1
    [events, matches] = json.loads(capsys.readouterr().out)
    assert "parquet" in events["problem"]
    assert (events["files_after"], matches["problem"]) == (ENOUGH, "")


def test_it_ends_between_two_commits_and_goes_on_when_the_lake_is_away(
    cfg: Config, caplog: pytest.LogCaptureFixture
) -> None:
    delta.create_tables(cfg)
    fill(cfg)
    stop = threading.Event()
    stop.set()
    assert maintain.maintain(cfg, NOON, stop)[0].files_after == ENOUGH
    for path in commits(cfg)[0].parent.iterdir():
        path.write_text("broken")
    with pytest.raises(ServiceError, match=re.escape(f"{delta.uri(cfg, 'events')} cannot be read")):
        maintain.maintain(cfg, NOON)
    stop.clear()
    thread = maintain.start(settings(cfg, maintain_minutes=0.001), stop)
    end = time.monotonic() + 30
    while len(caplog.messages) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(30)
    assert [text for text in caplog.messages[:2] if not text.startswith("no housekeeping until the next time")] == []
    assert len(caplog.messages) >= 2


def test_the_command_says_what_it_did(
    cfg: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAMRONG_LAKE_PATH", cfg.lake.path)
    assert main(["maintain"]) == 2
    assert "holds no tables yet; start the jobs with: hamrong run" in capsys.readouterr().err
    delta.create_tables(cfg)
    fill(cfg, received=datetime.now(UTC))
    assert main(["maintain"]) == 0
    assert capsys.readouterr().out.startswith(f"events: {ENOUGH} files (")


def test_it_runs_at_an_interval_until_it_is_stopped(cfg: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jobs.maintain")
    delta.create_tables(cfg)
    stop = threading.Event()
    never = maintain.start(settings(cfg, maintain_minutes=0), stop)
    never.join(30)
    assert not never.is_alive()
    thread = maintain.start(settings(cfg, maintain_minutes=0.001), stop)
    end = time.monotonic() + 30
    while len(caplog.messages) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert Counter(text.partition(":")[0] for text in caplog.messages[:4]) == {"events": 2, "matches": 2}


@pytest.mark.services
def test_a_spark_stream_sees_each_row_once_and_never_stops(spark: Any, cfg: Config) -> None:
    """It begins on a snapshot whose files are joined meanwhile, is stopped, and goes on behind compactions, a dropped
    day, a cleaned log and deleted files."""
    delta.create_tables(cfg)
    old = fill(cfg, 2, received=NOON - timedelta(days=30))
    names = fill(cfg, 2 * ENOUGH, first=2)
    seen: Counter[str] = Counter()

    def note(batch: Any, batch_id: int) -> None:
        seen.update(row.id for row in batch.select("event.id").collect())

    def begin(lines: Any) -> Any:
        writing = lines.writeStream.foreachBatch(note)
        return writing.option("checkpointLocation", f"{cfg.spark.checkpoints}/seen").start()

    # Few files a micro-batch, so that compactions come between two of one snapshot.
    reading = spark.readStream.format("delta").option("maxFilesPerTrigger", 15)
    query = begin(reading.load(delta.uri(cfg, "events")))
    try:
        first = 2 + 2 * ENOUGH
        for _ in range(3):
            names += fill(cfg, ENOUGH, first=first)
            first += ENOUGH
            maintain.maintain(cfg, NOON)
            assert query.exception() is None
        query.processAllAvailable()
        assert query.exception() is None
        query.stop()
        # While it stands, its last commits lie behind compactions whose inputs are not deleted yet.
        names += fill(cfg, ENOUGH, first=first)
        maintain.maintain(cfg, NOON)
        names += fill(cfg, 3, first=first + ENOUGH)
        delta.create_tables(settings(cfg, log_hours=3))
        query = begin(delta.stream(spark, cfg, "events"))
        query.processAllAvailable()
        # It has read all, so all that only a reader behind it needs may go.
        age(Path(delta.uri(cfg, "events"), "_delta_log"), 4)
        maintain.maintain(settings(cfg, log_hours=0, keep_days=30), NOON + timedelta(days=1))
        assert len(commits(cfg)) < 10
        names += fill(cfg, 3, first=first + ENOUGH + 3)
        query.processAllAvailable()
        assert query.exception() is None
    finally:
        query.stop()
    assert seen == Counter([*old, *names])
    assert ids(cfg) == sorted(names), "the old day is dropped from the lake, after it was read"


KINDS = st.lists(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12), max_size=8)


@given(KINDS)
def test_a_row_group_is_of_one_kind_but_for_what_is_left(kinds: list[list[str | None]]) -> None:
    numbers = iter(range(1_000))
    batches = [
        pa.RecordBatch.from_pylist(
            [{"event": {"id": f"{next(numbers):03}", "dataset": kind}} for kind in its], schema=NESTED
        )
        for its in kinds
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maintain, "SPLIT_ROWS", 3)
        patch.setattr(maintain, "GROUP_ROWS", 4)
        patch.setattr(maintain, "HELD_ROWS", 12)
        groups = [
            [(row["event"]["dataset"], row["event"]["id"]) for row in group.to_pylist()]
            for group in maintain._row_groups("events", batches)
        ]
    told = [row for group in groups for row in group]
    assert sorted(identity for _, identity in told) == [f"{number:03}" for number in range(len(told))]
    assert len(told) == sum(map(len, kinds))
    for kind in ("a", "b", "c", None):
        mine = [identity for its, identity in told if its == kind]
        assert mine == sorted(mine), "a kind's rows keep their order"
    mixed = [number for number, group in enumerate(groups) if len({kind for kind, _ in group}) > 1]
    # Of each of four kinds less than a row group is left at the end.
    assert sum(len(group) for group in groups[min(mixed, default=len(groups)) :]) <= 4 * 3


def test_a_joined_file_lets_a_reader_pass_over_other_datasets(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintain, "SPLIT_ROWS", 2)
    monkeypatch.setattr(maintain, "GROUP_ROWS", 6)
    delta.create_tables(cfg)
    for number in range(ENOUGH):
        its = [
            {"event": {"id": f"{number}{dataset}", "dataset": dataset, "ingested": NOON}}
            for dataset in ("nginx.access", "linux.sshd")
        ]
        micro_batch.commit(cfg, number, events=pa.RecordBatch.from_pylist(its, schema=NESTED))
    maintain.maintain(cfg, NOON)
    [name] = active(cfg)
    [path] = Path(delta.uri(cfg, "events")).rglob(name)
    metadata = pq.read_metadata(path)
    bounds = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        [statistics] = [column.statistics for column in columns if column.path_in_schema == "event.dataset"]
        bounds.append((statistics.min, statistics.max))
    assert set(bounds[:-2]) == {("linux.sshd", "linux.sshd"), ("nginx.access", "nginx.access")}
    assert len(ids(cfg)) == 2 * ENOUGH
