"""Which files are scanned, and what kind each is of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detectors.sigma.scan.inputs import Kind, find, tell, unknown


def test_a_folder_is_walked_in_order_and_each_file_taken_once(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/z/1", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "d").symlink_to(tmp_path / "c")
    os.mkfifo(tmp_path / "pipe")
    faults: list[str] = []
    found = find([str(tmp_path / "b/2"), str(tmp_path), "-"], faults)
    names = [os.path.relpath(one.name, tmp_path) if one.name != "-" else "-" for one in found]
    assert (names, faults) == (["b/2", "c", "a/z/1", "b/1", "-"], [])
    assert [(one.named, one.size) for one in found] == [(True, 3), (False, 1), (False, 5), (False, 3), (True, None)]


def test_what_is_not_there_is_a_fault(tmp_path: Path) -> None:
    faults: list[str] = []
    assert find([str(tmp_path), str(tmp_path / "no")], faults) == []
    assert [fault.removeprefix(str(tmp_path)) for fault in faults] == [
        ": holds no file; name files of events, or a folder of them",
        "/no: cannot be read: No such file or directory; name a file or a folder",
    ]


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"ElfFile\0\0\0", "x.json", Kind.EVTX),
        (b' \r\n{"a": 1}', "x", Kind.NDJSON),
        (b"\xef\xbb\xbf{}", "x", Kind.NDJSON),
        (b"", "x", Kind.NDJSON),
        (b"\n\n", "x", Kind.NDJSON),
        (b"[{", "x.ndjson", Kind.JSON),
        (b"\xef\xbb\xbf\n [ \n", "x", Kind.JSON),
        (b"[]", "x", Kind.JSON),
        (b"[  12.345] kernel", "dmesg", None),
        (b"[1, 2]\n{}", "x.jsonl", Kind.NDJSON),
        (b"[]\n{}", "x.jsonl", Kind.NDJSON),
        (b"no object\n{}", "x.json.gz", Kind.NDJSON),
        (b"<38>Mar  5 09:00:00", "auth.log", None),
        ("{}".encode("utf-16"), "x.json", None),
        (b"\x7fELF\0\0", "x", None),
    ],
)
def test_the_kind_is_told_by_content_and_the_name_is_a_hint(head: bytes, name: str, kind: Kind | None) -> None:
    assert tell(head, name) == kind


def test_why_a_file_is_of_no_kind() -> None:
    assert unknown("{}".encode("utf-16")).startswith("is UTF-16; write it as UTF-8 first")
    assert unknown(b"\x7fELF\0\0").startswith("is no log")
    assert unknown(b"<38>Mar").endswith("write --events log")
