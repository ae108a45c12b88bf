import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.event import MAP, TIMESTAMP
from ingest.formats import cef
from ingest.lines import Context

RECEIVED = datetime.datetime(2026, 3, 5, 9, 0, tzinfo=datetime.UTC)


def context(rows: int, zone: str = "UTC") -> Context:
    text = pa.nulls(rows, pa.string())
    received = pa.array([RECEIVED] * rows, TIMESTAMP)
    return Context(text, pa.repeat(pa.scalar(zone), rows), received, text, text, text, pa.nulls(rows, MAP))


ESCAPES = {"\\": "\\\\", "|": "\\|", "=": "\\=", "\n": "\\n", "\r": "\\r"}
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


def escaped(text: str, letters: str) -> str:
    return "".join(ESCAPES[letter] if letter in letters else letter for letter in text)


@given(st.text(LETTERS, max_size=12), st.text(LETTERS, max_size=12))
def test_what_was_escaped_comes_back(name: str, value: str) -> None:
    value = value.strip(" \t")
    message = escaped(value, "\\=\n\r")
    line = f"CEF:0|V|P|1|2|{escaped(name, chr(92) + '|')}|5|a=x msg={message} z=1"
    events = cef.read_cef(pa.array([line]))
    assert events.rows.tolist() == [0]
    assert events.header["name"].to_pylist() == [name or None]
    assert events.pairs.column("msg").to_pylist() == [value or None]
    assert events.pairs.column("z").to_pylist() == ["1"]


def test_each_leef_event_has_its_own_separator() -> None:
    lines = [
        "LEEF:1.0|V|P|1|a|src=192.0.2.1\tmsg=x y=z",
        "LEEF:2.0|V|P|1|b|^|src=192.0.2.2^msg=x y=z",
        "LEEF:2.0|V|P|1|c|x7c|src=192.0.2.3|msg=x y=z",
        "LEEF:2.0|V|P|1|d|0x5E|src=192.0.2.4^msg=x y=z",
        "LEEF:1.0|V|P|1|e|src=192.0.2.5 msg=x",
        "not one",
    ]
    events = cef.read_leef(pa.array(lines))
    assert events.rows.tolist() == [0, 1, 2, 3, 4]
    assert events.pairs.column("src").to_pylist() == [f"192.0.2.{number}" for number in range(1, 6)]
    assert events.pairs.column("msg").to_pylist() == ["x y=z"] * 4 + ["x"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1772698502123", "2026-03-05T08:15:02.123"),
        ("1772698502", "2026-03-05T08:15:02"),
        ("Mar 05 2026 08:15:02 UTC", "2026-03-05T08:15:02"),
        ("Mar 05 2026 15:15:02.500", "2026-03-05T08:15:02.500"),
        ("Mar 5 15:15:02", "2026-03-05T08:15:02"),
        ("2026-03-05T08:15:02Z", "2026-03-05T08:15:02"),
        ("2026-03-05 15:15:02", "2026-03-05T08:15:02"),
        ("soon", None),
        (None, None),
    ],
)
def test_times_as_devices_write_them(text: str | None, wanted: str | None) -> None:
    found = cef.times(pa.array([text], pa.string()), context(1, "Asia/Ho_Chi_Minh")).to_pylist()[0]
    assert found == (wanted and datetime.datetime.fromisoformat(wanted).replace(tzinfo=datetime.UTC))
