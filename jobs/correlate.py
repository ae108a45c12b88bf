"""correlate: matches -> alerts of Sigma correlations, by event time.

In:   the lake's `matches`, as a stream
Out:  alerts of correlations; their `count` is the largest that one sliding window held
Docs: Sigma correlation rules specification 2.1; Spark transformWithState
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.stateful_processor import (
    ExpiredTimerInfo,
    StatefulProcessor,
    StatefulProcessorHandle,
    TimerValues,
)

from detectors.sigma.correlate import INPUTS
from hamrong.config import Config, Detection
from jobs import loaded
from jobs.alerts import ALERT, build_documents, correlation_alerts
from jobs.sinks import delta, opensearch

OCCURRENCES = pa.schema([*INPUTS, pa.field("sample", pa.string())])
"""What a correlation looks at, with the event as JSON for the alert's evidence."""


def occurrences(matches: DataFrame, detection: Detection) -> DataFrame:
    """Matches -> one row for each correlation that a match feeds."""
    rows = matches.select("rule_id", "event", F.to_json("event").alias("sample"))
    return rows.mapInArrow(_occurrences(detection), from_arrow_schema(OCCURRENCES))


def _occurrences(detection: Detection) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ruleset = loaded.ruleset(detection)
        for batch in batches:
            events = flatten(pa.RecordBatch.from_struct_array(batch.column("event")))
            found = ruleset.correlation_inputs(batch.column("rule_id"), events)
            samples = batch.column("sample").take(found.column("row"))
            yield pa.RecordBatch.from_arrays([*found.columns, samples], schema=OCCURRENCES)

    return run
