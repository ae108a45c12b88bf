"""alerts: matches of a scan, counted up to alerts as the stream does it.

In:   the events that matched in each piece, in ECS, and the firings of correlations
Out:  rows of `detectors.raised.ALERT`; the same ids that the stream gives to the same events
Docs: docs/decisions/0006-alerts.md
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from detectors.alert import SAMPLES
from detectors.counting import count_up
from detectors.grouping import MATCH, attribute, of_firings
from detectors.raised import IDENTITY
from detectors.samples import written
from detectors.sigma.correlate import Firing
from detectors.sigma.rule import Correlation, Rule
from ingest.event import TEXT, nest

Identity = tuple[Any, ...]
"""The values of MATCH."""


class Sample(NamedTuple):
    """Sorts by time, then as the events lie in the files."""

    at: datetime
    place: str
    event: str
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
    events: dict[str, str] = field(default_factory=dict)
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
    if "@timestamp" not in events.schema.names:
        return Counted(undated=sum(rules[number].generate for number in matches["rule"].to_pylist()))
    attributed = attribute(events, matches, rules)
    rows = pc.list_parent_indices(attributed)
    at = events.column("@timestamp").take(rows)
    columns = dict(zip(MATCH.names, attributed.flatten().flatten(), strict=True))
    every = pa.RecordBatch.from_pydict({**columns, "at": at, "row": rows, "place": pa.array(places, TEXT).take(rows)})
    dated = every.filter(pc.is_valid(at))
    alerts = count_up(dated, dated.column("place"))
    shown = pc.unique(dated.column("row") if keep else dated.column("row").take(alerts.column("rows").values))
    texts = dict(zip(shown.to_pylist(), written(nest(events.take(shown))), strict=True))
    samples = [
        Sample(match["at"], match["place"], texts[match["row"]])
        for match in dated.select(["at", "place", "row"]).take(alerts.column("rows").values).to_pylist()
    ]
    ends = alerts.column("rows").offsets.to_pylist()
    groups = {
        tuple(row[name] for name in IDENTITY): Group(
            row["count"], row["first_seen"], row["last_seen"], samples[start:end]
        )
        for row, (start, end) in zip(alerts.drop_columns("rows").to_pylist(), itertools.pairwise(ends), strict=True)
    }
    undated = every.filter(pc.and_(pc.is_null(at), pc.is_valid(columns["alert_id"]))).num_rows
    return Counted(groups, undated, {places[row]: text for row, text in texts.items()} if keep else {})
