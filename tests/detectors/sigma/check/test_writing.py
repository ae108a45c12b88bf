"""How a file is written: pySigma's objections, tags, and what they are remembered by."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.sigma.check import writing

GOOD = """title: t
id: 0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10
status: test
description: what it is
author: someone
date: 2026-11-24
tags: [attack.execution, attack.t1059.001]
logsource:
  product: windows
  category: process_creation
detection:
  selection:
    Image|endswith: cmd.exe
  condition: selection
level: high
"""


def found(text: str, own: bool = True) -> list[tuple[str, int, str]]:
    doubts = writing.doubts([("r.yml", text.encode())], {"r.yml"} if own else (), None)
    return [(doubt.kind, doubt.problem.line, doubt.problem.what) for doubt in doubts]


def test_nothing_to_say() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "kind", "line", "what"),
    [
        ("  condition:", "  other: {Image: x}\n  condition:", "sigma", 14, "not referenced from condition: other"),
        ("Image|endswith: cmd.exe", "Image: '*cmd.exe'", "sigma", 13, "wildcard at beginning"),
        ("Image|endswith: cmd.exe", "Image: ['a**b']", "sigma", 11, "multiple consecutive"),
        ("Image|endswith", "Image|endswith|endswith", "sigma", 13, "multiple times: Image"),
        ("condition: selection", "condition: 1 of them", "sigma", 14, "has only one condition"),
        ("[attack.execution,", "[attack.execution, attack.execution,", "sigma", 7, "same tag appears multiple times"),
        ("[attack.execution,", "[attak.execution,", "sigma", 7, "namespace: attak.execution"),
        ("[attack.execution,", "[attack.exekution,", "attack-tag", 7, "tag 'attack.exekution' is not of ATT&CK"),
        ("t1059.001", "t1059.1", "attack-tag", 7, "tag 'attack.t1059.1' is not of ATT&CK"),
        ("t1059.001", "t1059.099", "convention", 7, "tag 'attack.t1059.099' is no technique"),
        ("  product: windows", "  product: windows\n  produkt: x", "sigma", 10, "invalid field name in the log source"),
        ("id: 0f5e4b7c-", "id: ", "convention", 2, "is no UUID"),
        ("author: someone\n", "", "convention", 1, "has no author"),
        ("date: 2026-11-24\n", "", "convention", 1, "has no date"),
        ("description: what it is\n", "", "convention", 1, "has no description"),
        ("status: test\n", "", "convention", 1, "has no status"),
        ("level: high\n", "", "convention", 1, "has no level"),
        ("level: high", "level: high\nfalsepositve: x", "misspelt-key", 16, "'falsepositve', which nobody reads"),
    ],
)
def test_what_is_said_and_where(old: str, new: str, kind: str, line: int, what: str) -> None:
    assert old in GOOD
    doubts = found(GOOD.replace(old, new))
    assert [(doubt[0], doubt[1]) for doubt in doubts] == [(kind, line)]
    assert what in doubts[0][2]
    assert bool(found(GOOD.replace(old, new), own=False)) == (kind != "convention")


def test_what_is_faulty_is_left_to_those_who_load_it() -> None:
    for text in (
        GOOD.replace("condition: selection", "condition: ("),
        "- a",
        "\xff",
        "a: [",
        GOOD.replace("|ends", "|x"),
    ):
        assert found(text) == []


def test_a_global_document_counts_for_those_after_it() -> None:
    head, _, rest = GOOD.partition("detection:")
    text = (
        head.replace("title: t\nid: 0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10\n", "action: global\n") + "level: low\n---\n"
    )
    assert found(text + "title: t\nid: 0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10\ndetection:" + rest) == []


def test_the_cache_says_the_same_and_may_be_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [("r.yml", GOOD.replace("author: someone\n", "").encode())]
    first = list(writing.doubts(files, {"r.yml"}, tmp_path))
    assert len(first) == 1
    (kept,) = tmp_path.iterdir()
    looked: list[str] = []
    look = writing._look

    def counted(path: str, content: bytes) -> list[writing.Found]:
        looked.append(path)
        return look(path, content)

    monkeypatch.setattr(writing, "_look", counted)
    assert list(writing.doubts(files, {"r.yml"}, tmp_path)) == first
    assert looked == []
    assert list(writing.doubts(files, (), tmp_path)) == []
    kept.write_bytes(b"{")
    assert list(writing.doubts(files, {"r.yml"}, tmp_path)) == first
    assert looked == ["r.yml"]
