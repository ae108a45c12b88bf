"""lake: which files of the lake a backtest reads.

In:   the table `events` as it is now, a span of receipt
Out:  `Task`s of about the same size

Only the days of the span are named. Partitions are days of UTC, so a local day lies in two of them; what of those lies
outside is passed over by each row group's statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from deltalake import DeltaTable

from hamrong.config import Config
from hamrong.errors import HamrongError
from jobs.backtest.matching import Task
from jobs.sinks import delta
from jobs.sinks.delta import DataFile

TASK_BYTES = 64 << 20
"""Of a task, unless one file has more: some ten seconds of one core where all of it must be read."""

TASK_FILES = 200
"""Opening a file and reading its footer costs as much as a thousand rows do."""


def files(cfg: Config) -> list[DataFile]:
    """Of the whole table. Raises HamrongError when there is none yet."""
    if not DeltaTable.is_deltatable(delta.uri(cfg, "events")):
        raise HamrongError(f"{cfg.lake.path}: holds no events yet; start the jobs with: hamrong run")
    return delta.Snapshot(cfg, "events").files


def tasks(cfg: Config, files: Sequence[DataFile], since: datetime, until: datetime) -> list[Task]:
    """In order of day and path, so that a progress bar goes through the span."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    inside = sorted((file for file in files if first <= file.day <= last), key=lambda file: (file.day, file.path))
    packed: list[list[DataFile]] = []
    for file in inside:
        if (
            not packed
            or len(packed[-1]) >= TASK_FILES
            or sum(one.bytes for one in packed[-1]) + file.bytes > TASK_BYTES
        ):
            packed.append([])
        packed[-1].append(file)
    folder = delta.uri(cfg, "events")
    return [Task(folder, tuple(file.path for file in pack), since, until) for pack in packed]
