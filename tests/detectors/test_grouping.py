"""Matches become alerts by rule, entity and window, without state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import alert_id
from detectors.grouping import attribute, of_firings, window_start
from detectors.sigma.correlate import Firing
from detectors.sigma.rule import Condition, Correlation, LogSource, Rule
from ingest.event import TEXTS, TIMESTAMP

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RULES = (
    Rule(id="a", title="a", entity="user.name", window_seconds=3600),
    Rule(id="b", title="b", window_seconds=300),
    Rule(id="c", title="c", generate=False),
)


def events(**columns: list[object]) -> pa.RecordBatch:
    types = {"@timestamp": TIMESTAMP, "event.ingested": TIMESTAMP, "related.user": TEXTS}
    names = {
        "at": "@timestamp",
        "received": "event.ingested",
        "ip": "source.ip",
        "host": "host.name",
        "user": "user.name",
        "users": "related.user",
    }
    return pa.RecordBatch.from_pydict(
        {names[name]: pa.array(values, types.get(names[name], pa.string())) for name, values in columns.items()}
    )


def matches(*pairs: tuple[int, int]) -> pa.RecordBatch:
    rows, rules = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.RecordBatch.from_pydict({"row": pa.array(rows, pa.int32()), "rule": pa.array(rules, pa.int32())})


def test_a_match_gets_its_rules_entity_and_the_window_of_its_own_time() -> None:
    batch = events(at=[START + timedelta(minutes=59), START], ip=["192.0.2.1", "192.0.2.2"], user=["lan", None])
    first, second = attribute(batch, matches((0, 0), (0, 1), (1, 0)), RULES).to_pylist()
    assert [(match["entity_type"], match["entity_value"]) for match in first] == [
        ("user.name", "lan"),
        ("source.ip", "192.0.2.1"),
    ]
    assert [match["window_start"] for match in first] == [START, START + timedelta(minutes=55)]
    assert first[0]["alert_id"] == alert_id("a", "user.name", "lan", START)
    assert second[0]["entity_value"] == "192.0.2.2", "without the rule's entity, the first of the defaults"


@pytest.mark.parametrize(
    ("category", "kind"),
    [("process_creation", "host.name"), ("registry_set", "host.name"), ("webserver", "source.ip"), (None, "source.ip")],
)
def test_without_the_rules_word_an_alert_of_what_a_machine_does_is_about_the_machine(
    category: str | None, kind: str
) -> None:
    rule = Rule(id="p", title="p", logsource=LogSource(product="windows", category=category))
    batch = events(at=[START], ip=["192.0.2.1"], user=["SYSTEM"], host=["pc-1"])
    assert attribute(batch, matches((0, 0)), [rule]).to_pylist()[0][0]["entity_type"] == kind


def test_a_rule_that_feeds_a_correlation_has_no_alert_and_no_match_gives_an_empty_list() -> None:
    batch = events(at=[START, START], ip=["192.0.2.1", None])
    assert attribute(batch, matches((0, 2)), RULES).to_pylist()[0][0]["alert_id"] is None
    assert attribute(batch, matches(), RULES).to_pylist() == [[], []]


def test_an_event_without_any_entity_is_still_somebodys() -> None:
    found = attribute(events(at=[None], users=[["x"]]), matches((0, 1)), RULES).to_pylist()[0][0]
    assert (found["entity_type"], found["entity_value"]) == ("unknown", "unknown")
    assert found["window_start"] == datetime(1970, 1, 1, tzinfo=UTC)


ANY_STAMP = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(days=-370), timedelta(days=3)).map(lambda since: START + since),
)


@given(st.lists(ANY_STAMP.map(lambda stamp: stamp.replace(microsecond=0)), min_size=1, max_size=9))
def test_a_sender_with_a_wild_clock_makes_no_windows_elsewhere(stamps: list[datetime]) -> None:
    batch = events(at=list(stamps), ip=["192.0.2.1"] * len(stamps), received=[START] * len(stamps))
    found = attribute(batch, matches(*[(row, 1) for row in range(len(stamps))]), RULES).to_pylist()
    for stamp, (match,) in zip(stamps, found, strict=True):
        is_near = START - timedelta(days=366) <= stamp <= START + timedelta(days=1)
        assert match["window_start"] == window_start(stamp if is_near else START, 300)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 86_400))
def test_a_window_holds_its_moment_and_starts_at_a_multiple_of_its_length(moment: datetime, seconds: int) -> None:
    start = window_start(moment, seconds)
    assert start <= moment < start + timedelta(seconds=seconds)
    assert int(start.timestamp()) % seconds == 0


@given(st.permutations([(0, 0), (0, 1), (1, 0), (2, 1), (2, 2)]), st.integers(0, 5))
def test_splitting_a_batch_changes_no_match(order: list[tuple[int, int]], cut: int) -> None:
    batch = events(at=[START, START, START], ip=["192.0.2.1"] * 3, user=["lan", "minh", None])
    pairs = sorted(order[:cut])
    whole = attribute(batch, matches(*pairs), RULES).to_pylist()
    single = [
        attribute(batch.slice(row, 1), matches(*[(0, rule) for at, rule in pairs if at == row]), RULES).to_pylist()[0]
        for row in range(3)
    ]
    assert whole == single


def test_firings_of_one_window_are_one_alert_with_the_largest_count() -> None:
    correlation = Correlation(
        id="x",
        title="x",
        type="event_count",
        rules=("a",),
        group_by=("source.ip",),
        timespan_seconds=60,
        conditions=(Condition("gte", 2),),
        entity="source.ip",
    )
    firings = [
        Firing(START + timedelta(minutes=at), START, START + timedelta(minutes=at), count, (str(at),))
        for at, count in ((1, 2), (3, 7), (2, 5), (61, 3))
    ]
    first, second = of_firings(correlation, '["192.0.2.1"]', firings)
    assert (first["count"], first["event_ids"], first["entity_value"]) == (7, ["3"], "192.0.2.1")
    assert (first["first_seen"], first["last_seen"]) == (START, START + timedelta(minutes=3))
    assert second["window_start"] == START + timedelta(hours=1)
