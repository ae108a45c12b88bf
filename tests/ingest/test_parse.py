import datetime
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import encoding, files, messages, parsers
from ingest import parse as module
from ingest.dispatch import Dispatch
from ingest.event import FLAT, RAW, flatten, nest, to_documents
from ingest.lines import Context, Line, Parsed, Parser
from ingest.parse import parse
from ingest.sources import Register, System

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
SAMPLES = [
    line for path in sorted(Path(parsers.__file__).parent.glob("*.log")) for line in path.read_bytes().splitlines()
]
PORTAL = System("portal", "Cổng", "Portal", "Văn phòng", "Office", parsers=("nginx",), timezone="UTC")


def raw(lines: list[bytes | None]) -> pa.RecordBatch:
    return files.batch(lines, RECEIVED, "test")  # type: ignore[arg-type]


def events(*lines: bytes | None, register: Register | None = None) -> list[dict[str, object]]:
    return to_documents(parse(raw(list(lines)), register or Register()))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with a piece cut out, doubled or overwritten."""
    line = draw(st.sampled_from(SAMPLES))
    begin = draw(st.integers(0, len(line)))
    end = draw(st.integers(begin, len(line)))
    return line[:begin] + draw(st.just(b"") | st.just(line[begin:end] * 2) | st.binary(max_size=6)) + line[end:]


lines = st.lists(st.none() | st.binary(max_size=80) | st.sampled_from(SAMPLES) | mutated(), max_size=25)


@pytest.mark.slow
@settings(max_examples=100)
@given(lines)
def test_any_bytes_become_an_event_or_an_error_row_for_row(given_lines: list[bytes | None]) -> None:
    batch = parse(raw(given_lines), Register())
    nest(batch).validate(full=True)
    assert batch.num_rows == len(given_lines)
    for line, event in zip(given_lines, to_documents(batch), strict=True):
        original = event.get("event.original")
        if line is not None:
            recover = encoding.recover if "encoding_escaped" in event.get("tags", ()) else str.encode
            assert recover(original) == line
        assert event["event.kind"] in ("event", "pipeline_error")
        assert (event["event.kind"] == "pipeline_error") == ("error.message" in event)
        assert "a parser failed" not in event.get("error.message", "")


@pytest.mark.slow
@settings(max_examples=50)
@given(lines, st.data())
def test_a_batch_is_parsed_as_its_parts_are(given_lines: list[bytes | None], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(given_lines)))
    batch, register = raw(given_lines), Register()
    parts = [to_documents(parse(part, register)) for part in (batch.slice(0, cut), batch.slice(cut))]
    assert to_documents(parse(batch, register)) == parts[0] + parts[1]


@pytest.mark.slow
def test_columns_are_fields_and_survive_nesting() -> None:
    batch = parse(raw(list(SAMPLES)), Register())
    assert set(batch.schema.names) <= set(FLAT.names)
    assert all(batch.schema.field(name).type == FLAT.field(name).type for name in batch.schema.names)
    assert to_documents(flatten(nest(batch))) == to_documents(batch)


@pytest.mark.parametrize(
    ("line", "kind", "dataset", "message"),
    [
        (b"Mar  5 08:15:02 h unknownd[1]: x", "event", "syslog.message", "x"),
        (b"Mar  5 08:15:02 h sshd[1]: never seen", "event", "linux.sshd", "never seen"),
        (b"<13>only a priority", "pipeline_error", None, "only a priority"),
        (b"no form at all", "pipeline_error", None, "no form at all"),
        (b"<34>1 2026-02-30T08:15:02Z h app - - - x", "pipeline_error", None, "x"),
        (b"<34>1 - h", "pipeline_error", None, None),
        (b"", "pipeline_error", None, ""),
        (b" \r\n", "pipeline_error", None, None),
        (None, "pipeline_error", None, None),
    ],
)
def test_what_becomes_of_a_line_that_no_parser_knows(line: bytes, kind: str, dataset: str, message: str) -> None:
    event = events(line)[0]
    assert (event["event.kind"], event.get("event.dataset")) == (kind, dataset)
    assert event.get("message", "").strip() == (message or "").strip()  # type: ignore[attr-defined]
    assert not {"event.category", "event.outcome", "event.action"} & event.keys()


def test_header_fields_of_a_broken_header_stay() -> None:
    event = events(b"<34>1 2026-03-05T08:15:02Z h app")[0]
    assert event["error.message"] == module.BROKEN_HEADER
    assert (event["host.name"], event["process.name"], event["log.syslog.priority"]) == ("h", "app", 34)


def _explode(messages: pa.Array, context: Context) -> Parsed:
    if any(message and "poison" in message for message in messages.to_pylist()):
        raise KeyError("poison")
    raise_nothing = Parser("m", "m.d", lines=(Line("fine .*", action="fine"),))
    return raise_nothing.parse(messages, context)


def test_a_parser_that_raises_costs_only_the_line_that_it_raised_on(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Parser("m", "m.d", programs=("p",), read=_explode)
    monkeypatch.setattr(messages, "dispatch", lambda: Dispatch({"p": broken}))
    given_lines: list[bytes | None] = [b"Mar  5 08:15:02 h p: fine %d" % number for number in range(50)]
    given_lines[17] = b"Mar  5 08:15:02 h p: poison \xff"
    found = events(*given_lines)
    assert [number for number, event in enumerate(found) if event["event.kind"] == "pipeline_error"] == [17]
    assert found[17]["error.message"] == "a parser failed: KeyError: 'poison'"
    assert encoding.recover(str(found[17]["event.original"])) == given_lines[17]
    assert all(event["event.action"] == "fine" for number, event in enumerate(found) if number != 17)


def test_the_id_is_the_gateways_else_made_of_the_place_in_the_topic() -> None:
    batch = raw([b"a", b"b", b"c"])
    ids = pa.array(["gw1-7", None, None])
    offsets = pa.array([1, 2, None], pa.int64())
    batch = pa.RecordBatch.from_arrays(
        [{"id": ids, "offset": offsets}.get(name, batch.column(name)) for name in RAW.names], schema=RAW
    )
    found = [event.get("event.id") for event in to_documents(parse(batch, Register()))]
    assert found[0] == "gw1-7"
    assert len(str(found[1])) == 32
    assert found[2] is None
    assert found == [event.get("event.id") for event in to_documents(parse(batch, Register()))]


def test_the_register_names_the_system_and_its_zone_and_its_product() -> None:
    register = Register((PORTAL,)).always("portal")
    stamped, bare, forged = events(
        b"Mar  5 01:15:02 h x: y",
        b'203.0.113.1 - - [05/Mar/2026:08:15:02 +0700] "GET / HTTP/1.1" 200 1',
        b'{"event.action":"login","service.name":"soc","organization.name":"x"}',
        register=register,
    )
    assert stamped["@timestamp"] == "2026-03-05T01:15:02.000Z"
    assert stamped["event.timezone"] == "UTC"
    assert bare["event.dataset"] == "nginx.access"
    for event in (stamped, bare, forged):
        assert (event["service.name"], event["organization.name"]) == ("portal", "Văn phòng")
    unregistered = events(b'{"event.action":"login","service.name":"soc"}')[0]
    assert unregistered["service.name"] == "soc"
    assert "organization.name" not in unregistered


def test_the_headers_own_zone_is_the_stamps() -> None:
    utc, own = events(b"Mar  5 01:15:02 UTC h x: y", b"<189>9: Mar  5 08:15:02 VN: %SYS-5-X: y")
    assert (utc["@timestamp"], utc["event.timezone"]) == ("2026-03-05T01:15:02.000Z", "+00:00")
    assert (own["@timestamp"], own["event.timezone"]) == ("2026-03-05T01:15:02.000Z", "Asia/Ho_Chi_Minh")


def test_new_year_is_right_behind_a_relay() -> None:
    raw_line = files.batch([b"<13>Jan  1 00:00:03 relay Dec 31 23:59:59 h x: y"], RECEIVED, "test")
    late = pa.array([datetime.datetime(2025, 12, 31, 17, 0, 4, tzinfo=datetime.UTC)], RAW.field("received").type)
    batch = raw_line.set_column(RAW.get_field_index("received"), "received", late)
    assert to_documents(parse(batch, Register()))[0]["@timestamp"] == "2025-12-31T16:59:59.000Z"


def test_a_known_message_behind_a_faulty_header_is_an_event() -> None:
    known, unknown = events(
        rb'<34>1 2026-03-05T08:15:02Z h sshd 7 - [a x="C:\t"] Accepted password for an from 192.0.2.7 port 9 ssh2',
        rb'<34>1 2026-03-05T08:15:02Z h zz 7 - [a x="C:\t"] hello',
    )
    assert (known["event.kind"], known["tags"], known["user.name"]) == ("event", ["header_broken"], "an")
    assert (unknown["event.kind"], unknown["message"]) == ("pipeline_error", "hello")


def test_older_vietnamese_encodings_reach_the_fields() -> None:
    event = events(b"Mar  5 08:15:02 h su: Successful su for root by Nguy\xd4n")[0]
    assert event["user.name"] == "Nguyễn"
    assert event["tags"] == ["encoding_escaped", "encoding_tcvn3"]
    assert encoding.recover(str(event["event.original"])).endswith(b"Nguy\xd4n")


def test_last_message_repeated_is_counted() -> None:
    event = events(b"Mar  5 08:15:02 h last message repeated 3 times")[0]
    assert (event["host.name"], event["log.syslog.repeated"]) == ("h", "3")


def test_a_stamp_far_ahead_is_kept_and_flagged() -> None:
    ahead, right = events(b"2026-03-07T08:15:02Z h x: y", b"2026-03-05T08:15:02Z h x: y")
    assert (ahead["@timestamp"], ahead["tags"]) == ("2026-03-07T08:15:02.000Z", ["stamp_in_future"])
    assert "tags" not in right


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n", b"\0", b"\n\0"])
def test_the_end_of_a_frame_is_no_part_of_the_message(end: bytes) -> None:
    line = b"Mar  5 08:15:02 h su: Successful su for root by An" + end
    event = events(line)[0]
    assert event["user.name"] == "An"
    assert event["event.original"] == line.decode()


def test_text_that_would_be_code_elsewhere_stays_text() -> None:
    line = b"Mar  5 08:15:02 h sshd[1]: Failed password for <b>\x1b[31m{{7*7}} from 203.0.113.7 port 1 ssh2"
    assert events(line)[0]["user.name"] == "<b>\x1b[31m{{7*7}}"


@pytest.mark.slow
@pytest.mark.parametrize("filler", [b"1", b"[", b'"', b"\\", b" ", b"<", b"a.", b"\xff", b'{"a":'])
def test_a_megabyte_of_one_thing_is_one_event(filler: bytes) -> None:
    heads = (b"", b"<13>Mar  5 08:15:02 h sshd[1]: ", b'203.0.113.1 - - [05/Mar/2026:08:15:02 +0700] "')
    found = events(*(head + filler * (1_000_000 // len(filler)) for head in heads))
    assert len(found) == 3
    assert not any("a parser failed" in str(event.get("error.message")) for event in found)


@pytest.mark.slow
def test_order_is_kept_over_a_shuffled_batch() -> None:
    shuffled = SAMPLES * 3
    random.Random(7).shuffle(shuffled)
    alone = {line: events(line)[0] for line in set(shuffled)}
    for line, event in zip(shuffled, events(*shuffled), strict=True):
        assert event | {"event.id": ""} == alone[line] | {"event.id": ""}
