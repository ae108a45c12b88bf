"""source_counts: what each shared system sends, in five minutes of receipt, as documents for the board *Nguồn log*.

In:   the lake's `events` and its log of commits, the register
Out:  one document a system and five minutes in `soc-sources-YYYY.MM`
Docs: Delta transaction log protocol, "Add File"; docs/guide/dashboards.md

The log says which times of receipt the new files hold; those five minutes, and no others, are counted again, whole.

Promise: at least once, and a replay changes nothing: the `_id` is the system and the time, and numbers are set, never
added to. What could not be told is told the next time. Two numbers are of the moment and stay as they were first told:
`silent` of a system that sent nothing, and `landing_seconds`, the time from receipt to the lake.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError
from deltalake.fs import DeltaStorageHandler
from opensearchpy import OpenSearch, OpenSearchException
from opensearchpy.helpers import bulk
from pyarrow.fs import PyFileSystem

from hamrong.config import Config
from ingest.sources import Register, System
from jobs import loaded
from jobs.sinks import delta
from triage import store

SLOT = timedelta(minutes=5)
SILENT = timedelta(hours=1)
"""As `hamrong sources report` has it."""
REACH = timedelta(hours=24)
"""How far back a first start counts, and a start after a long stop."""
AHEAD_SECONDS = 60
"""A minute ahead is a clock that nobody keeps, as in the nightly report."""

_COUNTS = """
select date_bin(interval '5 minutes', event['ingested'], timestamp '1970-01-01T00:00:00Z') as slot,
       coalesce(service['name'], '') as system,
       count(*) as events,
       sum(octet_length(event['original'])) as bytes,
       sum(case when event['kind'] = 'pipeline_error' then 1 else 0 end) as unparsed,
       sum(case when {delay} > {late} then 1 else 0 end) as late,
       sum(case when {delay} < -{ahead} then 1 else 0 end) as ahead,
       avg(case when {delay} between 0 and {late} then {delay} end) as delay_seconds,
       max(case when {delay} < -{ahead} then -({delay}) end) as ahead_seconds,
       max(event['ingested']) as last_seen
