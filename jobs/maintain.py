"""maintain: the lake's tables kept in few files and short logs, and no older than they should be.

In:   the lake's tables, while other processes append to them and read them
Out:  the same rows in fewer files; days beyond `lake.keep_days`, and what no reader needs any more, are gone
Docs: docs/decisions/0008-detect.md; Delta transaction log protocol, "Add File and Remove File"

Promise: no row is lost or doubled. What changes a table is one commit each: killed before it, nothing has happened, and
the files that were being written are deleted by a later run. Appends go on beside it, a stream that reads the table
passes over the commits of a compaction (`dataChange` is false), and two that meet at the same files do the work once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from hamrong.config import Config
from hamrong.errors import ServiceError
from jobs.sinks import data_files, delta

TARGET_BYTES = 256 << 20
"""Of a whole file: half a million lines and more. A commit looks at each file of the table, so a year must not have too
many of them."""

STEP_BYTES = TARGET_BYTES // 16
"""Of a file of a day that has no TARGET_BYTES to join yet: if a quiet day were made one file each time, a line would be
written again and again."""

FEW = 16
"""So many files of the running day are let alone."""

LEVEL = 3
"""Of zstd: a seventh smaller than 1 at the same cost; 6 is an eighth smaller again, for 40 % more CPU."""

GROUP_ROWS, GROUP_BYTES = 20_000, 64 << 20
"""A row group is full with so many rows, or so many bytes of Arrow. It is held in memory, twice: with 100,000 rows the
process grew by a gigabyte, for 3 % less disk."""

KINDS = {"events": ("event", "dataset")}
"""Tables whose row groups hold rows of one kind each, and the column that says which: who looks for one kind of line
then passes over the others (`jobs.backtest`)."""

SPLIT_ROWS = 10_000
"""Are parted by kind at once: for fewer, the 170 columns of a piece cost more than its rows."""

HELD_ROWS, HELD_BYTES = 3 * GROUP_ROWS, 2 * GROUP_BYTES
"""Of all kinds together, while none of them fills a row group by itself."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Maintained:
    """What was done to one table. Bytes are those of files that the table's last version names."""

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    days_dropped: tuple[str, ...]
    files_deleted: int
    """That no version which a reader may still be at names."""
    seconds: float
    problem: str = ""
    """Why it was not finished; the next time goes on from there."""

    def __str__(self) -> str:
        dropped = f"; older than it is kept, so dropped: {', '.join(self.days_dropped)}" if self.days_dropped else ""
        return (
            f"{self.table}: {self.files_before:,} files ({self.bytes_before:,} bytes) are {self.files_after:,} "
            f"({self.bytes_after:,} bytes); {self.files_deleted:,} old files deleted{dropped}; {self.seconds} s"
            f"{'; not finished: ' + self.problem if self.problem else ''}"
        )


def maintain(cfg: Config, now: datetime, stop: threading.Event | None = None) -> list[Maintained]:
    """Once over all tables that there are; a table that fails is told, and the next is done all the same.

    It ends early, between two commits, when `stop` is set. Raises ServiceError when the lake cannot be reached.
    """
    done = []
    for name in delta.SCHEMAS:
        place = delta.uri(cfg, name)
        try:
            if DeltaTable.is_deltatable(place):
                done.append(_maintain(cfg, name, now.astimezone(UTC).date(), stop or threading.Event()))
        except (DeltaError, OSError) as error:
            raise ServiceError(f"{place} cannot be read: {error}") from error
    return done


def start(cfg: Config, stop: threading.Event) -> threading.Thread:
    """Maintain every `lake.maintain_minutes` in a thread of this process, until `stop`; 0 minutes: never.

    It waits first: jobs that stood still for longer than `lake.log_hours` then read what was left before it is cleaned.
    """
    pause = cfg.lake.maintain_minutes * 60

    def run() -> None:
        while pause > 0 and not stop.wait(pause):
            try:
                for done in maintain(cfg, datetime.now(UTC), stop):
                    log.log(logging.WARNING if done.problem else logging.INFO, "%s", done)
            except ServiceError as error:
                log.error("no housekeeping until the next time: %s", error)

    # A daemon: who does not want to wait for its end kills it, as at any other moment.
    thread = threading.Thread(target=run, name="maintain", daemon=True)
    thread.start()
    return thread


def _maintain(cfg: Config, name: str, today: date, stop: threading.Event) -> Maintained:
    started = time.monotonic()
    before = delta.Snapshot(cfg, name).files
    dropped: tuple[str, ...] = ()
    deleted = 0
    problem = ""
    try:
        dropped = _drop(cfg, name, today)
        _compact(cfg, name, today, stop)
        deleted = _clean(cfg, name)
    except (DeltaError, OSError, pa.ArrowException) as error:
        problem = str(error)
    after = delta.Snapshot(cfg, name).files
    return Maintained(
        table=name,
        files_before=len(before),
        files_after=len(after),
        bytes_before=sum(file.bytes for file in before),
        bytes_after=sum(file.bytes for file in after),
        days_dropped=dropped,
        files_deleted=deleted,
        seconds=round(time.monotonic() - started, 1),
        problem=problem,
    )


