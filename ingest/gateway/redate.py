"""redate: old lines -> lines that seem to be written now.

In:   lines in their order, the time that the first stamp shall show
Out:  the same lines; all their stamps moved by one distance, so that the gaps between them stay
Docs: RFC 3164 4.1.2 (`Oct 11 22:14:15`), RFC 5424 6.2.3 and ISO 8601, access logs (`[11/Oct/2025:22:14:15 +0700]`),
      Apache error log (`Sat Oct 11 22:14:15 2025`), FortiOS (`date=2025-10-11 time=22:14:15`)

A stamp keeps its form: padding, digits of the fraction, zone. One without a zone is local time of `zone`; one without
a year gets the year that puts it nearest to the stamp before it, and the first the latest one that is not to come.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MONTH = "|".join(_MONTHS)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_STAMP = re.compile(
    rf"""
    (?<![0-9A-Za-z])
    (?: (?P<access>\d\d/(?:{_MONTH})/\d{{4}}:{_TIME}) [ ] (?P<access_zone>[+-]\d{{4}})
      | (?P<date>\d{{4}}(?P<dash>[-/])\d\d(?P=dash)\d\d) (?P<between>T|[ ]|[ ]time=) (?P<clock>{_TIME})
        (?P<fraction>[.,]\d{{1,9}})? (?P<zone>Z|[ ]?[+-]\d\d:?\d\d)?
      | (?:(?P<weekday>{"|".join(_DAYS)})[ ])? (?P<month>{_MONTH}) [ ] (?P<day>[ 0-3]?\d) [ ]
        (?:(?P<year>\d{{4}})[ ])? (?P<bsd_clock>{_TIME}) (?P<bsd_fraction>\.\d{{1,9}})?
        (?:[ ](?P<late_year>\d{{4}})(?=\]))?
    )
    (?![0-9])
    """.encode(),
    re.VERBOSE,
)


class Redater:
    """Moves the stamps of one stream of lines, in order."""

    def __init__(self, start: datetime, zone: tzinfo) -> None:
        """`start` has a zone: the time that the first stamp of the first line that has one shall show."""
        self._start, self._zone = start, zone
        self._before: datetime | None = None
        """The first stamp of the last line that had one, as it stood."""
        self._first_of_line = True
        self._distance: timedelta | None = None

    def redate(self, line: bytes) -> bytes:
        """The line with its stamps moved; one without a stamp, or with an impossible one, as it is there."""
        self._first_of_line = True
        return _STAMP.sub(self._move, line)

    def _move(self, match: re.Match[bytes]) -> bytes:
        parts = {name: value.decode() for name, value in match.groupdict().items() if value is not None}
        try:
            stamp = self._read(parts)
            distance = self._start - stamp if self._distance is None else self._distance
            moved = (stamp.astimezone(UTC) + distance).astimezone(stamp.tzinfo)
        except (ValueError, OverflowError):  # 31 February; the year 9999
            return match[0]
        self._distance = distance
        if self._first_of_line:
            self._before, self._first_of_line = stamp, False
        return _write(moved, parts).encode()

    def _read(self, parts: dict[str, str]) -> datetime:
        if "access" in parts:
            day, month, rest = parts["access"].split("/", 2)
            text = f"{rest[:4]}-{_MONTHS.index(month) + 1:02}-{day} {rest[5:]}"
            return _at(text, "", _zone(parts["access_zone"]))
        if "date" in parts:
            zone = _zone(parts["zone"]) if "zone" in parts else self._zone
            return _at(f"{parts['date'].replace('/', '-')} {parts['clock']}", parts.get("fraction", ""), zone)
        text = f"-{_MONTHS.index(parts['month']) + 1:02}-{int(parts['day']):02} {parts['bsd_clock']}"
        fraction = parts.get("bsd_fraction", "")
        if year := parts.get("year") or parts.get("late_year"):
            return _at(year + text, fraction, self._zone)
        return self._guess_year(text, fraction)

    def _guess_year(self, text: str, fraction: str) -> datetime:
        near = self._before or self._start
        guesses = []
        # 29 February comes back after four years, and after eight when a century is no leap year.
        for year in range(near.year - 8, near.year + 2):
            try:
                guesses.append(_at(f"{year:04}{text}", fraction, self._zone))
            except ValueError:
                continue
        if self._before is None:
            guesses = [guess for guess in guesses if guess <= self._start + timedelta(days=1)]
        if not guesses:
            raise ValueError(text)
        return min(guesses, key=lambda guess: abs(guess - near))


def _at(text: str, fraction: str, zone: tzinfo) -> datetime:
    micros = int(fraction[1:7].ljust(6, "0")) if fraction else 0
    return datetime.fromisoformat(text).replace(tzinfo=zone, microsecond=micros)


def _zone(text: str) -> tzinfo:
    """The zone of `Z`, `+0700` or `+07:00`."""
    text = text.strip()
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _write(moment: datetime, parts: dict[str, str]) -> str:
    """The moment in the form that `parts` had."""
    clock = f"{moment:%H:%M:%S}"
    month = _MONTHS[moment.month - 1]
    if "access" in parts:
        return f"{moment.day:02}/{month}/{moment.year:04}:{clock} {parts['access_zone']}"
    if "date" in parts:
        dash = parts["dash"]
        date = f"{moment.year:04}{dash}{moment.month:02}{dash}{moment.day:02}"
        return f"{date}{parts['between']}{clock}{_fraction(moment, parts.get('fraction'))}{parts.get('zone', '')}"
    weekday = f"{_DAYS[moment.weekday()]} " if "weekday" in parts else ""
    # "Oct 11" does not say how the sender pads: RFC 3164 does it with a space.
    width = "02" if parts["day"].startswith("0") else str(len(parts["day"]))
    day = f"{moment.day:{width}}"
    year = f"{moment.year:04} " if "year" in parts else ""
    late_year = f" {moment.year:04}" if "late_year" in parts else ""
    return f"{weekday}{month} {day} {year}{clock}{_fraction(moment, parts.get('bsd_fraction'))}{late_year}"


def _fraction(moment: datetime, like: str | None) -> str:
    if not like:
        return ""
    return like[0] + f"{moment.microsecond:06}"[: len(like) - 1].ljust(len(like) - 1, "0")
