"""The demo's traffic in a lake, as `jobs.detect` puts it there."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from hamrong.config import Config
from hamrong.demo import scene, traffic
from ingest.event import TIMESTAMP, raw
from jobs import detect, loaded
from jobs.sinks import delta
from tests.jobs import micro_batch

START = datetime(2026, 3, 9, 16, 55, tzinfo=UTC)
"""Five minutes before midnight in Asia/Ho_Chi_Minh."""
SECONDS = 600


@functools.cache
def traffic_of_ten_minutes() -> tuple[tuple[datetime, bytes], ...]:
    """Lines with the time of receipt, every attack of the demo among them, over a local midnight."""
    rendered = traffic.render(scene.load(), 7, START, SECONDS, 4)
    return tuple((START + timedelta(seconds=round(offset, 3)), line) for offset, line in rendered)


def batch(lines: Sequence[tuple[datetime, bytes]], first: int = 0) -> pa.RecordBatch:
    """Lines as `ingest.event.RAW`, with ids that count from `first`."""
    columns = {
        "value": pa.array([line for _, line in lines], pa.binary()),
        "received": pa.array([received for received, _ in lines], TIMESTAMP),
        "id": pa.array([f"gw1-{number:06}" for number in range(first, first + len(lines))]),
    }
    return raw(len(lines), columns)


def fill(cfg: Config, lines: Sequence[tuple[datetime, bytes]], size: int = 500) -> pa.Table:
    """Makes the lake, of micro-batches of `size` lines; the matches that are in it."""
    delta.create_tables(cfg)
    register, ruleset = loaded.register(cfg.detection), loaded.ruleset(cfg.detection)
    found = []
    for number, first in enumerate(range(0, len(lines), size)):
        events, matches = detect.detect(batch(lines[first : first + size], first), register, ruleset)
        micro_batch.commit(cfg, number, events=events, matches=matches)
        found.append(matches)
    return pa.Table.from_batches(found)
