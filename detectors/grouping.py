"""grouping: matches -> the alerts that they belong to.

In:   a flat batch of events and the (row, rule) pairs that matched
Out:  for each event the list of its matches, each with entity, window and alert id
Docs: docs/decisions/0006-alerts.md

Windows of alerts are tumbling and start at multiples of their length since 1970: an alert's identity then depends on
the event alone, not on what came before it, and needs no state. (Windows of correlations slide: `sigma.correlate`.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from detectors.alert import alert_id
from detectors.sigma.correlate import Firing
from detectors.sigma.rule import Correlation, Rule
from ingest.event import TEXT, TIMESTAMP

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MATCH = pa.struct(
    [
        ("rule_id", TEXT),
        ("alert_id", TEXT),
        ("entity_type", TEXT),
        ("entity_value", TEXT),
        ("window_start", TIMESTAMP),
        ("window_seconds", pa.int32()),
    ]
)
"""`alert_id` is null for a rule that only feeds a correlation."""

ENTITIES = ("source.ip", "user.name", "host.name", "service.name")
"""Whom an alert is about when its rule does not say, or its event lacks what the rule says: the first that is there."""

ON_A_MACHINE = (
    *("process_", "file_", "registry_", "ps_", "image_", "driver_", "pipe_", "create_", "raw_access_", "wmi_"),
    *("sysmon_", "network_connection", "dns_query", "antivirus", "clipboard_"),
)
"""Beginnings of Sigma's categories of what happens on one machine: there the account is mostly the system's own, and
its processes on all machines are no one alert."""


BEHIND, AHEAD = 366 * 86_400, 86_400
"""Seconds that an event's own time may lie before and after its receipt, and still choose its window. A sender writes
what it likes: each line with another year would be an alert in an index of its own, of which a cluster has room for
some hundred, and one in the year 2099 would end all windows in which `jobs.count` still counts."""


def attribute(events: pa.RecordBatch, matches: pa.RecordBatch, rules: Sequence[Rule]) -> pa.ListArray:
    """One list of MATCH an event, in the order of `matches` (by row, then rule); empty where nothing matched.

    `matches` has the columns row and rule as `Ruleset.match` gives them, sorted by row.
    """
    rows = matches.column("row").to_numpy()
    numbers = matches.column("rule").to_numpy()
    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=events.num_rows)))).astype(np.int32)
    found: list[dict[str, object]] = [{}] * len(rows)
    stamps = _epoch_seconds(events)
    for number in np.unique(numbers):
        rule = rules[number]
        places = np.nonzero(numbers == number)[0]
        for place, match in zip(places.tolist(), _of_rule(rule, rows[places], events, stamps), strict=True):
            found[place] = match
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(found, MATCH))


def window_start(moment: datetime, seconds: int) -> datetime:
    """The start of the tumbling window of that length that `moment` lies in."""
    # Whole seconds: `timestamp()` is a fraction in binary, which a far year rounds up into the next second.
    since = (moment - EPOCH) // timedelta(seconds=1)
    return EPOCH + timedelta(seconds=since - since % seconds)


def _of_rule(rule: Rule, rows: np.ndarray, events: pa.RecordBatch, stamps: np.ndarray) -> list[dict[str, object]]:
    starts = stamps[rows] - stamps[rows] % rule.window_seconds
    types, values = entity(events, rows, _entities(rule))
    known: dict[tuple[str, str, int], dict[str, object]] = {}
    found = []
    for key in zip(types, values, starts.tolist(), strict=True):
        if key not in known:
            start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=key[2])
            known[key] = {
                "rule_id": rule.id,
                "alert_id": alert_id(rule.id, key[0], key[1], start) if rule.generate else None,
                "entity_type": key[0],
                "entity_value": key[1],
                "window_start": start,
                "window_seconds": rule.window_seconds,
            }
        found.append(known[key])
    return found


def _entities(rule: Rule) -> Iterable[str]:
    own = (rule.entity,) if rule.entity else ()
    is_of_machine = (rule.logsource.category or "").startswith(ON_A_MACHINE)
    return dict.fromkeys((*own, "host.name", *ENTITIES) if is_of_machine else (*own, *ENTITIES))


def entity(events: pa.RecordBatch, rows: np.ndarray, wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """The type and value of the entity of each of `rows`: the first of `wanted` that is there."""
    index = pa.array(rows)
    types = pa.nulls(len(rows), TEXT)
    values = pa.nulls(len(rows), TEXT)
    for name in wanted:
        if name not in events.schema.names or not values.null_count:
            continue
        column = events.column(name).take(index)
        if pa.types.is_list(column.type):
            column = pc.list_element(pc.if_else(pc.equal(pc.list_value_length(column), 0), None, column), 0)
        column = column.cast(TEXT)
        types = pc.if_else(pc.and_(pc.is_null(values), pc.is_valid(column)), name, types)
        values = pc.coalesce(values, column)
    return types.fill_null("unknown").to_pylist(), values.fill_null("unknown").to_pylist()


def _epoch_seconds(events: pa.RecordBatch) -> np.ndarray:
    """The event's time; that of its receipt where the two lie too far apart (BEHIND, AHEAD)."""
    stamps = _seconds(events, "@timestamp")
    if "event.ingested" not in events.schema.names:
        return stamps
    received = _seconds(events, "event.ingested")
    is_near = (received == 0) | ((stamps >= received - BEHIND) & (stamps <= received + AHEAD))
    return np.where(is_near, stamps, received)


def _seconds(events: pa.RecordBatch, name: str) -> np.ndarray:
    stamps = events.column(name).cast(TIMESTAMP).cast(pa.int64()).fill_null(0)
    return np.asarray(stamps.to_numpy(zero_copy_only=False) // 1_000_000)


def of_firings(correlation: Correlation, group: str, firings: Iterable[Firing]) -> list[dict[str, Any]]:
    """The alerts of one group's firings: MATCH's columns, count, first_seen, last_seen and event_ids, by window.

    `count` is the largest that one sliding window of the correlation held, as its reason says it ("12 in 5m");
    `event_ids` are that window's.
    """
    values = dict(zip(correlation.group_by, orjson.loads(group), strict=True))
    kind = correlation.entity if correlation.entity in values else next(iter(values), None)
    entity_type, entity_value = (kind, str(values[kind])) if kind else ("rule.id", correlation.id)
    windows: dict[datetime, list[Firing]] = {}
    for firing in firings:
        windows.setdefault(window_start(firing.at, correlation.window_seconds), []).append(firing)
    alerts = []
    for start, inside in sorted(windows.items()):
        largest = max(inside, key=lambda firing: (firing.count, firing.at))
        alerts.append(
            {
                "rule_id": correlation.id,
                "alert_id": alert_id(correlation.id, entity_type, entity_value, start),
                "entity_type": entity_type,
                "entity_value": entity_value,
                "window_start": start,
                "window_seconds": correlation.window_seconds,
                "count": largest.count,
                "first_seen": min(firing.first_seen for firing in inside),
                "last_seen": max(firing.last_seen for firing in inside),
                "event_ids": list(largest.event_ids),
            }
        )
    return alerts
