"""spans: what a person writes after --since and --until -> moments.

In:   `30d`, `12h`, `2026-11-01`, `2026-11-01T08:30`; the time now, the zone of those who write
Out:  `Span`
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hamrong.errors import HamrongError
from jobs.backtest.contents import Span

FORMS = "write 30d, 12h, 2026-11-01 or 2026-11-01T08:30"


def span(since: str, until: str | None, now: datetime, zone: str) -> Span:
    """`30d` begins with the local day 30 days before today, so that only the last day is a part of one; a day after
    `until` counts whole. Raises HamrongError for what is no time, or the wrong way round."""
    begin = _moment("--since", since, now, zone, whole=False)
    end = min(_moment("--until", until, now, zone, whole=True), now) if until else now
    if begin >= end:
        raise HamrongError(f"--since {since} is not before {f'--until {until}' if until else 'now'}; {FORMS}")
    return Span(begin, end, zone)


def _moment(option: str, text: str, now: datetime, zone: str, *, whole: bool) -> datetime:
    ago = re.fullmatch(r"(\d{1,5})([dh])", text)
    if ago and ago[2] == "h":
        return now - timedelta(hours=int(ago[1]))
    try:
        if ago:
            day = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=int(ago[1]))
            return Span(now, now, zone).start_of(day)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text) + timedelta(days=whole)
            return Span(now, now, zone).start_of(day)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HamrongError(f"{option} {text!r} is no time; {FORMS}") from error
