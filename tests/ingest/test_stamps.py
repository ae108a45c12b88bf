import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import stamps
from ingest.event import TIMESTAMP

UTC = datetime.UTC
HERE = "Asia/Ho_Chi_Minh"


def bsd(stamp: str | None, received: datetime.datetime, zone: str = HERE) -> datetime.datetime | None:
    found = stamps.bsd(pa.array([stamp], pa.string()), pa.array([received], TIMESTAMP), pa.array([zone]))
    time: datetime.datetime | None = found[0].as_py()
    return time


def iso(stamp: str | None, zone: str = HERE) -> datetime.datetime | None:
    time: datetime.datetime | None = stamps.iso(pa.array([stamp], pa.string()), pa.array([zone]))[0].as_py()
    return time


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("stamp", "received", "expected"),
    [
        ("Mar  5 08:15:02", "2026-03-05T08:15:03+07:00", "2026-03-05T08:15:02+07:00"),
        ("Mar 05 08:15:02", "2026-03-05T08:15:03+07:00", "2026-03-05T08:15:02+07:00"),
        # The old year's last second arrives in the new year; a fast clock is in the new year before we are.
        ("Dec 31 23:59:59", "2026-01-01T00:00:01+07:00", "2025-12-31T23:59:59+07:00"),
        ("Jan  1 00:00:05", "2025-12-31T23:59:58+07:00", "2026-01-01T00:00:05+07:00"),
        # New Year's morning here is still the old year in UTC.
        ("Jan  1 03:00:00", "2026-01-01T03:00:01+07:00", "2026-01-01T03:00:00+07:00"),
        ("Dec 31 23:00:00", "2026-01-01T03:00:01+07:00", "2025-12-31T23:00:00+07:00"),
        # A file read months later.
        ("Apr  1 00:00:00", "2026-03-05T08:00:00+07:00", "2025-04-01T00:00:00+07:00"),
        ("Feb 29 10:00:00", "2026-03-05T08:00:00+07:00", "2024-02-29T10:00:00+07:00"),
        ("Mar  5 08:15:02.123456", "2026-03-05T08:15:03+07:00", "2026-03-05T08:15:02.123456+07:00"),
        ("Mar  5 2019 08:15:02", "2026-03-05T08:15:03+07:00", "2019-03-05T08:15:02+07:00"),
        ("Mar  5 08:15:02 2019", "2026-03-05T08:15:03+07:00", "2019-03-05T08:15:02+07:00"),
        ("Mar  5 8:15:02", "2026-03-05T08:15:03+07:00", "2026-03-05T08:15:02+07:00"),
    ],
)
def test_rfc3164_stamps(stamp: str, received: str, expected: str) -> None:
    assert bsd(stamp, at(received)) == at(expected)


@pytest.mark.parametrize("stamp", ["Feb 30 10:00:00", "Foo  1 10:00:00", "Mar  5 25:00:00", "", None, "Mar", "5"])
def test_what_is_no_stamp_is_null(stamp: str | None) -> None:
    assert bsd(stamp, at("2026-03-05T08:15:03+07:00")) is None


seconds = st.integers(int(at("2001-01-01T00:00Z").timestamp()), int(at("2036-01-01T00:00Z").timestamp()))
delays = st.integers(-86_399, 363 * 86_400)


@given(seconds, delays, st.sampled_from([HERE, "America/New_York", "UTC"]))
@example(int(at("2026-12-31T23:59:59+07:00").timestamp()), 1, HERE)
def test_a_stamp_without_its_year_is_read_right_for_a_year(second: int, delay: int, zone: str) -> None:
    sent = datetime.datetime.fromtimestamp(second, ZoneInfo(zone))
    received = datetime.datetime.fromtimestamp(second + delay, UTC)
    if sent.fold or (sent.month, sent.day) == (2, 29):
        return  # an hour that the clock shows twice, and a day that is not in every year
    assert bsd(sent.strftime("%b %e %H:%M:%S"), received, zone) == sent


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-03-05T08:15:02Z", "2026-03-05T08:15:02+00:00"),
        ("2026-03-05T08:15:02.113+07:00", "2026-03-05T08:15:02.113+07:00"),
        ("2026-03-05T08:15:02.123456789-0330", "2026-03-05T08:15:02.123456-03:30"),
        ("2026-03-05 08:15:02,5", "2026-03-05T08:15:02.5+07:00"),
        ("2026/03/05 08:15:02", "2026-03-05T08:15:02+07:00"),
        ("2026-03-05 8:15:02", "2026-03-05T08:15:02+07:00"),
    ],
)
def test_iso_stamps(stamp: str, expected: str) -> None:
    assert iso(stamp) == at(expected)


@pytest.mark.parametrize("stamp", ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-05", "now", "", None])
def test_what_is_no_iso_stamp_is_null(stamp: str | None) -> None:
    assert iso(stamp) is None


def test_a_zone_may_be_an_offset() -> None:
    assert bsd("Mar  5 08:15:02", at("2026-03-05T08:15:03+07:00"), "-03:30") == at("2026-03-05T08:15:02-03:30")
    assert iso("2026-03-05 08:15:02", "+00:00") == at("2026-03-05T08:15:02+00:00")


def test_access_log_stamps() -> None:
    texts = pa.array(["05/Mar/2026:08:15:02 +0700", "30/Feb/2026:08:15:02 +0700", "05/Foo/2026:08:15:02 +0700", None])
    assert stamps.access_log(texts).to_pylist() == [at("2026-03-05T08:15:02+07:00"), None, None, None]


def test_each_row_is_in_its_own_zone() -> None:
    found = stamps.iso(pa.array(["2026-03-05 08:00:00"] * 2), pa.array([HERE, "UTC"]))
    assert found.to_pylist() == [at("2026-03-05T08:00:00+07:00"), at("2026-03-05T08:00:00+00:00")]
