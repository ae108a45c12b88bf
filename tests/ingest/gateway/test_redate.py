"""Re-dating: every form of stamp keeps its form, distances are kept, and no bytes make it raise."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.redate import Redater

START = datetime(2026, 3, 9, 1, 2, 3, 456789, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # 08:02:03 there


def redate(*lines: str) -> list[str]:
    redater = Redater(START, ZONE)
    return [redater.redate(line.encode()).decode() for line in lines]


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("<34>Oct 11 22:14:15 web su: x", "<34>Mar  9 08:02:03 web su: x"),
        ("Oct 01 22:14:15 web su: x", "Mar 09 08:02:03 web su: x"),
        ("Oct  1 22:14:15 web su: x", "Mar  9 08:02:03 web su: x"),
        ("Oct 1 22:14:15 web su: x", "Mar 9 08:02:03 web su: x"),
        ("<34>Oct 11 2025 22:14:15.250: %ASA", "<34>Mar  9 2026 08:02:03.456: %ASA"),
        ("<34>1 2003-10-11T22:14:15.003Z web su - ID47", "<34>1 2026-03-09T01:02:03.456Z web su - ID47"),
        ("<34>1 2003-08-24T05:14:15.000003-07:00 x", "<34>1 2026-03-08T18:02:03.456789-07:00 x"),
        ("2025-10-11T22:14:15+0700 x", "2026-03-09T08:02:03+0700 x"),
        ("2025-10-11 22:14:15,123 INFO x", "2026-03-09 08:02:03,456 INFO x"),
        ("2025/10/11 22:14:15 [error] x", "2026/03/09 08:02:03 [error] x"),
        ("date=2025-10-11 time=22:14:15 devname=fw", "date=2026-03-09 time=08:02:03 devname=fw"),
        ('192.0.2.1 - - [11/Oct/2025:22:14:15 +0000] "GET /"', '192.0.2.1 - - [09/Mar/2026:01:02:03 +0000] "GET /"'),
        ("[Sat Oct 11 22:14:15.123456 2025] [core:error]", "[Mon Mar  9 08:02:03.456789 2026] [core:error]"),
        ("<34>no stamp 10:11:12", "<34>no stamp 10:11:12"),
        ("Feb 31 22:14:15 x", "Feb 31 22:14:15 x"),
        ("9999-12-31 23:59:59 x", "2026-03-09 08:02:03 x"),
    ],
)
def test_a_stamp_keeps_its_form(line: str, moved: str) -> None:
    assert redate(line) == [moved]


def test_distances_are_kept_over_forms_zones_and_lines_without_a_stamp() -> None:
    assert redate(
        "nothing",
        "Oct 11 22:14:15 web a",
        '192.0.2.1 - - [11/Oct/2025:15:14:25 +0000] "GET /"',
        "2025-10-11T22:15:15+07:00 b",
        "Oct 11 22:14:14 late",
    ) == [
        "nothing",
        "Mar  9 08:02:03 web a",
        '192.0.2.1 - - [09/Mar/2026:01:02:13 +0000] "GET /"',
        "2026-03-09T08:03:03+07:00 b",
        "Mar  9 08:02:02 late",
    ]


def test_both_stamps_of_a_line_move_by_the_same_distance() -> None:
    line = '<13>Oct 11 22:14:16 web nginx: 192.0.2.1 - - [11/Oct/2025:22:14:15 +0700] "GET /"'
    assert redate(line) == ['<13>Mar  9 08:02:03 web nginx: 192.0.2.1 - - [09/Mar/2026:08:02:02 +0700] "GET /"']


def test_the_year_turns_and_a_date_in_the_text_does_not_change_it() -> None:
    assert redate("Dec 31 23:59:59 a", "Jan  1 00:00:00 valid to 2032-01-01 00:00:00", "Jan  1 00:00:01 c")[::2] == [
        "Mar  9 08:02:03 a",
        "Mar  9 08:02:05 c",
    ]
    assert redate("Feb 29 12:00:00 a") == ["Mar  9 08:02:03 a"]


@given(
    st.lists(st.binary(max_size=60) | st.from_regex(rb"[JF][ae][nb] [ 0-9]\d \d\d:\d\d:\d\d(.{4})?", fullmatch=True))
)
def test_any_bytes_pass(lines: list[bytes]) -> None:
    redater = Redater(START, ZONE)
    for line in lines:
        redater.redate(line)


@given(st.integers(0, 1_700_000_000), st.integers(0, 10**8))
def test_the_distance_of_two_iso_stamps_is_kept(first: int, seconds: int) -> None:
    redater = Redater(START, ZONE)
    stamps = [datetime.fromtimestamp(moment, UTC).isoformat() for moment in (first, first + seconds)]
    moved = [datetime.fromisoformat(redater.redate(stamp.encode()).decode()) for stamp in stamps]
    assert moved[0] == START.replace(microsecond=0)
    assert (moved[1] - moved[0]).total_seconds() == seconds
