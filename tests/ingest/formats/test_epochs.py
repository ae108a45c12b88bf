import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.event import TEXT
from ingest.formats import epochs

UTC = datetime.UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1772674502", datetime.datetime(2026, 3, 5, 1, 35, 2, tzinfo=UTC)),
        ("1772674502.113", datetime.datetime(2026, 3, 5, 1, 35, 2, 113_000, tzinfo=UTC)),
        ("1772674502.113522999", datetime.datetime(2026, 3, 5, 1, 35, 2, 113_522, tzinfo=UTC)),
        ("1772674502113522", None),
        ("-5", None),
        ("", None),
        ("1e9", None),
        (None, None),
    ],
)
def test_seconds_as_text(text: str | None, moment: datetime.datetime | None) -> None:
    assert epochs.seconds(pa.array([text], TEXT)).to_pylist() == [moment]


@given(st.integers(0, 4_102_444_800_000_000))
def test_a_number_of_seconds_is_read_to_the_microsecond(microseconds: int) -> None:
    moment = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=microseconds)
    assert epochs.iso_text(moment.timestamp()) == moment.isoformat()


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    assert len(epochs.seconds(pa.array([text], TEXT))) == 1


@pytest.mark.parametrize("value", [True, None, -1, 1e300, float("inf"), float("nan"), [], {}])
def test_what_is_no_number_of_seconds(value: object) -> None:
    assert epochs.iso_text(value) is None


def test_text_stays_as_it_is() -> None:
    assert epochs.iso_text("2026-03-05T01:15:02Z") == "2026-03-05T01:15:02Z"
