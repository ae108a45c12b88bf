"""Drawings: every shape lies in its field, in the order of time, and the ticks say Viet Nam's time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import iso
from triage.web import timeline
from triage.web.timeline import BOTTOM, LEFT, RIGHT, TOP

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def alert(identity: str, minutes: float, length: float = 0, risk: int = 50) -> dict[str, Any]:
    end = NOON + timedelta(minutes=minutes)
    first = end - timedelta(minutes=length)
    return {"id": identity, "first_seen": iso(first), "last_seen": iso(end), "risk_score": risk}


ALERTS = st.lists(
    st.builds(
        alert,
        st.sampled_from("abcdef"),
        st.integers(-2880, 2880),
        st.integers(0, 400_000),
        st.integers(-5, 120),
    ),
    max_size=20,
)


@given(ALERTS)
def test_every_alert_lies_in_the_field_and_in_the_order_of_time(alerts: list[dict[str, Any]]) -> None:
    drawing = timeline.of_alerts(alerts, "a")
    assert len(drawing.dots) == len(alerts)
    for dot in drawing.dots:
        assert LEFT <= dot.start <= dot.x <= RIGHT
        assert TOP <= dot.y <= BOTTOM
    by_time = sorted(drawing.dots, key=lambda dot: str(dot.alert["last_seen"]))
    assert [dot.x for dot in by_time] == sorted(dot.x for dot in drawing.dots)
    assert all(LEFT <= tick.x <= RIGHT for tick in drawing.ticks)
    assert len({tick.x for tick in drawing.ticks}) == len(drawing.ticks) <= timeline.MOST_TICKS + 1


def test_the_current_alert_is_drawn_last_and_marked() -> None:
    drawing = timeline.of_alerts([alert("a", 0), alert("b", 10), alert("c", 20)], "b")
    assert [(dot.alert["id"], dot.current) for dot in drawing.dots] == [("a", False), ("c", False), ("b", True)]


def test_one_alert_stands_in_the_middle_of_an_hour() -> None:
    (dot,) = timeline.of_alerts([alert("a", 0, risk=100)], "a").dots
    assert dot.x == (LEFT + RIGHT) / 2
    assert dot.y == TOP


def test_ticks_are_round_times_of_viet_nam_and_name_the_day_once() -> None:
    drawing = timeline.of_alerts([alert("a", 0), alert("b", 24 * 60)], "a")
    texts = [tick.text for tick in drawing.ticks]
    assert texts[:2] == ["12:00 24/11", "15:00"]
    assert [text for text in texts if "/" in text] == ["12:00 24/11", "00:00 25/11"]


def test_no_alerts_make_an_empty_drawing() -> None:
    assert timeline.of_alerts([], "a") == timeline.Drawing(())


DAYS = st.lists(
    st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(1, 500), st.integers(0, 100)),
    max_size=60,
    unique_by=lambda day: day[0],
)


@given(DAYS)
def test_every_day_of_the_last_ninety_is_one_bar(days: list[tuple[date, int, int]]) -> None:
    today = date(2026, 11, 24)
    drawing = timeline.of_days([(day.isoformat(), alerts, risk) for day, alerts, risk in sorted(days)], today)
    last = max([today, *(day for day, _, _ in days)])
    wanted = sorted(day for day, _, _ in days if day > last - timedelta(days=timeline.DAYS))
    assert [bar.day for bar in drawing.bars] == wanted
    for bar in drawing.bars:
        assert LEFT <= bar.x < bar.x + bar.width <= RIGHT
        assert TOP <= bar.y <= BOTTOM
        assert bar.y == timeline.height(bar.risk)
    assert all(
        after.x >= before.x + before.width for before, after in zip(drawing.bars, drawing.bars[1:], strict=False)
    )
    assert len(drawing.ticks) <= timeline.MOST_TICKS + 1
