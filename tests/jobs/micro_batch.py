"""What tests put into the lake, by the road that `jobs.detect` takes."""

from __future__ import annotations

import pyarrow as pa

from hamrong.config import Config
from jobs.sinks import data_files, delta


def commit(cfg: Config, batch_id: int, **rows: pa.RecordBatch) -> None:
    """One micro-batch: rows of `delta.SCHEMAS` by table."""
    writer = data_files.Writer(cfg.lake.path)
    for table, batch in rows.items():
        writer.write(table, batch)
    delta.Tables(cfg).commit(writer.finish().to_pylist(), "test", batch_id)
