"""backtest: how much of a lake a rule's backtest reads, and what that costs against reading all of it.

In:   the demo's lines, repeated over the days with times and ids of their own
Out:  a table, one row a rule: bytes and CPU of the backtest as shares of a scan of everything

    python -m bench.backtest --lines 2000000
    python -m bench.backtest --lines 20000000 --days 30 --copies 5 --rules sudo --layout maintained

The lake is written twice: in the order of receipt, as the stream leaves it, and with the rows of one dataset together,
as `hamrong maintain` does. A scan of everything reads every column of every row group and asks the same matcher; it is
done for the last day, since it takes long. All of it runs in this one process, so that CPU time can be told; Spark
spreads the same tasks over cores. The bytes are those of the column chunks; "by the kernel" is what the process really
asked of its files. "Last day" is a backtest of that day alone, in bytes of the whole table.

With `--copies` each day's file stands so many times in the table, under names of its own that lead to the same bytes on
the disk (hard links): a lake of a hundred million events is then made from twenty. Each is opened, read and matched
like any other; only the kernel's cache is fuller than it would be.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.backlog import mix
from detectors.sigma.raw_lines import raw_batch
from hamrong import config
from hamrong.config import Config
from ingest.event import TIMESTAMP, flatten, nest
from ingest.parse import parse
from jobs import loaded, maintain
from jobs.backtest import lake
from jobs.backtest.chosen import Chosen, choose
from jobs.backtest.matching import Task
from jobs.sinks import data_files, delta

DISTINCT = 60_000
START = datetime(2026, 10, 25, tzinfo=UTC)
LAYOUTS = {"received": "as the stream leaves it", "maintained": "after hamrong maintain"}
RULES = {
    "sshd, one field": ("{product: linux, service: sshd}", "{event.outcome: failure}"),
    "sudo, text": ("{product: linux, service: sudo}", "{process.command_line|contains: visudo}"),
    "web, Sigma's names": ("{category: webserver}", "{cs-uri-query|contains: '../'}"),
    "web, keyword": ("{category: webserver}", "['etc/passwd']"),
    "province, two fields": (
        "{product: hamrong, service: audit}",
        "{event.action: record-read, event.outcome: failure}",
    ),
}
DRAFT = """\
title: {name}
id: 00000000-0000-4000-8000-{number:012}
status: experimental
level: low
logsource: {source}
detection: {{selection: {selection}, condition: selection}}
"""


@dataclass
class Cost:
    events: int = 0
    tried: int = 0
    matches: int = 0
    bytes: int = 0
    kernel_bytes: int = 0
    seconds: float = 0.0
    """Of CPU."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000_000, help="of the lake (default 2000000)")
    parser.add_argument("--days", type=int, default=10, help="over which they are spread (default 10)")
    parser.add_argument("--copies", type=int, default=1, metavar="N", help="of each day's file in the lake (default 1)")
    parser.add_argument(
        "--rules", nargs="+", default=[""], metavar="TEXT", help="only those whose name begins with one"
    )
    parser.add_argument("--layout", nargs="+", choices=LAYOUTS, default=list(LAYOUTS), help="(default: both)")
    parser.add_argument("--scratch", metavar="DIR", help="where the lakes are written and deleted again")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hamrong-bench-", dir=args.scratch) as folder:
        cfg = config.load()
        pieces = _pieces(cfg, mix(DISTINCT, None, 0))
        drafts = {name: path for name, path in _drafts(Path(folder)).items() if name.startswith(tuple(args.rules))}
        for layout in args.layout:
            its = dataclasses.replace(cfg, lake=dataclasses.replace(cfg.lake, path=f"{folder}/{layout}"))
            fill(its, pieces, args.lines // args.days, args.days, args.copies, by_kind=layout == "maintained")
            show(LAYOUTS[layout], its, drafts, args.days)
    return 0


def _pieces(cfg: Config, lines: list[bytes]) -> list[pa.RecordBatch]:
    register = loaded.register(cfg.detection)
    size = 10_000
    return [
        nest(parse(raw_batch(lines[first : first + size], 0, START), register)) for first in range(0, len(lines), size)
    ]


def _drafts(folder: Path) -> dict[str, Path]:
    drafts = {}
    for number, (name, (source, selection)) in enumerate(RULES.items()):
        drafts[name] = folder / f"{number}.yml"
        text = DRAFT.format(name=name, number=number, source=source, selection=selection)
        drafts[name].write_text(text, encoding="utf-8")
    return drafts


def fill(cfg: Config, pieces: Sequence[pa.RecordBatch], lines: int, days: int, copies: int, *, by_kind: bool) -> None:
    """A file a day, as they are when the day's small files are joined."""
    delta.create_tables(cfg)
    for day in range(days):
        writer = data_files.Writer(cfg.lake.path, maintain.LEVEL)
        batches = _day(pieces, day, lines)
        for group in maintain._row_groups("events" if by_kind else "", batches):
            writer.write("events", group)
        files = writer.finish().to_pylist()
        delta.Tables(cfg).commit([*files, *_copied(cfg, files, copies - 1)], "bench", day)


def _copied(cfg: Config, files: Sequence[dict[str, Any]], times: int) -> Iterator[dict[str, Any]]:
    for file in files:
        for _ in range(times):
            path = f"{Path(file['path']).parent}/{uuid.uuid4().hex}.zstd.parquet"
            os.link(Path(cfg.lake.path, file["table"], file["path"]), Path(cfg.lake.path, file["table"], path))
            yield {**file, "path": path}


def _day(pieces: Sequence[pa.RecordBatch], day: int, lines: int) -> Iterator[pa.RecordBatch]:
    """The lines of a day, with times and ids of their own."""
    start = START + timedelta(days=day)
    done, number = 0, day
    while done < lines:
        piece = pieces[number % len(pieces)].slice(0, lines - done)
        micros = int(start.timestamp() * 1e6) + (np.arange(piece.num_rows) + done) * (86_400_000_000 // lines)
        times = pa.array(micros).cast(TIMESTAMP)
        ids = pa.array([f"b{day:02}-{done + row:08}" for row in range(piece.num_rows)])
        yield _with(piece, times, ids)
        done += piece.num_rows
        number += 1


def _with(piece: pa.RecordBatch, times: pa.Array, ids: pa.Array) -> pa.RecordBatch:
    event = piece.column("event")
    fields = {field.name: event.field(place) for place, field in enumerate(event.type)}
    fields |= {"ingested": times, "id": ids}
    made = pa.StructArray.from_arrays(list(fields.values()), fields=list(event.type))
    columns = {name: piece.column(name) for name in piece.schema.names} | {"@timestamp": times, "event": made}
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=piece.schema)


def show(name: str, cfg: Config, drafts: dict[str, Path], days: int) -> None:
    files = lake.files(cfg)
    size = sum(file.bytes for file in files)
    print(f"\n{name}: {len(files)} files, {size / 1e6:,.0f} MB")
    heads = ("events", "tried", "matches", "bytes", "by the kernel", "CPU s", "CPU share", "events/CPU s", "last day")
    print(f"{'':22}" + "".join(f"{head:>15}" for head in heads))
    for rule, path in drafts.items():
        chosen = choose(cfg.detection, str(path), date(2026, 11, 24))
        whole = scan(chosen, tasks(cfg, days, 1))
        late = backtest(chosen, tasks(cfg, days, days))
        last = backtest(chosen, tasks(cfg, days, 1))
        assert last.matches == whole.matches, "late reading must not change what is found"
        row = (
            f"{late.events:,}",
            f"{late.tried / late.events:.1%}",
            f"{late.matches:,}",
            f"{late.bytes / size:.2%}",
            f"{late.kernel_bytes / size:.2%}",
            f"{late.seconds:,.1f}",
            f"{last.seconds / whole.seconds:.2%}",
            f"{late.events / late.seconds:,.0f}",
            f"{last.bytes / size:.2%}",
        )
        print(f"{rule:22}" + "".join(f"{value:>15}" for value in row))


def tasks(cfg: Config, days: int, last: int) -> list[Task]:
    """Over the last so many of the days."""
    until = START + timedelta(days=days)
    return lake.tasks(cfg, lake.files(cfg), until - timedelta(days=last), until - timedelta(microseconds=1))


def backtest(chosen: Chosen, work: Sequence[Task]) -> Cost:
    cost, asked, began = Cost(), _asked(), time.process_time()
    for task in work:
        for batch in task.run(chosen):
            read = batch.column("read").drop_null().to_pylist()
            cost.matches += batch.num_rows - len(read)
            for one in read:
                cost.events += one["events"]
                cost.tried += one["tried"]
                cost.bytes += one["bytes"]
    cost.seconds, cost.kernel_bytes = time.process_time() - began, _asked() - asked
    return cost


def scan(chosen: Chosen, work: Sequence[Task]) -> Cost:
    """Every column of every row group, through the same matcher."""
    cost, began = Cost(), time.process_time()
    ruleset = chosen.ruleset()
    for task in work:
        for path in task.paths:
            with pq.ParquetFile(Path(task.folder, path)) as parquet:
                for number in range(parquet.num_row_groups):
                    table = parquet.read_row_group(number, use_threads=False)
                    for batch in table.combine_chunks().to_batches():
                        cost.matches += ruleset.match(flatten(batch)).num_rows
    cost.seconds = time.process_time() - began
    return cost


def _asked() -> int:
    """Bytes that this process has read, from wherever."""
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("rchar")).split()[1])


if __name__ == "__main__":
    sys.exit(main())
