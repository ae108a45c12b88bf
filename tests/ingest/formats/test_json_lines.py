import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import Sheet
from ingest.event import to_documents
from ingest.formats import json_lines


def read(*texts: str | None) -> tuple[list[int], list[dict[str, object]]]:
    """The rows that were taken and their fields."""
    zones = pa.array(["Asia/Ho_Chi_Minh"] * len(texts))
    rows, columns = json_lines.read(pa.array(texts, pa.string()), zones, lambda document: document)
    sheet = Sheet(len(rows))
    sheet.put({"event.kind": pa.array(["event"] * len(rows)), **columns})
    return rows.tolist(), [
        {k: v for k, v in event.items() if k != "event.kind"} for event in to_documents(sheet.batch())
    ]


def test_dotted_and_nested_keys_are_the_same() -> None:
    nested = {
        "source": {"ip": "192.0.2.1", "nat": {"port": 7}},
        "a": {"b": {}, "c": [1, {"d": None}]},
        "user.name": "An",
    }
    dotted = {"source.ip": "192.0.2.1", "source.nat.port": "7", "a.c": '[1,{"d":null}]', "user": {"name": "An"}}
    rows, events = read(json.dumps(nested), json.dumps(dotted))
    assert rows == [0, 1]
    assert (
        events[0]
        == events[1]
        == {
            "source.ip": "192.0.2.1",
            "source.nat.port": 7,
            "user.name": "An",
            "a.c": '[1,{"d":null}]',
        }
    )


def test_a_value_that_its_field_cannot_hold_is_left_out() -> None:
    _, events = read(
        '{"source.port":"eighty","destination.port":1.5,"http.response.status_code":true,"file.size":99999999999999999999,'
        '"@timestamp":"yesterday","message":7,"event.category":"web","process.pid":12.0}'
    )
    assert events == [{"message": "7", "event.category": ["web"], "process.pid": 12}]


def test_what_the_pipeline_answers_for_can_not_be_written() -> None:
    _, events = read(
        '{"event.original":"x","event":{"kind":"alert","id":"1"},"log.syslog.hostname":"h","vendor":{"a":1}}'
    )
    assert events == [{"vendor.a": "1"}]


def test_stamps_without_an_offset_are_local() -> None:
    _, events = read('{"@timestamp":"2026-03-05T08:00:00"}', '{"@timestamp":"2026-03-05T08:00:00Z"}')
    assert [event["@timestamp"] for event in events] == ["2026-03-05T01:00:00.000Z", "2026-03-05T08:00:00.000Z"]


def test_only_objects_are_taken() -> None:
    assert read("[1]", "1", "", None, "{", '{"a":"b"} x', '{"a":"b"}')[0] == [6]


def test_depth_is_no_danger() -> None:
    rows, events = read('{"a":' * 900 + "1" + "}" * 900, "[" * 100_000)
    assert rows == [0]
    assert list(events[0].values()) == ["1"]


keys = st.sampled_from(
    [
        "source",
        "ip",
        "port",
        "source.ip",
        "source.port",
        "@timestamp",
        "event",
        "category",
        "tags",
        "x",
        "",
        "a.",
        "vendor",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(keys, values, max_size=4), max_size=4))
def test_any_object_is_read(documents: list[dict[str, object]]) -> None:
    rows, events = read(*map(json.dumps, documents))
    assert len(rows) == len(events) <= len(documents)