from events
where event['ingested'] >= timestamp '{since}' and event['ingested'] < timestamp '{until}'
group by 1, 2 order by 1, 2
"""
_DELAY = "(cast(extract(epoch from event['ingested']) as double) - cast(extract(epoch from \"@timestamp\") as double))"

log = logging.getLogger(__name__)


@dataclass
class _News:
    """What commits have added: the first and last slot of receipt, and for each slot the longest way to the lake."""

    slots: dict[datetime, float] = field(default_factory=dict)
    """Slots in which a new file begins or ends, with seconds from its last receipt to its commit."""

    def add(self, first: datetime, last: datetime, committed: datetime) -> None:
        took = max((committed - last).total_seconds(), 0.0)
        for slot in (slot_of(first), slot_of(last)):
            self.slots[slot] = max(took, self.slots.get(slot, 0.0))


class Counter:
    """What one process has told."""

    def __init__(self, cfg: Config, register: Register) -> None:
        self._cfg = cfg
        self._systems: dict[str, System | None] = {system.id: system for system in register.systems}
        self._version: int | None = None
        """Of the table, up to which all is told; None = nothing yet."""
        self._told = datetime.min.replace(tzinfo=UTC)
        """The last slot for which silent systems were told."""
        self._last: dict[str, datetime] = {}
        """When each system was last heard of."""

    def tell(self, client: OpenSearch, now: datetime) -> int:
        """Counts what is new in the lake; how many documents were written.

        Raises DeltaError, OSError or OpenSearchException when the lake or OpenSearch is away.
        """
        table = DeltaTable(delta.uri(self._cfg, "events"))
        news = None if self._version is None else self._news(table, self._version + 1)
        if news is None:
            since = self._begin(client, now)
            counts = self._count(table, since, slot_of(now) + SLOT)
        elif news.slots:
            counts = self._count(table, min(news.slots), max(news.slots) + SLOT)
        else:
            counts = []
        landed = news.slots if news else {}
        documents = [*self._counted(counts, landed), *self._silent(counts, now)]
        bulk(client, documents)
        # Only now: what fails before is done again.
        self._version, self._told = table.version(), slot_of(now)
        return len(documents)

    def _begin(self, client: OpenSearch, now: datetime) -> datetime:
        """From where to count at a start: the last slot with lines that stands, not further back than REACH."""
        body = {
            "size": 0,
            "query": {"range": {"soc.source.events": {"gte": 1}}},
            "aggs": {
                "systems": {
                    "terms": {"field": "service.name", "size": 10_000},
                    "aggs": {"last": {"max": {"field": "soc.source.last_seen"}}},
                },
                "newest": {"max": {"field": "@timestamp"}},
            },
        }
        answer = client.search(index=f"{self._cfg.opensearch.sources_index}-*", body=body, ignore_unavailable=True)
        found = answer.get("aggregations", {"systems": {"buckets": []}, "newest": {"value": None}})
        self._last = {bucket["key"]: _moment(bucket["last"]["value"]) for bucket in found["systems"]["buckets"]}
        newest = found["newest"]["value"]
        oldest = slot_of(now - REACH)
        since = max(_moment(newest), oldest) if newest is not None else oldest
        self._told = since - SLOT
        return since

    def _news(self, table: DeltaTable, first: int) -> _News | None:
        """What the commits from `first` on added; None when the log no longer has them."""
        files = PyFileSystem(DeltaStorageHandler(delta.uri(self._cfg, "events")))
        news = _News()
        for version in range(first, table.version() + 1):
            try:
                with files.open_input_file(posixpath.join("_delta_log", f"{version:020}.json")) as source:
                    lines = source.read().splitlines()
            except FileNotFoundError:
                log.info("the lake's log begins after version %d: counting anew", version)
                return None
            for added in (action["add"] for action in map(orjson.loads, lines) if "add" in action):
                # A file of a compaction holds what is counted already.
                if added["dataChange"] and (span := _span(added)):
                    news.add(*span, datetime.fromtimestamp(added["modificationTime"] / 1000, UTC))
        return news

    def _count(self, table: DeltaTable, since: datetime, until: datetime) -> list[dict[str, Any]]:
        query = _COUNTS.format(
            delay=_DELAY,
            late=self._cfg.detection.watermark_seconds,
            ahead=AHEAD_SECONDS,
            since=since.isoformat(),
            until=until.isoformat(),
        )
        rows: list[dict[str, Any]] = pa.table(QueryBuilder().register("events", table).execute(query)).to_pylist()
        return rows

    def _counted(
        self, counts: Iterable[Mapping[str, Any]], landed: Mapping[datetime, float]
    ) -> Iterator[dict[str, Any]]:
        for row in counts:
            numbers = {
                name: value for name, value in row.items() if name not in ("slot", "system") and value is not None
            }
            slot, system, seen = row["slot"], row["system"], row["last_seen"]
            self._last[system] = max(seen, self._last.get(system, seen))
            numbers |= {"unparsed_share": row["unparsed"] / row["events"], "silent": False}
            if slot in landed:
                numbers["landing_seconds"] = landed[slot]
            yield self._document(slot, system, {**numbers, "last_seen": seen.isoformat()})

    def _silent(self, counts: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[dict[str, Any]]:
        """Registered systems without a line, in each slot since the last that was told."""
        heard = {(row["slot"], row["system"]) for row in counts}
        slot = max(self._told + SLOT, slot_of(now - REACH))
        while slot <= slot_of(now):
            for system in self._systems:
                if (slot, system) not in heard:
                    last = self._last.get(system)
                    silent = last is None or min(now, slot + SLOT) - last >= SILENT
                    yield self._document(slot, system, {"events": 0, "bytes": 0, "unparsed": 0, "silent": silent})
            slot += SLOT

    def _document(self, slot: datetime, system: str, numbers: dict[str, Any]) -> dict[str, Any]:
        known = self._systems.get(system)
        about = {"expected_rate": known.expected_rate, "asset_level": known.asset_level} if known else {}
        return {
            "_op_type": "update",
            "_index": f"{self._cfg.opensearch.sources_index}-{slot:%Y.%m}",
            "_id": hashlib.sha256(f"{system} {slot.isoformat()}".encode()).hexdigest()[:32],
            "retry_on_conflict": 5,
            "doc_as_upsert": True,
            "doc": {
                "@timestamp": slot.isoformat(),
                "service": {"name": system or "(không rõ)"},
                **({"organization": {"name": known.owner_vi}} if known else {}),
                "soc": {"source": {**numbers, **about}},
            },
        }


def start(cfg: Config, stop: threading.Event) -> threading.Thread:
    """Count every `lake.source_counts_seconds` in a thread of this process, until `stop`; 0 seconds: never."""
    pause = cfg.lake.source_counts_seconds

    def run() -> None:
        counter = Counter(cfg, loaded.register(cfg.detection))
        while pause > 0 and not stop.wait(pause):
            try:
                with store.client(cfg.opensearch) as client:
                    counter.tell(client, datetime.now(UTC))
            except (DeltaError, OSError, OpenSearchException) as error:
                log.warning("what the sources send is not told until the next time: %.500s", error)

    thread = threading.Thread(target=run, name="source-counts", daemon=True)
    thread.start()
    return thread


def slot_of(moment: datetime) -> datetime:
    """The start of the five minutes that it lies in."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(SLOT.total_seconds()), UTC)


def _span(added: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """The first and last receipt in a file, by its statistics; None where none has a time of receipt."""
    statistics = orjson.loads(added["stats"])
    try:
        first, last = (statistics[bound]["event"]["ingested"] for bound in ("minValues", "maxValues"))
    except KeyError:
        return None
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
