r"""audit_records: the records of the Linux audit system -> pairs of key and value.

In:   lines of one record or of several of one event, `type=T msg=audit(seconds:serial): key=value ...`; LAUREL's JSON
Out:  `Pairs`, in the order of the lines
Docs: audit "Log File Format"; auditd.conf(5), log_format ENRICHED; LAUREL, "Log format"

A value ends where the next ` key=` begins: the kernel and libaudit write what a user may choose as hexadecimal digits
as soon as it holds a blank, a quote or a control character.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Rows, is_true, is_valid
from ingest.event import TEXT
from ingest.vendors.audit_actions import RECORD_NUMBERS

# Marks for the split; a message that holds them itself loses them.
_BEGIN = "\x02"
_HEADER = (
    r"(?:^|[ \x1d])(?:(?:audit: )?(?:node=([^ ]+) )?type=([A-Z0-9_]+|UNKNOWN\[[0-9]+\]) (?:msg=)?"
    r"audit\(([0-9]+\.[0-9]+):([0-9]+)\): ?)"
)
_HEADER_MARKED = "\x02_node\x03\\1\x02_type\x03\\2\x02_seconds\x03\\3\x02_serial\x03\\4\x02_text\x03 "
_OLD_NEW = r" (old|new) (auid|ses)="
# The msg='...' of programs in user space is opened, so that its pairs stand beside the kernel's.
_KEY = r"[ \x1d](?:msg=['\"] ?)?([A-Za-z][A-Za-z0-9_-]{0,40}(?:\[[0-9]{1,4}\])?)="
_UNKNOWN = pa.array(["", "{", "?", "(null)", '"?"', "'?", "?'"])
# A quoted value holds no double quote; the quote that ends msg='...' may follow, or the brace of what is spelled out.
_QUOTED = r"(?s)^\"(.*)\"[' }]*$"
_ENDS = r" ?\}$|^'|'$"

_NUMBERS, _NUMBERED = pa.array(list(RECORD_NUMBERS)), pa.array(list(RECORD_NUMBERS.values()))

ENCODED = pa.array(
    [
        *(
            "exe",
            "cmd",
            "data",
            "path",
            "comm",
            "file",
            "name",
            "watch",
            "cwd",
            "acct",
            "dir",
            "vm",
            "device",
            "cgroup",
        ),
        *("apparmor", "operation", "denied_mask", "info", "profile", "requested_mask", "ocomm", "grp", "new_group"),
        *("sw", "root_dir", "proctitle", "key"),
    ]
)
"""Keys whose value may be hexadecimal digits, beside the arguments of EXECVE."""


@dataclass(frozen=True)
class Pairs:
    """One row a pair; lines in ascending order, records of a line in theirs."""

    line: Rows
    record: pa.Array
    """Type of the record, `SYSCALL`."""
    key: pa.Array
    value: pa.Array
    """Text, decoded; null for what the system did not know."""


def of_text(messages: pa.Array) -> Pairs:
    """A record with another serial than the line's first is somebody's text, and left out."""
    text = pc.replace_substring_regex(messages, r"[\x02\x03]", "")
    text = pc.replace_substring_regex(text, _OLD_NEW, r" \1_\2=")
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, _HEADER, _HEADER_MARKED), _KEY, "\x02\\1\x03")
    parts = pc.split_pattern(text, _BEGIN)
    line = pc.list_parent_indices(parts).to_numpy()
    halves = pc.extract_regex(pc.list_flatten(parts), r"(?s)^(?P<key>[^\x03]+)\x03(?P<value>.*)$")
    kept = is_valid(halves)
    line = line[kept]
    key, raw = halves.field("key").filter(pa.array(kept)), halves.field("value").filter(pa.array(kept))
    record = _carried(key, raw, "_type")
    record = pc.coalesce(_NUMBERED.take(pc.index_in(record, _NUMBERS)), record)
    serial = _carried(key, raw, "_serial")
    first = np.searchsorted(line, line)
    own = is_true(pc.equal(serial, serial.take(pa.array(first)))) if len(line) else np.zeros(0, np.bool_)
    keep = pa.array(own)
    line, record, key, raw = line[own], record.filter(keep), key.filter(keep), raw.filter(keep)
    raw = pc.if_else(pc.equal(key, "_type"), record, raw)
    return Pairs(line, record, key, _decoded(record, key, raw))


def _carried(key: pa.Array, value: pa.Array, name: str) -> pa.Array:
    """For each pair the value of `name` in its record's header, `_node type seconds serial`, that stands before it."""
    node = is_true(pc.equal(key, "_node"))
    number = np.cumsum(node) - 1
    return value.filter(pc.equal(key, name)).take(pa.array(number))


