"""Records of the Linux audit system: what a user chose must come back as it was, and never as a field of its own."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lines import Context
from ingest.parsers.auditd import PARSER
from ingest.vendors.audit_records import of_json, of_text, socket_address, unhex

HEAD = "type={} msg=audit(1772675702.113:4101): "
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
# A lone question mark is what auditd writes where it knows nothing.
ARGUMENTS = st.lists(TEXT.filter(lambda text: text != "?"), min_size=1)


def parsed(lines: list[str]) -> tuple[list[int], dict[str, list[object]]]:
    nothing = pa.nulls(len(lines), pa.string())
    rows, columns = PARSER.parse(pa.array(lines, pa.string()), Context(*[nothing] * 7))
    vendor = columns.pop("vendor").to_pylist() if "vendor" in columns else []
    return rows.tolist(), {name: column.to_pylist() for name, column in columns.items()} | {"vendor": vendor}


def as_the_kernel_writes(text: str) -> str:
    """audit_log_untrustedstring(): in quotes, or as hexadecimal digits when a byte could end the field."""
    data = text.encode()
    unsafe = any(byte <= 0x20 or byte == 0x22 or byte >= 0x7F for byte in data)
    return data.hex().upper() if unsafe else f'"{text}"'


@settings(max_examples=30)
@given(ARGUMENTS)
def test_arguments_come_back_whatever_they_hold(arguments: list[str]) -> None:
    line = HEAD.format("EXECVE") + f"argc={len(arguments)} "
    line += " ".join(f"a{n}={as_the_kernel_writes(text)}" for n, text in enumerate(arguments))
    _, columns = parsed([line])
    # A run of digits is no encoding, and may not be read as one; all else comes back as it was.
    assert columns["process.command_line"] == [" ".join(arguments)]


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_file_name_never_becomes_another_field(name: str) -> None:
    hostile = f'{name}" exe="/bin/true" type=USER_AUTH msg=audit(1.0:1): res=success'
    line = HEAD.format("PATH") + f"item=0 name={as_the_kernel_writes(hostile)} nametype=NORMAL"
    _, columns = parsed([line])
    assert columns["process.executable"] == [None]
    assert columns["event.outcome"] == [None]
    assert columns["file.path"][0] is not None


@settings(max_examples=30)
@given(st.lists(st.text() | st.binary().map(lambda data: HEAD.format("SYSCALL") + data.decode("latin-1"))))
def test_any_text_is_read_or_left(lines: list[str]) -> None:
    lines = [line.encode("utf-8", "replace").decode() for line in lines]
    rows, _ = parsed(lines)
    assert rows == [n for n, line in enumerate(lines) if line.startswith("type=SYSCALL msg=audit(")]


@pytest.mark.slow
@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)
    )
)
def test_any_object_is_read_or_left(value: object) -> None:
    text = json.dumps({"ID": "1772675702.113:4101", "SYSCALL": value}).replace('": ', '":', 1)
    rows, _ = parsed([text])
    assert rows in ([], [0])


def test_records_of_one_line_are_one_event_and_others_are_left_out() -> None:
    syscall = (
        HEAD.format("SYSCALL")
        + 'arch=c000003e syscall=59 success=yes exit=0 a0=55 pid=7 uid=33 comm="sh" exe="/bin/sh"'
    )
    execve = HEAD.format("EXECVE") + 'argc=1 a0="id"'
    foreign = "type=USER_AUTH msg=audit(1772675702.113:9): pid=8 acct=evil res=failed"
    _, alone = parsed([syscall])
    rows, joined = parsed([f"{syscall} {execve} {foreign}"])
    assert rows == [0]
    assert joined["process.command_line"] == ["id"]
    assert joined["process.pid"] == alone["process.pid"] == ["7"]
    assert joined["event.action"] == alone["event.action"] == ["executed"]
    assert joined["user.id"] == ["33"]
    assert joined["user.name"] == [None]
    vendor = dict(joined["vendor"][0])  # type: ignore[call-overload]
    assert vendor["auditd.log.a0"] == "id"


def test_lines_and_objects_of_one_batch_keep_their_rows() -> None:
    lines = [
        '{"ID":"1772675702.113:4101","SYSCALL":{"pid":1,"SYSCALL":"execve"}}',
        "no record",
        HEAD.format("LOGIN") + "pid=2 uid=0 auid=1000 res=1",
        '{"ID":"1772675702.113:4102","SYSCALL":{"pid":3,"SYSCALL":"connect"}}',
    ]
    rows, columns = parsed(lines)
    assert rows == [0, 2, 3]
    assert columns["process.pid"] == ["1", "2", "3"]
    assert columns["network.direction"] == [None, None, "egress"]


@pytest.mark.parametrize(
    ("digits", "wanted"),
    [
        ("020001BBC0000201", ("inet", "192.0.2.1", "443")),
        ("0A0000160000000020010DB800000000000000000000000100000000", ("inet6", "2001:db8::1", "22")),
        ("01002F72756E", ("local", None, None)),
        ("0200", (None, None, None)),
        ("xyz", (None, None, None)),
    ],
)
def test_socket_addresses(digits: str, wanted: tuple[str | None, ...]) -> None:
    assert socket_address(digits) == wanted


def test_digits_that_need_no_encoding_are_a_name() -> None:
    assert unhex("FACE") == "\\xfa\\xce"
    assert unhex("6162") == "6162"
    assert unhex("2F6120622F63") == "/a b/c"


def test_an_empty_batch_has_no_pairs() -> None:
    nothing = pa.array([], pa.string())
    assert len(of_text(nothing).line) == len(of_json(nothing).line) == 0
    assert isinstance(of_text(nothing).line, np.ndarray)