def _drop(cfg: Config, name: str, today: date) -> tuple[str, ...]:
    """Take out the days before the last `lake.keep_days`, whole; 0 keeps all. What has no receipt has no age."""
    if not cfg.lake.keep_days:
        return ()
    oldest = today - timedelta(days=cfg.lake.keep_days)
    table = delta.Snapshot(cfg, name)
    old = [file for file in table.files if delta.UNKNOWN_DAY < file.day < oldest]
    if old:
        table.replace(old, [], is_news=True)
    return tuple(sorted({str(file.day) for file in old}))


def _compact(cfg: Config, name: str, today: date, stop: threading.Event) -> None:
    """Join small files, day by day and oldest first, while it is worth it: one commit for each file that is made."""
    while not stop.is_set():
        table = delta.Snapshot(cfg, name)
        worth = _worth(table.files, today)
        if not worth:
            return
        made = _join(cfg, table, worth)
        try:
            table.replace(worth, made, is_news=False)
        except CommitFailedError as error:
            table.delete([file["path"] for file in made])
            log.info("%s: another process is at it, the rest is left to it: %s", name, error)
            return


def _worth(files: Sequence[delta.DataFile], today: date) -> list[delta.DataFile]:
    """The files to join next, neighbours in time of one day; none when all is well as it is."""
    for day in sorted({file.day for file in files}):
        mine = sorted((file for file in files if file.day == day), key=lambda file: (file.modified, file.path))
        if found := _neighbours(mine, _target([file.bytes for file in mine], over=day < today)):
            return found
    return []


def _target(sizes: Sequence[int], *, over: bool) -> int:
    """Up to what size the files of a day should be joined now; 0 = they are well as they are."""
    small = [size for size in sizes if size < TARGET_BYTES // 2]
    if over:
        return TARGET_BYTES if len(small) > 1 else 0
    if sum(small) >= TARGET_BYTES:
        return TARGET_BYTES if len(small) > FEW else 0
    return STEP_BYTES if sum(size < STEP_BYTES // 2 for size in small) > FEW else 0


def _neighbours(files: Sequence[delta.DataFile], target: int) -> list[delta.DataFile]:
    """The first two or more in a row that fit into the target; what has half of it already is whole."""
    found: list[delta.DataFile] = []
    for file in (file for file in files if file.bytes < target // 2):
        if found and sum(one.bytes for one in found) + file.bytes > target:
            if len(found) > 1:
                break
            found = []
        found.append(file)
    return found if len(found) > 1 else []


def _join(cfg: Config, table: delta.Snapshot, files: Sequence[delta.DataFile]) -> list[dict[str, Any]]:
    """The rows of the files in one file, as the table's columns are now; its row of `data_files.FILE`."""
    writer = data_files.Writer(cfg.lake.path, LEVEL)
    for group in _row_groups(table.name, (batch for file in files for batch in table.read(file))):
        writer.write(table.name, group)
    made: list[dict[str, Any]] = writer.finish().to_pylist()
    return made


@dataclass
class _Rows:
    """Rows that wait for more of their kind."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes

    @property
    def is_full(self) -> bool:
        return self.rows >= GROUP_ROWS or self.bytes >= GROUP_BYTES


def _row_groups(table: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """All rows, each kind's in their order."""
    held: dict[str, _Rows] = {}
    for batch in _large(batches):
        for name, rows in _by_kind(table, batch):
            held.setdefault(name, _Rows()).add(rows)
        full = [name for name, kind in held.items() if kind.is_full]
        if not full and _is_much(held.values()):
            full = [max(held, key=lambda name: (held[name].bytes, name))]
        yield from (pa.concat_batches(held.pop(name).batches) for name in full)
    # What is left of each kind is too little for a row group of its own: neighbours share one.
    rest = _Rows()
    for name in sorted(held):
        for rows in held[name].batches:
            rest.add(rows)
            if rest.is_full:
                yield pa.concat_batches(rest.batches)
                rest = _Rows()
    if rest.rows:
        yield pa.concat_batches(rest.batches)


def _large(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer batches."""
    held = _Rows()
    for batch in batches:
        held.add(batch)
        if held.rows >= SPLIT_ROWS or held.bytes >= GROUP_BYTES:
            yield pa.concat_batches(held.batches)
            held = _Rows()
    if held.rows:
        yield pa.concat_batches(held.batches)


def _is_much(held: Collection[_Rows]) -> bool:
    return sum(kind.rows for kind in held) >= HELD_ROWS or sum(kind.bytes for kind in held) >= HELD_BYTES


def _by_kind(table: str, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each kind, copied, so that the few of a rare one do not keep the whole batch in memory."""
    if table not in KINDS:
        yield "", batch
        return
    kinds = pc.struct_field(batch.to_struct_array(), KINDS[table]).fill_null("").dictionary_encode()
    codes = kinds.indices.to_numpy()
    for code, name in enumerate(kinds.dictionary.to_pylist()):
        yield name, batch.take(pa.array(np.flatnonzero(codes == code)))


def _clean(cfg: Config, name: str) -> int:
    """Delete commits and files that only a reader could need who is more than `lake.log_hours` behind; how many files.

    Full: also those that no commit ever named, as a killed task leaves them, when they are that old.
    """
    table = DeltaTable(delta.uri(cfg, name))
    files = table.vacuum(cfg.lake.log_hours, dry_run=False, enforce_retention_duration=False, full=True)
    table.create_checkpoint()
    table.cleanup_metadata()
    return len(files)
