"""Which matches a correlation counts: groups, aliases, lists, chains, and events that lack a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma.occurrences import MAX_TEXT, MAX_VALUES, correlate
from detectors.sigma.ruleset import Ruleset
from tests.detectors.sigma.log_in_rules import LOG_INS

START = datetime(2026, 3, 5, 2, tzinfo=UTC)

CHAIN = (
    LOG_INS
    + """
title: many refused
id: many
correlation: {type: event_count, rules: [refused], group-by: [source.ip, user.name], timespan: 5m, condition: {gte: 3}}
---
title: found
id: found
correlation: {type: temporal_ordered, rules: [many, accepted], group-by: [source.ip, user.name], timespan: 10m}
"""
)


def fired(ruleset: Ruleset, rows: Sequence[tuple[int, str, str, str | None]]) -> list[tuple[str, str, float]]:
    """(second, outcome, address, user) of each event -> correlation, group and second of each firing."""
    batch = pa.RecordBatch.from_pydict(
        {
            "@timestamp": pa.array([START + timedelta(seconds=row[0]) for row in rows], pa.timestamp("us", tz="UTC")),
            "event.dataset": ["linux.sshd"] * len(rows),
            "event.id": [str(number) for number in range(len(rows))],
            "event.outcome": [row[1] for row in rows],
            "source.ip": [row[2] for row in rows],
            "user.name": pa.array([row[3] for row in rows], pa.string()),
        }
    )
    matches = ruleset.match(batch)
    inputs = ruleset.correlation_inputs(ruleset.matched_ids(matches), batch.take(matches["row"]))
    found = correlate(ruleset.correlations, inputs)
    return [(one.id, group, (firing.at - START).total_seconds()) for one, group, firing in found]


def test_a_correlation_of_a_correlation(load: Callable[..., Ruleset]) -> None:
    ruleset = load(CHAIN)
    assert {rule.id: rule.generate for rule in (*ruleset.rules, *ruleset.correlations)} == {
        "accepted": False,
        "refused": False,
        "found": True,
        "many": False,
    }
    refused = [(second, "failure", "203.0.113.7", "an") for second in (0, 10, 20)]
    accepted = (30, "success", "203.0.113.7", "an")
    assert fired(ruleset, [*refused, accepted]) == [("found", '["203.0.113.7","an"]', 30)]
    assert fired(ruleset, [*refused[1:], accepted]) == []
    assert fired(ruleset, [*refused, (30, "success", "203.0.113.8", "an")]) == []
    assert fired(ruleset, [(40, *row[1:]) if row[0] == 20 else row for row in refused] + [accepted]) == []
    assert fired(ruleset, [*refused, (700, "success", "203.0.113.7", "an")]) == []


def test_a_row_without_its_group_is_left_out(load: Callable[..., Ruleset]) -> None:
    ruleset = load(CHAIN.replace("{type: temporal_ordered", "{type: temporal"))
    rows = [(second, "failure", "203.0.113.7", None) for second in (0, 10, 20)]
    assert fired(ruleset, [*rows, (30, "success", "203.0.113.7", None)]) == []


def test_aliases_name_the_field_of_each_rule(load: Callable[..., Ruleset]) -> None:
    text = """
title: both
id: both
correlation:
  type: temporal
  rules: [refused, accepted]
  aliases: {who: {refused: source.ip, accepted: user.name}}
  group-by: [who]
  timespan: 1m
"""
    ruleset = load(LOG_INS + text)
    assert fired(ruleset, [(0, "failure", "x", "-"), (1, "success", "-", "x"), (2, "success", "x", "y")]) == [
        ("both", '["x"]', 1)
    ]


def rows(ruleset: Ruleset, *events: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Group, value and rule of what correlations count; one event a second."""
    inputs = ruleset.correlation_inputs(*matched(ruleset, events))
    return [(row["group"], row["value"], row["rule"]) for row in inputs.to_pylist()]


def matched(ruleset: Ruleset, events: tuple[dict[str, Any], ...]) -> tuple[pa.Array, pa.RecordBatch]:
    names = {name for event in events for name in event}
    whole = [
        {
            **dict.fromkeys(names),
            "@timestamp": START + timedelta(seconds=second),
            "event.dataset": "linux.sshd",
            "event.id": str(second),
            **event,
        }
        for second, event in enumerate(events)
    ]
    batch = pa.RecordBatch.from_pylist(whole)
    matches = ruleset.match(batch)
    return ruleset.matched_ids(matches), batch.take(matches["row"])


def told(ruleset: Ruleset, *events: dict[str, Any]) -> list[tuple[str, str, float, int]]:
    """Correlation, group, second and count of each firing."""
    inputs = ruleset.correlation_inputs(*matched(ruleset, events))
    return [
        (one.id, group, (firing.at - START).total_seconds(), firing.count)
        for one, group, firing in correlate(ruleset.correlations, inputs)
    ]


def refused(**fields: Any) -> dict[str, Any]:
    return {"event.outcome": "failure", **{name.replace("_", "."): value for name, value in fields.items()}}


def test_without_group_by_all_are_one_group(load: Callable[..., Ruleset]) -> None:
    ruleset = load(
        LOG_INS
        + "{title: x, id: x, correlation: {type: event_count, rules: refused, timespan: 1m, condition: {gte: 2}}}"
    )
    assert told(ruleset, refused(source_ip="192.0.2.1"), refused(source_ip="192.0.2.2")) == [("x", "[]", 1.0, 2)]


