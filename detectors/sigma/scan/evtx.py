"""evtx: chunks of a Windows event log -> JSON lines with Sigma's field names.

In:   whole chunks of 64 KiB
Out:  one line a record; what could not be read, named by chunk
Docs: [MS-EVEN6] BinXml; libevtx, "Windows XML Event Log (EVTX)"; Sigma taxonomy appendix, Windows

A chunk holds its own strings and templates, so that behind a header each is a whole file: pieces of one file are read
side by side, and a header that says nonsense does no harm.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Any, cast

import orjson

from detectors.sigma.records import flat

MAGIC = b"ElfFile\0"
HEADER = 4096
CHUNK = 65_536

# First and last chunk, next record; length of the header, version 3.1, length of its block, number of chunks; its sum.
_SIZES = MAGIC + struct.pack("<3QI4H", 0, 0, 1, 128, 1, 3, HEADER, 1) + bytes(76)
_HEADER = (_SIZES + struct.pack("<2I", 0, zlib.crc32(_SIZES))).ljust(HEADER, b"\0")
_TABLES = ((128, 384), (384, 512))
"""Strings and templates: places of the first of each chain, which begins with the place of the next."""
_CHUNK_MAGIC = b"ElfChnk\0"


def lines(chunks: bytes, first: int) -> tuple[bytes, list[str]]:
    """The records of these chunks, the first of which is the file's chunk `first`; and their faults."""
    found: list[bytes] = []
    faults: list[str] = []
    for number, start in enumerate(range(0, len(chunks), CHUNK), first):
        chunk = chunks[start : start + CHUNK]
        fault = _broken(chunk)
        if fault:
            faults.append(f"chunk {number}: {fault}")
        # Windows makes room for chunks before it fills them.
        elif any(chunk):
            records, its = _records(chunk)
            found += records
            faults += (f"chunk {number}: {one}" for one in its)
    return b"".join(line + b"\n" for line in found), faults


def _records(chunk: bytes) -> tuple[list[bytes], list[str]]:
    # Here, since its library of 4 MB is wanted for the first .evtx only.
    from evtx import PyEvtxParser

    found: list[bytes] = []
    faults: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parser = PyEvtxParser(io.BytesIO(_HEADER + _sound(chunk)), number_of_threads=1, skip_errors=True)
        for record in cast("Iterator[dict[str, Any]]", parser.records_json()):
            try:
                found.append(orjson.dumps(flat(orjson.loads(record["data"]))))
            except (ValueError, TypeError) as error:
                # Names out of a broken chunk can hold anything, and the library writes them as they are.
                faults.append(f"record {record['event_record_id']}: {error}")
    return found, faults + [_reason(warning.message) for warning in caught]


def _sound(chunk: bytes) -> bytes:
    """The chunk; without a table of strings or templates that leads astray.

    Each entry of a table begins a chain through the chunk. The library follows a chain that comes back to itself for
    ever, and gives up a chunk when one leaves it. Without the table it finds each string where it is used.
    """
    for start, end in _TABLES:
        met: set[int] = set()
        for (offset,) in struct.iter_unpack("<I", chunk[start:end]):
            while offset:
                if offset in met or not end <= offset <= CHUNK - 4:
                    chunk = chunk[:start] + bytes(end - start) + chunk[end:]
                    break
                met.add(offset)
                (offset,) = struct.unpack_from("<I", chunk, offset)
    return chunk


def _broken(chunk: bytes) -> str | None:
    if len(chunk) < CHUNK:
        return f"the file ends {CHUNK - len(chunk)} bytes before the chunk does; its records are left out"
    if chunk[:8] != _CHUNK_MAGIC and any(chunk):
        return "does not begin as a chunk; its records are left out"
    return None


def _reason(warning: Warning | str) -> str:
    """What the library says, without its number of the chunk, which counts within one."""
    return re.sub(r"^Skipping EVTX data: \w+: (Failed to parse chunk number \d+: )?", "", str(warning))
