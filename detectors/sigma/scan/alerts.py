"""alerts: matches of a scan, counted up to alerts as the stream does it.

In:   the events that matched in each piece, in ECS, and the firings of correlations
Out:  rows of `detectors.raised.ALERT`; the same ids that the stream gives to the same events
Docs: docs/decisions/0006-alerts.md
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from detectors.alert import SAMPLES
from detectors.grouping import attribute, of_firings
from detectors.raised import IDENTITY
from detectors.sigma.correlate import Firing
from detectors.sigma.rule import Correlation, Rule
from ingest.event import to_documents

Identity = tuple[Any, ...]
"""The values of MATCH."""


class Sample(NamedTuple):
    """Sorts by time, then as the events lie in the files."""

    at: datetime
    place: str
    event: bytes
    """Nested ECS as JSON."""


@dataclass
class Group:
    """What is known of one alert. Joining is in any order."""

    count: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    samples: list[Sample] = field(default_factory=list)
    """The first ones."""

    def join(self, other: Group) -> None:
        self.count += other.count
        times = [at for one in (self, other) for at in (one.first_seen, one.last_seen) if at]
        self.first_seen, self.last_seen = min(times), max(times)
        self.samples = heapq.nsmallest(SAMPLES, [*self.samples, *other.samples])


@dataclass
class Counted:
    groups: dict[Identity, Group] = field(default_factory=dict)
    undated: int = 0
    """Matches of events without a time: they are in no window."""
    events: dict[str, bytes] = field(default_factory=dict)
    """By place: the events that a correlation may show."""

    def join(self, other: Counted) -> None:
        for identity, group in other.groups.items():
            self.groups.setdefault(identity, Group()).join(group)
        self.undated += other.undated
        self.events |= other.events

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of ALERT; a sample is a pair of place and event."""
        for identity, group in self.groups.items():
            yield {
                **dict(zip(IDENTITY, identity, strict=True)),
                "count": group.count,
                "first_seen": group.first_seen,
                "last_seen": group.last_seen,
                "samples": [(sample.place, sample.event) for sample in group.samples],
            }

    def fired(self, correlation: Correlation, group: str, firings: Iterable[Firing]) -> Iterator[dict[str, Any]]:
        """The same for the firings of one group."""
        for row in of_firings(correlation, group, firings):
            yield {**row, "samples": [(place, self.events[place]) for place in row["event_ids"]]}


def counted(
    events: pa.RecordBatch, matches: pa.RecordBatch, rules: Sequence[Rule], places: Sequence[str], keep: bool
) -> Counted:
    """The alerts of one piece: `matches` are of `events`, which lie at `places`. `keep`: correlations may show them."""
    found = Counted()
    if "@timestamp" not in events.schema.names:
        return Counted(undated=sum(rules[number].generate for number in matches["rule"].to_pylist()))
    written = [orjson.dumps(nested(document)) for document in _documents(events)]
    times = events.column("@timestamp").to_pylist()
    for at, place, event, its in zip(
        times, places, written, attribute(events, matches, rules).to_pylist(), strict=True
    ):
        shown = [match for match in its if match["alert_id"] is not None]
        if at is None:
            found.undated += len(shown)
            continue
        if keep:
            found.events[place] = event
        for match in shown:
            group = Group(1, at, at, [Sample(at, place, event)])
            found.groups.setdefault(tuple(match.values()), Group()).join(group)
    return found


def _documents(events: pa.RecordBatch) -> list[dict[str, Any]]:
    """Dotted names; the vendors' in a map of their own, as the lake has them."""
    names = [name for name in events.schema.names if name != "vendor"]
    documents = to_documents(events.select(names))
    if "vendor" in events.schema.names:
        for document, pairs in zip(documents, events.column("vendor").to_pylist(), strict=True):
            if pairs:
                document["vendor"] = dict(pairs)
    return documents


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` -> `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for name, value in dotted.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree
