"""What a person writes after --since and --until, and the local days between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hamrong.errors import HamrongError
from jobs.backtest.contents import Span
from jobs.backtest.spans import span

HANOI = "Asia/Ho_Chi_Minh"
NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        ("30d", None, "2026-10-25T00:00+07:00", "2026-11-24T15:30+07:00"),
        ("0d", None, "2026-11-24T00:00+07:00", "2026-11-24T15:30+07:00"),
        ("12h", None, "2026-11-24T03:30+07:00", "2026-11-24T15:30+07:00"),
        ("2026-11-01", "2026-11-03", "2026-11-01T00:00+07:00", "2026-11-04T00:00+07:00"),
        ("2026-11-01T08:30", "2026-11-24", "2026-11-01T08:30+07:00", "2026-11-24T15:30+07:00"),
        ("2026-11-01T08:30Z", "2026-11-01T09:00Z", "2026-11-01T08:30+00:00", "2026-11-01T09:00+00:00"),
    ],
)
def test_times_are_local(since: str, until: str | None, begin: str, end: str) -> None:
    made = span(since, until, NOW, HANOI)
    assert (made.since, made.until) == (datetime.fromisoformat(begin), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("since", "until"), [("yesterday", None), ("2026-11-25", None), ("1d", "2d"), ("99999d", "x"), ("2026-13-01", None)]
)
def test_no_time_is_refused(since: str, until: str | None) -> None:
    with pytest.raises(HamrongError, match="write 30d"):
        span(since, until, NOW, HANOI)


def test_the_days_of_a_span_are_local_and_the_running_one_is_not_whole() -> None:
    days = list(Span(NOW - timedelta(hours=32), NOW, HANOI).days())
    assert days == [("2026-11-23", False), ("2026-11-24", False)]
    assert list(span("1d", None, NOW, HANOI).days()) == [("2026-11-23", True), ("2026-11-24", False)]
    whole = Span(datetime(2026, 11, 22, 17, tzinfo=UTC), datetime(2026, 11, 23, 17, tzinfo=UTC), HANOI)
    assert list(whole.days()) == [("2026-11-23", True)]
