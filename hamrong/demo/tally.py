"""tally: how many lines came through, counted where they ended up.

In:   the lake's files, the dead-letter topic
Out:  distinct events and dead lines received since a moment

The lake is read here by delta-rs and not by Spark: whoever wrote does not count.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from kafka import KafkaConsumer, TopicPartition

from hamrong.config import Config


def events(cfg: Config, since: datetime) -> int:
    """Distinct event ids in the lake whose receipt is at or after `since`."""
    table = DeltaTable(f"{cfg.lake.path}/events").to_pyarrow_dataset()
    received = ds.field("event", "ingested") >= pc.scalar(since)
    fresh = (ds.field("ingest_day") >= pc.scalar(since.date())) & received
    ids = table.to_table(columns={"id": ds.field("event", "id")}, filter=fresh)["id"]
    return int(pc.count_distinct(ids).as_py())


def dead_lines(cfg: Config, since: datetime) -> int:
    """Lines (not refused alerts) on the dead-letter topic since `since`."""
    consumer = KafkaConsumer(bootstrap_servers=cfg.kafka.bootstrap_servers, consumer_timeout_ms=2000)
    try:
        topic = cfg.kafka.dead_topic
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        moments = consumer.offsets_for_times({place: int(since.timestamp() * 1000) for place in places})
        count = 0
        for place in places:
            start = moments[place]
            if start is None or start.offset >= ends[place]:
                continue
            consumer.assign([place])
            consumer.seek(place, start.offset)
            for message in consumer:
                count += ("what", b"alert") not in message.headers
                if message.offset + 1 >= ends[place]:
                    break
        return count
    finally:
        consumer.close()