def _decoded(record: pa.Array, key: pa.Array, raw: pa.Array) -> pa.Array:
    argument = pc.and_(pc.equal(record, "EXECVE"), pc.match_substring_regex(key, r"^a[0-9]+(?:\[[0-9]+\])?$"))
    hexadecimal = pc.and_(
        pc.or_(pc.is_in(key, ENCODED), argument), pc.match_substring_regex(raw, "^(?:[0-9A-F]{2})+'?$")
    )
    quoted = pc.replace_substring_regex(raw, _QUOTED, r"\1")
    text = pc.if_else(pc.starts_with(raw, '"'), quoted, pc.replace_substring_regex(raw, _ENDS, ""))
    text = pc.if_else(hexadecimal, _each(text, hexadecimal), text)
    return pc.if_else(pc.or_(pc.is_in(raw, _UNKNOWN), pc.equal(text, "")), pa.scalar(None, TEXT), text)


def _each(text: pa.Array, wanted: pa.Array) -> pa.Array:
    distinct = pc.if_else(wanted, text, pa.scalar(None, TEXT)).dictionary_encode()
    return pa.array([unhex(value) for value in distinct.dictionary.to_pylist()], TEXT).take(distinct.indices)


def unhex(digits: str) -> str:
    """The text that the digits encode; the digits themselves when nothing in it needed encoding (`comm=face`)."""
    data = bytes.fromhex(digits)
    if not any(byte <= 0x20 or byte == 0x22 or byte >= 0x7F for byte in data):
        return digits
    # The arguments of a process's title are divided by NUL.
    return data.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace")


def socket_address(digits: str) -> tuple[str | None, str | None, str | None]:
    """Family, address and port of a `struct sockaddr`, dumped by a little-endian machine."""
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None, None, None
    family, port = int.from_bytes(data[:2], "little"), str(int.from_bytes(data[2:4], "big"))
    if family == 2 and len(data) >= 8:
        return "inet", socket.inet_ntop(socket.AF_INET, data[4:8]), port
    if family == 10 and len(data) >= 24:
        return "inet6", socket.inet_ntop(socket.AF_INET6, data[8:24]), port
    return {1: "local", 16: "netlink", 17: "packet"}.get(family), None, None


def of_json(messages: pa.Array) -> Pairs:
    """LAUREL's objects: one an event, a key a record type. What is no such object gives no pair."""
    line: list[int] = []
    found: list[tuple[str, str, str]] = []
    for row, text in enumerate(messages.to_pylist()):
        pairs = list(_event(text))
        line += [row] * len(pairs)
        found += pairs
    record, key, value = zip(*found, strict=True) if found else ((), (), ())
    columns = (pa.array(column, TEXT) for column in (record, key, value))
    return Pairs(np.array(line, dtype=np.int64), *columns)


def _event(text: str) -> Iterator[tuple[str, str, str]]:
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    seconds, colon, serial = str(event.get("ID", "")).partition(":") if isinstance(event, dict) else ("", "", "")
    if not colon:
        return
    for name, records in event.items():
        for fields in records if isinstance(records, list) else [records]:
            if isinstance(fields, dict):
                yield name, "_type", name
                yield name, "_seconds", seconds
                yield name, "_serial", serial
                if isinstance(event.get("NODE"), str):
                    yield name, "_node", event["NODE"]
                yield from ((name, key, value) for key, value in _fields(name, fields))


def _fields(record: str, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if key == "ARGV" and isinstance(value, list):
            if record == "PROCTITLE":
                yield "proctitle", " ".join(map(_plain, value))
            else:
                yield from ((f"a{number}", _plain(argument)) for number, argument in enumerate(value))
        elif key == "SADDR" and isinstance(value, dict):
            yield from ((name, _plain(part)) for name, part in value.items())
        elif isinstance(value, dict):
            yield from ((f"{key}.{name}", _plain(part)) for name, part in value.items() if part is not None)
        elif value is not None and value != "":
            yield key, _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
