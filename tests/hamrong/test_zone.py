"""A day is Viet Nam's, whatever zone the machine is set to."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hamrong import zone


def test_days_begin_at_midnight_in_viet_nam() -> None:
    assert zone.today(datetime(2026, 11, 24, 16, 59, tzinfo=UTC)) == date(2026, 11, 24)
    assert zone.today(datetime(2026, 11, 24, 17, 0, tzinfo=UTC)) == date(2026, 11, 25)
