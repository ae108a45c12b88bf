import datetime
import zoneinfo

import pyarrow as pa
import pytest

from ingest.event import TEXT
from ingest.formats import zone_names


def read(local: str, name: str | None) -> object:
    found = zone_names.utc(pa.array([local], TEXT), pa.array([name], TEXT), pa.array(["Asia/Ho_Chi_Minh"]))
    return found.to_pylist()[0]


@pytest.mark.parametrize(
    ("local", "name", "hour"),
    [
        ("2026-03-05 08:15:02", "UTC", 8),
        ("2026-03-05 08:15:02.5", "+07", 1),
        ("2026-03-05 08:15:02", "+0700", 1),
        ("2026-03-05 08:15:02", "-03:30", 11),
        ("2026-03-05 08:15:02", "ICT", 1),
        ("2026-07-05 08:15:02", "CEST", 6),
        ("2026-03-05 08:15:02", "CET", 7),
        ("2026-03-05 08:15:02", None, 1),
        ("2026-03-05 08:15:02", "NOWHERE", 1),
    ],
)
def test_names(local: str, name: str | None, hour: int) -> None:
    found = read(local, name)
    assert isinstance(found, datetime.datetime)
    assert (found.hour, found.utcoffset()) == (hour, datetime.timedelta(0))


def test_a_server_that_writes_est_in_summer_means_its_place() -> None:
    """PostgreSQL keeps the abbreviation of its configuration."""
    assert read("2026-07-31 13:36:43", "EST") == datetime.datetime(2026, 7, 31, 17, 36, 43, tzinfo=datetime.UTC)


def test_no_such_day() -> None:
    assert read("2026-02-30 08:15:02", "+07") is None


@pytest.mark.parametrize("place", sorted(set(zone_names.PLACES.values())))
def test_every_place_is_known_to_the_zone_database(place: str) -> None:
    assert zoneinfo.ZoneInfo(place)
