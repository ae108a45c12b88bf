"""lake: what the day's lines say, by Spark SQL.

In:   the lake's `events`, the day
Out:  `Lines`
Docs: Spark SQL built-in functions; Delta partition pruning

Few passes over few columns: counts by system and hour in one, and one each for addresses, accounts, hosts and tags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from hamrong.config import Config
from jobs.report.contents import Count, Day, Talker, Tally
from jobs.sinks import delta

AHEAD_SECONDS = 60
"""A clock kept by NTP is right within a second; a minute ahead is a clock that nobody keeps."""

TOP = 10

COUNTS = """
SELECT coalesce(service.name, '') AS system,
       hour(from_utc_timestamp(event.ingested, {zone})) AS hour,
       count(*) AS events,
       count_if(event.kind = 'pipeline_error') AS unparsed,
       count_if(timestampdiff(SECOND, `@timestamp`, event.ingested) > {late}) AS late,
       count_if(timestampdiff(SECOND, event.ingested, `@timestamp`) > {ahead}) AS ahead,
       max(event.ingested) AS last
FROM {day} GROUP BY ALL
"""

TALKERS = """
SELECT {field} AS value, count(*) AS events, count_if(event.outcome = 'failure') AS failures,
       count(DISTINCT service.name) AS systems
FROM {day} WHERE {field} <> '' GROUP BY {field} ORDER BY events DESC, value LIMIT {top}
"""

TAGS = "SELECT tag AS key, count(*) AS count FROM {day} LATERAL VIEW explode(tags) AS tag GROUP BY tag ORDER BY tag"


@dataclass(frozen=True)
class Lines:
    by_system: Mapping[str, Tally]
    """"" = lines of no shared system; a name without lines gives an empty tally."""
    by_hour: Mapping[int, Tally]
    sources: tuple[Talker, ...]
    accounts: tuple[Talker, ...]
    hosts: tuple[Talker, ...]
    tags: tuple[Count, ...]


def read(cfg: Config, spark: SparkSession, day: Day) -> Lines:
    """The day's counts. Raises HamrongError when there is no lake."""
    lines = events_of(cfg, spark, day)
    bounds: dict[str, Any] = {"zone": day.zone, "late": cfg.detection.watermark_seconds, "ahead": AHEAD_SECONDS}
    by_system: dict[str, Tally] = defaultdict(Tally)
    by_hour: dict[int, Tally] = defaultdict(Tally)
    for row in spark.sql(COUNTS, day=lines, **bounds).collect():
        by_system[row.system] += _tally(row)
        by_hour[row.hour] += _tally(row)
    return Lines(
        by_system,
        by_hour,
        sources=_talkers(spark, lines, "source.ip"),
        accounts=_talkers(spark, lines, "user.name"),
        hosts=_talkers(spark, lines, "host.name"),
        tags=tuple(Count(row["key"], row["count"]) for row in spark.sql(TAGS, day=lines).collect()),
    )


def events_of(cfg: Config, spark: SparkSession, day: Day) -> DataFrame:
    """The lines received on the day; only its partitions are read. Partitions are days of UTC, so there are two."""
    return delta.table(spark, cfg, "events").where(
        F.col("ingest_day").between(day.start.date(), day.end.date())
        & (F.col("event.ingested") >= day.start)
        & (F.col("event.ingested") < day.end)
    )


def _talkers(spark: SparkSession, lines: DataFrame, field: str) -> tuple[Talker, ...]:
    rows = spark.sql(TALKERS, day=lines, field=F.col(field), top=TOP).collect()
    return tuple(Talker(row.value, row.events, row.failures, row.systems) for row in rows)


def _tally(row: Row) -> Tally:
    values: dict[str, Any] = row.asDict()
    # Spark hands over a moment in this machine's zone and without saying so.
    last = values["last"].astimezone(UTC)
    return Tally(values["events"], values["unparsed"], values["late"], values["ahead"], last)
