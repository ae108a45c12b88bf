"""detect: raw lines -> events, matches and alerts, in one Arrow pass.

In:   Kafka `syslog.raw`
Out:  the lake's `matches` and `events`; alerts in OpenSearch and on `soc.alerts`
Docs: docs/decisions/0008-detect.md; Structured Streaming guide, foreachBatch; DESIGN's road of one line

A line is read, matched, stored and told of in the Python worker that got it from Kafka. What goes back to Spark are the
names of the files that were written, and the driver's one act is to commit them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery

from detectors.grouping import attribute
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from ingest.event import RAW, nest
from ingest.parse import parse
from ingest.sources import Register
from jobs import loaded, rule_costs
from jobs.alerts import batch_rows, documents_of
from jobs.canaries import road
from jobs.sinks import data_files, delta, opensearch
from jobs.sources import kafka


def detect(lines: pa.RecordBatch, register: Register, ruleset: Ruleset) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Lines (`ingest.event.RAW`) -> their events, nested and one a line, and their matches as the lake holds them."""
    flat = parse(lines, register)
    events = nest(flat)
    return events, matched(events, attribute(flat, ruleset.match(flat), ruleset.rules))


def matched(events: pa.RecordBatch, found: pa.ListArray) -> pa.RecordBatch:
    """Nested events and their matches (`detectors.grouping.attribute`) -> the matches as the lake holds them."""
    event = events.take(pc.list_parent_indices(found))
    columns = [*found.flatten().flatten(), event.column("@timestamp"), event.to_struct_array()]
    return pa.RecordBatch.from_arrays(columns, schema=delta.SCHEMAS["matches"])


def process(lines: DataFrame, cfg: Config) -> DataFrame:
    """Lines -> one row of `data_files.FILE` for each file written; alerts are raised on the way.

    At least once: an alert is the same when it is raised again, and a file that nobody commits is no part of the lake.
    """
    return lines.mapInArrow(_task(cfg), from_arrow_schema(data_files.FILE))


def _task(cfg: Config) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # One set for the whole task, though another may become live meanwhile.
        register, ruleset = loaded.register(cfg.detection), loaded.live(cfg.detection)
        documents = documents_of(register, ruleset)
        writer = data_files.Writer(cfg.lake.path)
        with opensearch.Outlet(cfg) as outlet:
            for batch in batches:
                lines, canaries = road.parted(batch)
                if lines.num_rows:
                    events, matches = detect(lines, register, ruleset)
                    # The alert first, since somebody waits for it.
                    outlet.send(documents(batch_rows(matches)))
                    writer.write("matches", matches)
                    writer.write("events", events)
                if canaries.num_rows:
                    with road.off_the_account(ruleset):
                        found = detect(canaries, register, ruleset)
                    writer.write("matches", road.answer(*found, ruleset, documents, outlet))
            if rule_costs.teller(ruleset).tell(cfg, outlet):
                loaded.forget()
        yield writer.finish()

    return run


def warm(spark: SparkSession, cfg: Config) -> None:
    """Start the Python workers, and take the JVM once through all of it, on no lines."""
    tasks = spark.sparkContext.defaultParallelism
    typed = [F.lit(None).cast(field.dataType).alias(field.name) for field in from_arrow_schema(RAW)]
    # No optimizer knows that nothing comes of this, so that each task does start.
    process(spark.range(0, tasks, 1, tasks).where("id < 0").select(*typed), cfg).collect()


def start(spark: SparkSession, cfg: Config) -> StreamingQuery:
    """The running query. At least once at each sink, and each sink makes that exactly once in effect."""
    lake = delta.Tables(cfg)

    def commit(batch: DataFrame, batch_id: int) -> None:
        # A few rows, however many the lines: a file or two a task.
        lake.commit([row.asDict() for row in batch.collect()], delta.query_id(batch), batch_id)

    return (
        process(kafka.lines(spark, cfg), cfg)
        .writeStream.queryName("detect")
        .option("checkpointLocation", f"{cfg.spark.checkpoints}/detect")
        .trigger(processingTime=f"{cfg.spark.trigger_seconds} seconds")
        .foreachBatch(commit)
        .start()
    )
