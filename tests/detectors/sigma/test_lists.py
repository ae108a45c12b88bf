"""Placeholders: what a list of values does in a rule, and what a changed or a missing one does to the rule set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.sigma import lists, load
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import InvalidFileError

RULE = """title: one
id: one
logsource: {{product: p}}
detection: {{selection: {{{test}: {value}}}, condition: {condition}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules" / "lists").mkdir(parents=True)
    return tmp_path / "rules"


def write(folder: Path, test: str, value: str = "'%x%'", condition: str = "selection", **values: str) -> None:
    (folder / "rule.yml").write_text(RULE.format(test=test, value=value, condition=condition), encoding="utf-8")
    for name, text in values.items():
        (folder / "lists" / f"{name}.txt").write_text(text, encoding="utf-8")


def matched(ruleset: Ruleset, *values: str | None) -> list[bool]:
    batch = pa.RecordBatch.from_pydict({"F": list(values), "product": ["p"] * len(values)})
    rows = set(ruleset.match(batch)["row"].to_pylist())
    return [row in rows for row in range(len(values))]


@pytest.mark.parametrize(
    ("test", "value", "x", "values", "expected"),
    [
        ("F|expand", "'%x%'", "a\nb", ["a", "B", "c", "ab", None], [True, True, False, False, False]),
        ("F|expand", "['%x%', c]", "a\nb", ["a", "b", "c", "d"], [True, True, True, False]),
        ("F|contains|expand", "'%x%'", "a\nb", ["xax", "xbx", "x"], [True, True, False]),
        ("F|expand|startswith", "'%x%'", "a\nb", ["ax", "bx", "xa"], [True, True, False]),
        ("F|contains|all|expand", "'%x%'", "a\nb", ["ab", "a"], [True, False]),
        ("F|cased|expand", "'%x%'", "Ab", ["Ab", "ab"], [True, False]),
        ("F|expand", "'%x%'", "a*\n?c\n\\*", ["axx", "bc", "*", "x"], [True, True, True, False]),
        ("F|expand", "'%x%-%y%'", "a\nb", ["a-1", "b-2", "a-3", "a"], [True, True, False, False]),
        ("F|windash|contains|expand", "' -c%x%'", "a", ["x -ca", "x /ca", "ca"], [True, True, False]),
        ("F|re|expand", "'^%x%$'", "a.\nb+", ["ax", "bbb", "b.", "a"], [True, True, False, False]),
        ("F|cidr|expand", "'%x%'", "192.0.2.0/24\n2001:db8::1", ["192.0.2.9", "2001:db8::1", "1"], [True, True, False]),
        ("F|expand|cidr", "['%x%', 198.51.100.0/24]", "192.0.2.0/24", ["192.0.2.9", "198.51.100.1"], [True, True]),
        ("F|expand", "'%x%'", "# nobody\n\n  a  # the first\nb#1", ["a", "b#1", "b"], [True, True, False]),
        ("F|expand", "'100%'", "a", ["100%", "a"], [True, False]),
    ],
)
def test_values_of_a_list(
    test: str, value: str, x: str, values: list[str | None], expected: list[bool], folder: Path
) -> None:
    write(folder, test, value, x=x, y="1\n2")
    assert matched(Ruleset.load([folder]), *values) == expected


@pytest.mark.parametrize(
    ("test", "value", "condition", "expected"),
    [
        ("F|expand", "'%x%'", "selection", [False, False]),
        ("F|cidr|expand", "'%x%'", "selection", [False, False]),
        ("F|re|expand", "'%x%'", "selection", [False, False]),
        ("F|contains|all|expand", "['%x%', a]", "selection", [False, False]),
        ("F|expand", "['%x%', a]", "selection", [True, False]),
        ("F|expand", "'%x%'", "not selection", [True, True]),
    ],
)
def test_an_empty_list_matches_nothing(
    test: str, value: str, condition: str, expected: list[bool], folder: Path
) -> None:
    write(folder, test, value, condition, x="# nobody yet\n")
    assert matched(Ruleset.load([folder]), "a", "") == expected


def test_later_lists_add(folder: Path, tmp_path: Path) -> None:
    write(folder, "F|expand", x="a")
    more = tmp_path / "more"
    more.mkdir()
    (more / "x.txt").write_text("b\na")
    assert matched(Ruleset.load([folder]), "a", "b") == [True, False]
    assert matched(Ruleset.load([folder], lists=[more]), "a", "b") == [True, True]
    (tmp_path / "site" / "lists").mkdir(parents=True)
    (tmp_path / "site" / "lists" / "x.txt").write_text("c")
    (tmp_path / "site" / "other.yml").write_text(
        RULE.format(test="F", value="z", condition="selection").replace("one", "z")
    )
    assert matched(Ruleset.load([folder, tmp_path / "site"]), "a", "c") == [True, True]


def test_a_changed_list_is_another_set_and_no_stale_cache(folder: Path, tmp_path: Path) -> None:
    cache, versions = tmp_path / "cache", []
    for text, expected in (("a", [True, False]), ("b", [False, True]), ("a", [True, False])):
        write(folder, "F|expand", x=text)
        ruleset = Ruleset.load([folder], cache)
        assert ruleset.is_new
        assert matched(ruleset, "a", "b") == expected
        assert not Ruleset.load([folder], cache).is_new
        versions.append(ruleset.version)
    assert versions[0] == versions[2] != versions[1]


def test_another_list_leaves_the_cache(folder: Path, tmp_path: Path) -> None:
    write(folder, "F|expand", x="a", y="b")
    version = Ruleset.load([folder], tmp_path / "cache").version
    write(folder, "F|expand", x="a", y="c")
    ruleset = Ruleset.load([folder], tmp_path / "cache")
    assert not ruleset.is_new
    assert ruleset.version != version


def test_a_missing_list_is_named_with_the_file_to_write(folder: Path, tmp_path: Path) -> None:
    write(folder, "F|expand", "['%x%-%none%']", x="a")
    for _ in range(2):
        with pytest.raises(InvalidFileError) as caught:
            Ruleset.load([folder], tmp_path / "cache")
        (problem,) = caught.value.problems
        assert "expands %none%, for which there is no list" in problem.what
        assert problem.hint == f"write them, one a line, to {folder}/lists/none.txt"
    (folder / "lists" / "none.txt").write_text("b")
    assert matched(Ruleset.load([folder], tmp_path / "cache"), "a-b") == [True]


def test_a_value_that_is_no_network_is_named(folder: Path) -> None:
    write(folder, "F|cidr|expand", x="192.0.2.0/24\n192.0.2.1/24")
    with pytest.raises(InvalidFileError, match=r"expands %x%, whose value '192.0.2.1/24' is no network.*x\.txt"):
        Ruleset.load([folder])


def test_lists_multiply_within_bounds() -> None:
    many = lists.Lists({"x": tuple(map(str, range(300)))})
    loaded = load.load("r.yml", RULE.format(test="F|expand", value="'%x%-%x%'", condition="selection").encode(), many)
    assert "expands to 90000 values" in loaded.refused[0].what


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"a\nb\xff\n", 2, "is not UTF-8"),
        (b"a\n" + b"x" * 2000, 2, "has a value of 2000 characters"),
        (b"a\n" * (3 << 20), 1, "bytes"),
    ],
)
def test_a_broken_list_is_named(
    content: bytes, line: int, what: str, folder: Path, load: Callable[..., Ruleset]
) -> None:
    write(folder, "F", "a")
    (folder / "lists" / "x.txt").write_bytes(content)
    (problem,) = Ruleset.load([folder], strict=False).problems
    assert (problem.path, problem.line) == (str(folder / "lists" / "x.txt"), line)
    assert what in problem.what


@pytest.mark.parametrize("test", ["F|base64|expand", "F|expand|wide|base64offset|contains", "F|utf16le|expand"])
def test_a_placeholder_that_would_be_encoded_is_refused(test: str) -> None:
    text = RULE.format(test=test, value="'%x%'", condition="selection").encode()
    loaded = load.load("r.yml", text, lists.Lists({"x": ("1",)}))
    assert "expands a placeholder that" in loaded.refused[0].what
    assert not loaded.entries


def test_expand_is_a_modifier_like_others() -> None:
    for test, value, what in (
        ("F|base64|expand|cidr", "'%x%'", "CIDR"),
        ("F|expand|re", "'%x%'", "Regular expression"),
        ("F|cidr", "'%x%'", "CIDR"),
        ("F|expand|gt", "'%x%'", "GreaterThan"),
    ):
        text = RULE.format(test=test, value=value, condition="selection").encode()
        loaded = load.load("r.yml", text, lists.Lists({"x": ("1",)}))
        assert what in str(loaded.problems[0]), test
