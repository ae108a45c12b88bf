"""zone: where the days of this installation begin and end.

In:   a moment, or the clock
Out:  the day it is in Viet Nam, whatever zone the machine is set to
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

NAME = "Asia/Ho_Chi_Minh"
ZONE = ZoneInfo(NAME)


def today(now: datetime | None = None) -> date:
    """The day at `now`, which has a zone."""
    return (now or datetime.now(UTC)).astimezone(ZONE).date()
