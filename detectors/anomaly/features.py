"""features: events -> one row an entity and window.

In:   events (`ingest.event.NESTED`), in batch or as a stream
Out:  WINDOW columns and one number a feature of `FEATURES`

Training and the stream share this definition, and both count distinct values by HyperLogLog++ (a stream cannot keep
them all): so the same lines give the same numbers on both roads.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ENTITIES = ("source.ip", "user.name")

WINDOW = ("entity_type", "entity_value", "window_start", "first_seen", "last_seen", "systems", "samples")
"""Who and when; `systems` are the shared systems concerned, `samples` the first SAMPLES events as JSON."""

SAMPLES = 3
SAMPLE_FIELDS = (
    "@timestamp", "message", "event", "host", "source", "destination", "user", "url", "http", "process",
    "service", "organization", "related",
)  # fmt: skip

CLOCK_SKEW_SECONDS = 600
NIGHT = (22, 6)
"""Local hours; the province's offices are closed and its portals quiet."""


FEATURES = {
    "events": "count",
    "paths": "about",
    "peers": "about",
    "hosts": "about",
    "services": "count",
    "failures": "count",
    "failure_share": "share",
    "errors": "count",
    "error_share": "share",
    "bytes": "bytes",
    "night_share": "share",
}
"""Name and unit: count, about (a count that HyperLogLog++ estimates), share (0-1) or bytes. `peers` are the accounts
of an address, the addresses of an account; `errors` are HTTP answers from 400 up."""

NAMES = tuple(FEATURES)


def features(events: DataFrame, window_seconds: int, timezone: str, watermark_seconds: int) -> DataFrame:
    """Events -> one row an entity and tumbling window (WINDOW, then NAMES as doubles).

    Left out: lines that nothing parsed, lines without a time, lines without an entity. In a stream use update mode:
    rows come again whenever they change.
    """
    entities = F.array(
        _entity("source.ip", F.col("source.ip"), F.col("user.name")),
        _entity("user.name", F.col("user.name"), F.col("source.ip")),
    )
    rows = _usable(events).withWatermark("`@timestamp`", f"{watermark_seconds} seconds")
    return (
        rows.select(*_measures(timezone), F.explode(entities).alias("entity"))
        .where("entity.value is not null and entity.value <> ''")
        .groupBy(F.window("at", f"{window_seconds} seconds").alias("window"), "entity.type", "entity.value")
        .agg(*_aggregates())
        .select(
            F.col("type").alias("entity_type"),
            F.col("value").alias("entity_value"),
            F.col("window.start").alias("window_start"),
            *WINDOW[3:],
            *(F.col(name).cast("double") for name in NAMES),
        )
    )


def _usable(events: DataFrame) -> DataFrame:
    """Lines that were parsed and have a time.

    A time ahead of the receiver's clock is not believed: a sender chooses it, and one line from the year 2099 would
    move the watermark there, so that every later line of every sender came too late to be counted.
    """
    at = F.col("`@timestamp`")
    return events.where(
        at.isNotNull()
        & (F.coalesce(F.col("event.kind"), F.lit("event")) != "pipeline_error")
        & (at <= F.col("event.ingested") + F.make_interval(secs=F.lit(CLOCK_SKEW_SECONDS)))
    )


def _entity(kind: str, value: Column, peer: Column) -> Column:
    return F.struct(F.lit(kind).alias("type"), value.alias("value"), peer.alias("peer"))


def _measures(timezone: str) -> list[Column]:
    """What one event adds, as columns."""
    hour = F.hour(F.from_utc_timestamp(F.col("`@timestamp`"), timezone))
    status = F.col("http.response.status_code")
    moved = F.coalesce(F.col("source.bytes"), F.lit(0)) + F.coalesce(F.col("destination.bytes"), F.lit(0))
    return [
        F.col("`@timestamp`").alias("at"),
        F.col("event.id").alias("id"),
        F.col("url.path").alias("path"),
        F.coalesce(F.col("host.name"), F.col("destination.ip")).alias("host"),
        F.col("service.name").alias("system"),
        (F.col("event.outcome") == "failure").alias("failed"),
        F.col("event.outcome").isin("failure", "success").alias("judged"),
        (status >= 400).alias("refused"),
        status.isNotNull().alias("request"),
        F.coalesce(
            F.col("network.bytes"), F.nullif(moved, F.lit(0)), F.col("http.response.bytes"),
            F.col("http.response.body.bytes"), F.lit(0),
        ).alias("moved"),
        ((hour >= NIGHT[0]) | (hour < NIGHT[1])).alias("night"),
        F.to_json(F.struct(*(F.col(f"`{name}`") for name in SAMPLE_FIELDS))).alias("sample"),
    ]  # fmt: skip


def _aggregates() -> list[Column]:
    failures, errors = F.count_if("failed"), F.count_if("refused")
    return [
        F.min("at").alias("first_seen"),
        F.max("at").alias("last_seen"),
        F.array_sort(F.collect_set("system")).alias("systems"),
        F.expr(f"min_by(sample, struct(at, id), {SAMPLES})").alias("samples"),
        F.count("*").alias("events"),
        F.approx_count_distinct("path").alias("paths"),
        F.approx_count_distinct("entity.peer").alias("peers"),
        F.approx_count_distinct("host").alias("hosts"),
        F.size(F.collect_set("system")).alias("services"),
        failures.alias("failures"),
        _share(failures, F.count_if("judged")).alias("failure_share"),
        errors.alias("errors"),
        _share(errors, F.count_if("request")).alias("error_share"),
        F.sum("moved").alias("bytes"),
        _share(F.count_if("night"), F.count("*")).alias("night_share"),
    ]


def _share(part: Column, whole: Column) -> Column:
    """0-1; 0 where there is no whole."""
    return F.coalesce(part / F.nullif(whole, F.lit(0)), F.lit(0.0))
