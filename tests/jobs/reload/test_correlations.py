"""The state of correlations over a reload, in a real Spark stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.pandas.types import from_arrow_schema

from hamrong.config import Config
from jobs.correlate import correlate
from jobs.correlator import Lost
from jobs.reload.watch import Reloader
from jobs.sinks.delta import SCHEMAS
from tests.jobs.reload.rules import detection, write

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

START = datetime(2026, 3, 5, 2, tzinfo=UTC)
REFUSED = """title: refused
id: refused
name: refused
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: failure}, condition: s}
"""
MANY = """title: many refused
id: many
correlation: {type: event_count, rules: [refused], group-by: [source.ip], timespan: 10m, condition: {gte: 3}}
"""


def matches(second: int, *addresses: str) -> pa.Table:
    at = START + timedelta(seconds=second)
    rows = [
        {
            "rule_id": "refused",
            "at": at,
            "event": {
                "@timestamp": at,
                "event": {"id": f"{address} {second}", "outcome": "failure", "ingested": at, "dataset": "linux.sshd"},
                "source": {"ip": address},
            },
        }
        for address in addresses
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["matches"])


def test_only_a_correlation_that_is_gone_or_changed_forgets(spark: Any, cfg: Config, tmp_path: Path) -> None:
    rules, source = tmp_path / "rules", tmp_path / "matches"
    source.mkdir()
    write(rules, "one")
    (rules / "refused.yml").write_text(REFUSED)
    (rules / "many.yml").write_text(MANY)
    reloader = Reloader(detection(cfg, rules))
    reloader.begin()
    settings = detection(cfg, rules)
    told: list[list[tuple[str, int]]] = []

    def store(batch: Any, batch_id: int) -> None:
        told.append(sorted((row.entity_value, row["count"]) for row in batch.collect()))

    query = (
        correlate(
            spark.readStream.schema(from_arrow_schema(SCHEMAS["matches"])).parquet(str(source)),
            settings,
            spark.sparkContext.accumulator(Counter(), Lost()),
        )
        .writeStream.outputMode("update")
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .foreachBatch(store)
        .start()
    )

    def after(change: Callable[[], object], second: int, *addresses: str) -> list[tuple[str, int]]:
        """What is told of these matches when the rules were changed before they came."""
        change()
        while not reloader.look():
            pass
        pq.write_table(matches(second, *addresses), tmp_path / "part")
        (tmp_path / "part").rename(source / f"{second}.parquet")
        before = len(told)
        query.processAllAvailable()
        return [alert for batch in told[before:] for alert in batch]

    try:
        nothing: Callable[[], object] = object
        assert after(nothing, 0, "192.0.2.1", "192.0.2.2") == []
        assert after(nothing, 10, "192.0.2.1", "192.0.2.2") == []
        assert after(lambda: write(rules, "two"), 20, "192.0.2.1") == [("192.0.2.1", 3)]
        assert after(lambda: (rules / "many.yml").unlink(), 30, "192.0.2.2") == []
        changed = MANY.replace("timespan: 10m", "timespan: 20m")
        assert after(lambda: (rules / "many.yml").write_text(changed), 40, "192.0.2.2") == []
        assert after(nothing, 50, "192.0.2.2") == []
        assert after(nothing, 60, "192.0.2.2") == [("192.0.2.2", 3)]
    finally:
        query.stop()
