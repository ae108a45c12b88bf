import datetime

import pyarrow as pa

from ingest.event import TEXT
from ingest.formats import inner
from ingest.lines import Context, Line, Parser

PARSER = Parser(
    module="m",
    dataset="m.d",
    lines=(
        Line(r"user (?P<user__name>.*) in", action="login", outcome="success"),
        Line(r"port (?P<source__port>[0-9]+)"),
    ),
)


def context(rows: int) -> Context:
    """Only its length matters here: these lines compute nothing."""
    received = pa.array([datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)] * rows)
    values = {"received": received, "zone": pa.array(["UTC"] * rows)}
    return Context(*(values.get(name, pa.nulls(rows, TEXT)) for name in Context.__annotations__))


def test_rows_keep_their_place_and_others_are_null() -> None:
    messages = pa.array(["port 22", "what?", "user an in", None])
    found = {name: column.to_pylist() for name, column in inner.columns_of(messages, PARSER, context(4)).items()}
    assert found["user.name"] == [None, None, "an", None]
    assert found["source.port"] == [22, None, None, None]
    assert found["event.action"] == [None, None, "login", None]


def test_no_message_fits() -> None:
    assert inner.columns_of(pa.array(["what?"]), PARSER, context(1)) == {}
