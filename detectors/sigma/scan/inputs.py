"""inputs: which files are scanned, and what kind of events each holds.

In:   names of files and folders, and a file's first bytes
Out:  each file once, the ones of a folder in order; `Kind`
Docs: docs/guide/scan.md

The kind is told by content. The name speaks only where the content does not decide.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from detectors.sigma.scan.evtx import MAGIC
from ingest import files

HEAD_BYTES = 64 << 10
BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
_ARRAY = re.compile(rb"\[\s*(?:\{|\]?\s*\Z)")


class Kind(StrEnum):
    NDJSON = "ndjson"
    JSON = "json"
    """An array of objects."""
    EVTX = "evtx"
    LOG = "log"
    """Raw lines for the parsers; only by request, since any text could be some."""


@dataclass(frozen=True)
class Input:
    name: str
    """A path, or "-"."""
    named: bool
    """By the user himself; a file found in a folder may be of no kind, and is then passed over."""
    size: int | None
    """Bytes on the disk; None for a pipe."""


def find(names: Iterable[str], faults: list[str]) -> list[Input]:
    """The files of these names and, in folders, all below. What cannot be read or holds nothing is a fault."""
    found: dict[str, Input] = {}
    for name in names:
        inside = list(_walk(name, faults)) if name != files.STDIN and os.path.isdir(name) else [name]
        if not inside:
            faults.append(f"{name}: holds no file; name files of events, or a folder of them")
        for path in inside:
            try:
                size = files.size(path)
            except OSError as error:
                faults.append(f"{path}: cannot be read: {error.strerror}; name a file or a folder")
                continue
            # One file by two names is read once.
            key = path if path == files.STDIN else os.path.realpath(path)
            found.setdefault(key, Input(path, path == name, size))
    return list(found.values())


def _walk(folder: str, faults: list[str]) -> Iterator[str]:
    """Regular files below a folder, by name, folder by folder. Links to folders are not followed: they may go round."""

    def unreadable(error: OSError) -> None:
        faults.append(f"{error.filename}: cannot be read: {error.strerror}")

    for at, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        paths = [os.path.join(at, name) for name in sorted(names)]
        # A dangling link is kept, so that it is named; a pipe or a device would wait for ever.
        yield from (path for path in paths if os.path.isfile(path) or not os.path.exists(path))


def tell(head: bytes, name: str) -> Kind | None:
    """The kind of a file that begins with `head`; None when neither content nor name says it."""
    if head.startswith(MAGIC):
        return Kind.EVTX
    content = head.removeprefix(BOM).lstrip()
    if content.startswith(b"{") or not content:
        return Kind.NDJSON
    if _ARRAY.match(content):
        return Kind.JSON
    suffixes = Path(name).suffixes[-2:]
    if content[:2] not in _UTF16 and any(suffix.lower() in _JSON_SUFFIXES for suffix in suffixes):
        return Kind.NDJSON
    return None


def unknown(head: bytes) -> str:
    """Why a file is of no known kind, and what to do."""
    if head[:2] in _UTF16:
        return "is UTF-16; write it as UTF-8 first: iconv -f UTF-16 -t UTF-8"
    if b"\0" in head[:1024]:
        return "is no log: neither JSON nor .evtx"
    return "begins neither as JSON nor as .evtx; for raw log lines write --events log"