def test_an_event_is_in_each_group_that_a_list_names(load: Callable[..., Ruleset]) -> None:
    ruleset = load(
        LOG_INS
        + """
title: x
id: x
correlation:
  {type: event_count, rules: [refused], group-by: [related.ip, user.name], timespan: 1m, condition: {gte: 2}}
"""
    )
    events = (
        refused(related_ip=["192.0.2.1", "192.0.2.2"], user_name="an"),
        refused(related_ip=["192.0.2.2", "192.0.2.3"], user_name="an"),
        refused(related_ip=[], user_name="an"),
    )
    assert [group for group, *_ in rows(ruleset, *events)] == [f'["192.0.2.{number}","an"]' for number in (1, 2, 2, 3)]
    assert told(ruleset, *events) == [("x", '["192.0.2.2","an"]', 1.0, 2)]


VALUES = """
title: x
id: x
correlation: {type: KIND, rules: [refused], group-by: [source.ip], timespan: 1m, condition: {CONDITION}}
"""


def valued(load: Callable[..., Ruleset], kind: str, condition: str) -> Ruleset:
    return load(LOG_INS + VALUES.replace("KIND", kind).replace("CONDITION", condition))


def test_each_value_of_a_list_counts_and_combinations_of_fields_do(load: Callable[..., Ruleset]) -> None:
    one = valued(load, "value_count", "field: related.user, gte: 3")
    names = [["an", "binh"], ["an"], None, ["chi"]]
    events = [refused(source_ip="192.0.2.1", related_user=value) for value in names]
    assert told(one, *events) == [("x", '["192.0.2.1"]', 3.0, 3)]
    two = valued(load, "value_count", "field: [user.name, host.name], gte: 3")
    pairs = [("an", "h1"), ("an", "h2"), ("an", None), ("an", "h1"), ("b", "h1")]
    events = [refused(source_ip="192.0.2.1", user_name=user, host_name=host) for user, host in pairs]
    assert told(two, *events) == [("x", '["192.0.2.1"]', 4.0, 3)]


def test_numbers_are_added_and_what_is_none_is_passed_over(load: Callable[..., Ruleset]) -> None:
    events = [refused(source_ip="192.0.2.1", f=value) for value in ("70", "many", None, "29.5", "0.5")]
    ruleset = valued(load, "value_sum", "field: f, gte: 100")
    assert told(ruleset, *events) == [("x", '["192.0.2.1"]', 4.0, 100)]
    assert len(rows(ruleset, *events)) == 3


def test_long_values_are_cut_and_stay_different(load: Callable[..., Ruleset]) -> None:
    ruleset = valued(load, "value_count", "field: user.name, gte: 2")
    long = [refused(source_ip="192.0.2.1", user_name="x" * 5_000 + end) for end in "ab"]
    assert told(ruleset, *long) == [("x", '["192.0.2.1"]', 1.0, 2)]
    assert all(len(value or "") == MAX_TEXT for _, value, _ in rows(ruleset, *long))


def test_a_list_without_end_has_its_bound(load: Callable[..., Ruleset]) -> None:
    ruleset = valued(load, "value_count", "field: related.user, gte: 2")
    endless = refused(source_ip="192.0.2.1", related_user=[str(number) for number in range(MAX_VALUES + 5)])
    assert len(rows(ruleset, endless)) == MAX_VALUES


def test_a_correlation_may_group_by_what_the_one_below_does_not(load: Callable[..., Ruleset]) -> None:
    """As the specification has it: failures are counted by host, and the user of the one that was too many logs in."""
    ruleset = load(
        LOG_INS
        + """
title: many
id: many
correlation: {type: event_count, rules: [refused], group-by: [host.name], timespan: 5m, condition: {gte: 3}}
---
title: found
id: found
correlation: {type: temporal_ordered, rules: [many, accepted], group-by: [user.name], timespan: 10m}
"""
    )
    guesses = [refused(host_name="h1", user_name=user) for user in ("an", None, "chi")]
    accepted = {"event.outcome": "success", "host.name": "h2"}
    assert [
        (group, second)
        for _, group, second, _ in told(
            ruleset, *guesses, {**accepted, "user.name": "an"}, {**accepted, "user.name": "chi"}
        )
    ] == [('["chi"]', 4.0)]
    assert {group for group, *_ in rows(ruleset, *guesses)} == {"[]"}
    assert orjson.loads(rows(ruleset, guesses[1])[0][1] or "") == [[None, None], ['["h1"]', None]]


def test_an_alias_of_the_correlation_below_holds_above(load: Callable[..., Ruleset]) -> None:
    ruleset = load(
        LOG_INS
        + """
title: many
id: many
correlation:
  type: event_count
  rules: [refused]
  aliases: {who: {refused: source.ip}}
  group-by: [who]
  timespan: 5m
  condition: {gte: 2}
---
title: found
id: found
correlation:
  type: temporal_ordered
  rules: [many, accepted]
  aliases: {who: {accepted: client.ip}}
  group-by: [who]
  timespan: 10m
"""
    )
    guesses = [refused(source_ip="192.0.2.1")] * 2
    accepted = {"event.outcome": "success", "client.ip": "192.0.2.1", "source.ip": "192.0.2.9"}
    assert told(ruleset, *guesses, accepted) == [("found", '["192.0.2.1"]', 2.0, 2)]
    assert [one.group_by for one in ruleset.correlations] == [("source.ip",), ("source.ip",)]
