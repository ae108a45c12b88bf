"""Alerts of a batch are counted as a plain loop counts them, and no cut changes that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import SAMPLES
from detectors.counting import count_up
from detectors.grouping import MATCH
from ingest.event import TEXT, TIMESTAMP

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SCHEMA = pa.schema([*MATCH, pa.field("at", TIMESTAMP)])

DRAWN = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 5), st.integers(0, 99)), max_size=40)


def counted(drawn: list[tuple[str | None, int, int]]) -> list[dict[str, Any]]:
    """Matches by alert, second and event; a row's `rows` as the events that they are."""
    matches = [
        {"rule_id": "r", "alert_id": alert, "entity_value": f"of {alert}", "at": START + timedelta(seconds=second)}
        for alert, second, _ in drawn
    ]
    ties = [f"{event:03}" for *_, event in drawn]
    rows = count_up(pa.RecordBatch.from_pylist(matches, schema=SCHEMA), pa.array(ties, TEXT)).to_pylist()
    return [{**row, "events": [(drawn[place][1], drawn[place][2]) for place in row["rows"]]} for row in rows]


@given(DRAWN)
def test_alerts_of_a_batch_are_those_of_a_plain_loop(drawn: list[tuple[str | None, int, int]]) -> None:
    groups: dict[str, list[tuple[int, int]]] = {}
    for alert, second, event in drawn:
        if alert:
            groups.setdefault(alert, []).append((second, event))
    rows = counted(drawn)
    assert [row["alert_id"] for row in rows] == sorted(groups)
    for row in rows:
        seen = sorted(groups[row["alert_id"]])
        times = [START + timedelta(seconds=seen[place][0]) for place in (0, -1)]
        assert (row["count"], row["first_seen"], row["last_seen"]) == (len(seen), *times)
        assert row["events"] == seen[:SAMPLES]
        assert row["entity_value"] == f"of {row['alert_id']}"


@given(DRAWN, st.randoms(use_true_random=False))
def test_the_order_of_matches_is_nothing(drawn: list[tuple[str | None, int, int]], chance: Any) -> None:
    other = drawn.copy()
    chance.shuffle(other)
    assert [{**row, "rows": None} for row in counted(drawn)] == [{**row, "rows": None} for row in counted(other)]
