"""Sequences in time, written short."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from detectors.sigma.sequence import Sequence, unfold

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def unfolded(*steps: Any) -> Sequence:
    told = unfold(steps, NOON)
    assert isinstance(told, Sequence)
    return told


def test_a_plain_line_stands_as_it_is() -> None:
    assert unfolded("{iso} {n}") == (("{iso} {n}",), (), (None,))
    assert unfolded({"line": "{iso} {n}"}) == (("{iso} {n}",), (), (None,))


def test_stamps_and_numbers_are_written_in() -> None:
    told = unfolded({"line": "{syslog} | {iso} | {clf} | {n} | {other}", "at": "+1m", "repeat": 2, "every": "1.5s"})
    assert told.lines == (
        "Mar  5 12:01:00 | 2026-03-05T12:01:00.000+00:00 | 05/Mar/2026:12:01:00 +0000 | 0 | {other}",
        "Mar  5 12:01:01 | 2026-03-05T12:01:01.500+00:00 | 05/Mar/2026:12:01:01 +0000 | 1 | {other}",
    )
    assert [(time - NOON).total_seconds() for time in told.times if time] == [60, 61.5]


def test_events_get_their_time_unless_they_have_one() -> None:
    told = unfolded(
        {"event": {"user.name": "u{n}", "n": 1}, "repeat": 2}, {"event": {"@timestamp": "2026-01-01T00:00:00Z"}}
    )
    events = [orjson.loads(event) for event in told.events]
    assert events == [
        {"user.name": "u0", "n": 1, "@timestamp": "2026-03-05T12:00:00+00:00"},
        {"user.name": "u1", "n": 1, "@timestamp": "2026-03-05T12:00:01+00:00"},
        {"@timestamp": "2026-01-01T00:00:00Z"},
    ]


def test_a_single_event_is_left_alone() -> None:
    assert unfolded({"event": {"a": "{n}"}}).events == (b'{"a":"{n}"}',)


def test_without_a_time_of_receipt_it_is_nine_in_the_morning_of_a_thursday() -> None:
    told = unfold([{"line": "{iso}", "at": "+0s"}], None)
    assert isinstance(told, Sequence)
    assert told.lines == ("2026-03-05T09:00:00.000+07:00",)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (1, "is '1'"),
        ({}, "has no line"),
        ({"line": "a", "event": {}}, "has both line and event"),
        ({"line": 1}, "has no line"),
        ({"event": []}, "has no line"),
        ({"line": "a", "repeat": 0}, "repeat is 0"),
        ({"line": "a", "repeat": True}, "repeat is True"),
        ({"line": "a", "repeat": 10_001}, "repeat is 10001"),
        ({"line": "a", "at": "soon"}, "at is 'soon'"),
        ({"line": "a", "every": 5}, "every is 5"),
        ({"line": "a", "evry": "5s"}, "has the unknown key 'evry'"),
    ],
)
def test_a_fault_says_what_and_where(step: Any, what: str) -> None:
    told = unfold(["a line", step], None)
    assert not isinstance(told, Sequence)
    assert told[0].startswith(f"step 2 {what}")
    assert told[1]


def test_lines_and_events_do_not_mix() -> None:
    told = unfold(["a line", {"event": {}}], None)
    assert told == ("has both lines and events", "write all of them as lines, or all as events")
