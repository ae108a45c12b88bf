"""A writer of .evtx, so that tests have files of their own: BinXml without templates, as [MS-EVEN6] describes it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

CHUNK = 65_536
SINCE_1601 = 11_644_473_600
"""Seconds from the epoch of Windows to that of Unix."""

_ELEMENT, _ELEMENT_WITH_ATTRIBUTES, _START_TAG_END, _EMPTY_TAG_END, _END_TAG = 0x01, 0x41, 0x02, 0x03, 0x04
_VALUE, _ATTRIBUTE, _ATTRIBUTE_BEFORE_OTHERS, _STRING = 0x05, 0x06, 0x46, 0x01


@dataclass(frozen=True)
class Element:
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    content: str | Sequence[Element] = ()


def event(
    number: int,
    data: Mapping[str, str] | Sequence[Element],
    channel: str = "Microsoft-Windows-Sysmon/Operational",
    code: int = 1,
    part: str = "EventData",
    at: str = "2026-03-05T01:15:02.123456Z",
) -> Element:
    """An event as Windows writes one; `data` are named values, or elements of their own."""
    system = [
        Element("Provider", {"Name": channel.partition("/")[0], "Guid": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"}),
        Element("EventID", {"Qualifiers": "0"}, str(code)),
        Element("Level", {}, "4"),
        Element("TimeCreated", {"SystemTime": at}),
        Element("EventRecordID", {}, str(number)),
        Element("Correlation"),
        Element("Execution", {"ProcessID": "4", "ThreadID": "8"}),
        Element("Channel", {}, channel),
        Element("Computer", {}, "pc1.example.org"),
        Element("Security", {"UserID": "S-1-5-18"}),
    ]
    if isinstance(data, Mapping):
        data = [Element("Data", {"Name": name}, value) for name, value in data.items()]
    return Element("Event", {}, [Element("System", {}, system), Element(part, {}, data)])


def evtx(chunks: Iterable[bytes]) -> bytes:
    """A file of these chunks."""
    chunks = list(chunks)
    head = b"ElfFile\0" + struct.pack("<3QI4H", 0, len(chunks) - 1, 1, 128, 1, 3, 4096, len(chunks)) + bytes(76)
    return (head + struct.pack("<2I", 0, zlib.crc32(head))).ljust(4096, b"\0") + b"".join(chunks)


def chunk(events: Sequence[Element], first: int = 1) -> bytes:
    """One chunk of these events, numbered from `first`."""
    records = bytearray()
    last = 0
    for number, one in enumerate(events, first):
        last = 512 + len(records)
        body = _bin_xml(one, last + 24)
        size = 24 + len(body) + 4
        body += bytes(-size % 8)
        size += -size % 8
        at = int((datetime(2026, 3, 5, 1, 15, 2, tzinfo=UTC).timestamp() + SINCE_1601) * 10_000_000)
        records += b"**\0\0" + struct.pack("<IQQ", size, number, at) + body + struct.pack("<I", size)
    end = first + len(events) - 1
    sizes = struct.pack("<4Q4I", first, end, first, end, 128, last, 512 + len(records), zlib.crc32(records))
    head = b"ElfChnk\0" + sizes + bytes(64 + 4)
    tables = bytes(512 - 128)
    sum_of_heads = struct.pack("<I", zlib.crc32(head[:120] + tables))
    whole = head + sum_of_heads + tables + records
    assert len(whole) <= CHUNK
    return whole.ljust(CHUNK, b"\0")


def _bin_xml(root: Element, at: int) -> bytes:
    """A fragment that lies `at` bytes behind the chunk's begin."""
    out = bytearray(b"\x0f\x01\x01\x00")
    _element(root, out, at)
    return bytes(out) + b"\0"


def _element(element: Element, out: bytearray, at: int) -> None:
    out.append(_ELEMENT_WITH_ATTRIBUTES if element.attributes else _ELEMENT)
    size_at = _hole(out)
    _name(element.name, out, at)
    if element.attributes:
        attributes_at = _hole(out)
        for left, (name, value) in enumerate(reversed(element.attributes.items())):
            out.append(_ATTRIBUTE_BEFORE_OTHERS if left < len(element.attributes) - 1 else _ATTRIBUTE)
            _name(name, out, at)
            _value(value, out)
        _fill(out, attributes_at)
    if element.content:
        out.append(_START_TAG_END)
        if isinstance(element.content, str):
            _value(element.content, out)
        else:
            for inner in element.content:
                _element(inner, out, at)
        out.append(_END_TAG)
    else:
        out.append(_EMPTY_TAG_END)
    _fill(out, size_at)


def _name(name: str, out: bytearray, at: int) -> None:
    """Where the name lies in the chunk, which is here; then the name: next, hash, length, letters, nil."""
    out += struct.pack("<I", at + len(out) + 4)
    out += struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16le") + b"\0\0"


def _value(text: str, out: bytearray) -> None:
    letters = text.encode("utf-16le")
    out += bytes([_VALUE, _STRING]) + struct.pack("<H", len(letters) // 2) + letters


def _hole(out: bytearray) -> int:
    out += bytes(4)
    return len(out)


def _fill(out: bytearray, start: int) -> None:
    struct.pack_into("<I", out, start - 4, len(out) - start)
