"""Rule files of strangers: whatever they hold is loaded or named, in bounded time, and never raises."""

from __future__ import annotations

import datetime
import gc
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.sigma import load as loading
from detectors.sigma.check import check, writing
from detectors.sigma.lists import Lists
from detectors.sigma.load import Loaded
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Taxonomy

LISTS = Lists({"x": ("a*", "b"), "none": ()})
RULE = """title: t
id: one
logsource:
  product: p
detection:
  selection:
    F: a
  condition: selection
"""


def seconds(content: bytes) -> tuple[Loaded, float]:
    start = time.process_time()
    loaded = loading.load("r.yml", content, LISTS)
    return loaded, time.process_time() - start


def nested(depth: int) -> str:
    return "{a: " * depth + "x" + "}" * depth


# Catastrophic for an engine that backtracks, or for one that copies what is repeated.
REGEXES = (
    "(a+)+$", "(a|a)*b", "(.*a){30}", "((a{1,100}){1,100}){1,100}", "a{1,32000}b{1,32000}", "(?:x?){500}x{500}",
    "(" * 500 + "a" + ")" * 500, "(a|b)" * 700, "[^a]{1,5000}" * 50, "(?=a)b", "(?P<n>a)(?P=n)",
    "\\\\1(a)", "\\\\p{L}{1,900}",
)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("F: a", "F: {a: b}", 7, "F: {'a': 'b'} is no value (hint: write one value"),
        ("F: a", "F: [1, [2]]", 7, "F: [2] is no value (hint: write one value"),
        ("F: a", "F|gt: a", 7, "gte, lt and lte take a number"),
        ("F: a", "F|cidr: 300.1.2.3/99", 7, "hint: write an address or a network"),
        ("condition: selection", "condition: 5", 8, "condition is 5 (hint: write 'condition: selection')"),
        ("condition: selection", "condition: selection | count() > 5", 8, "hint: write a correlation"),
        ("condition: selection", "x: y", 5, "has no condition"),
        ("  product: p", "  - product", 3, "logsource is ['product']"),
        ("detection:\n  selection:\n    F: a\n  condition: selection", "detection: [a]", 5, "detection is ['a']"),
    ],
)
def test_what_stands_there_is_told_with_what_to_write(old: str, new: str, line: int, said: str) -> None:
    assert old in RULE
    [problem] = loading.load("r.yml", RULE.replace(old, new).encode(), LISTS).problems
    assert f"r.yml:{line}: " in str(problem)
    assert said in str(problem)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "what"),
    [
        *((RULE.replace("F: a", f"F|re: '{regex}'"), None) for regex in REGEXES),
        (RULE.replace("F: a", "F: " + "a" * (1 << 20)), "has a value of 1048576 characters"),
        (RULE.replace("title: t", "title: " + "a" * (1 << 20)), "title"),
        (RULE.replace("title: t", "title: t\ndescription: " + "a" * (1 << 20)), "description is"),
        (RULE.replace("title: t", "title: t\ndate: 20261124"), "date is 20261124"),
        (RULE.replace("title: t", "title: t\ndate: 2026-13-45"), "date is '2026-13-45'"),
        (RULE.replace("title: t", "title: t\nmodified: [2026-11-24]"), "modified is ["),
        (RULE.replace("title: t", "title: 5"), "title is 5"),
        (RULE.replace("title: t", "title: t\nauthor: {a: b}"), "author is {"),
        (RULE.replace("title: t", "title: t\ntags: [[a]]"), "tags is [["),
        (RULE.replace("title: t", "title: t\nfields: 7"), "fields is 7"),
        (RULE.replace("title: t", "title: t\nrelated: one"), "related holds 'one'"),
        (RULE.replace("title: t", "title: t\nrelated: [{id: one, type: child}]"), "related has the type 'child'"),
        (RULE.replace("id: one", "id: [one]"), "id is ['one']"),
        (RULE.replace("title: t", "title: t\nlicense: {}"), "license is {}"),
        (RULE.replace("product: p", "product: {}"), "logsource.product is {}"),
        (RULE.replace("F: a", "F: {a: b}"), "F: "),
        (RULE.replace("F: a", "F: [[a]]"), "F: "),
        (RULE.replace("F: a", "? [a]\n    : b"), "has a key that is not text"),
        (RULE.replace("F: a", "F|contains|startswith|re|all|cidr: a"), "F|contains"),
        (RULE.replace("F: a", "F|" + "x" * 900 + ": a"), "Unknown modifier"),
        (RULE + "hamrong:\n  ? " + "x" * 100_000 + "\n  : a", "has the unknown key 'xxx"),
        (RULE.replace("F: a", "F|all: []"), None),
        (RULE.replace("F: a", "F: !!binary 4pyTaXNoZWQ="), "F: "),
        (RULE.replace("F: a", f"F: {nested(39)}"), "nests deeper"),
        (RULE.replace("F: a", "F: " + "[" * 3000), "not YAML"),
        (RULE.replace("  product", "\tproduct"), "not YAML"),
        (RULE.replace("id: one", "id: one\nid: two"), "has the key 'id' twice"),
        (
            RULE.replace("condition: selection", "condition: " + " or ".join(["selection"] * 700)),
            "condition is too long",
        ),
        (RULE.replace("condition: selection", "condition: " + "(" * 4000 + "selection" + ")" * 4000), None),
        (RULE.replace("condition: selection", "condition: {a: b}"), "condition is {'a': 'b'}"),
        (RULE.replace("F: a", "F|expand: '" + "%x%" * 20 + "'"), "expands to 1048576 values"),
        ("\ufeff" + RULE, None),
        (RULE.encode("utf-16"), "not UTF-8"),
        (RULE.replace("\n", "\r\n"), None),
        ("a: &a [*a]", "nests deeper"),
        ("--- \n" * 10_000, "is empty"),
        ("--- 5\n" * 10_000, "holds no rule"),
        (f"{RULE}---\naction: repeat\n" * 300, None),
        (b"\x00" * 1000, "not YAML"),
        (b"%YAML 9.9\n---\n- a", "not YAML"),
    ],
)
def test_is_named_or_loaded_in_bounded_time(content: str | bytes, what: str | None) -> None:
    loaded, spent = seconds(content if isinstance(content, bytes) else content.encode())
    assert spent < 5
    problems = [str(problem) for problem in (*loaded.problems, *loaded.refused)]
    assert loaded.entries or problems
    assert all(len(problem) < 1200 for problem in problems)
    if what is not None:
        assert what in problems[0]
        assert not loaded.entries


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        lambda size: RULE.replace("F: a", "F: [" + ", ".join(f"v{number}" for number in range(size)) + "]"),
        lambda size: RULE.replace("F: a", "\n    ".join(f"F{number}: a" for number in range(size))),
        lambda size: RULE.replace("id: one", "id: one\nx: " + "a " * size),
        lambda size: RULE.replace("id: one", "id: one\ntags: [" + "a, " * size + "]"),
        lambda size: "\n---\n".join([RULE] * (size // 20)),
        lambda size: RULE.replace("id: one", "id: one\n" + "\n".join(f"x{number}: y" for number in range(size))),
    ],
    ids=("values", "fields", "text", "tags", "documents", "keys"),
)
def test_what_a_file_costs_grows_with_its_size(text: object) -> None:
    assert callable(text)
    # What other tests left behind is not to be walked through while this is measured.
    gc.collect()
    gc.freeze()
    try:
        seconds(text(500).encode())
        short = min(seconds(text(1_000).encode())[1] for _ in range(3))
        assert seconds(text(10_000).encode())[1] < 25 * short + 0.1
    finally:
        gc.unfreeze()


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=True), st.dates(), st.datetimes(),
    st.binary(max_size=5), st.text(max_size=20), st.text("%x*?\\\\|.-()[]{}0 ", max_size=20),
    st.sampled_from(["selection", "1 of them", "not selection", "all of s*", "10.0.0.0/8", "a*b"]),
    st.sampled_from(["%x%", "%none%", "%q%", "%x%-%x%"]),
)  # fmt: skip
MODIFIERS = st.lists(
    st.sampled_from(
        [
            "contains",
            "startswith",
            "endswith",
            "all",
            "re",
            "i",
            "m",
            "s",
            "cidr",
            "base64",
            "base64offset",
            "wide",
            "utf16",
            "windash",
            "expand",
            "fieldref",
            "exists",
            "gt",
            "lt",
            "gte",
            "neq",
            "minute",
            "hour",
            "cased",
            "nonsense",
        ]
    ),
    max_size=3,
)
FIELDS = st.builds(
    lambda name, modifiers: "|".join((name, *modifiers)), st.sampled_from(["F", "G", "", "a.b", "0"]), MODIFIERS
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(FIELDS, st.text(max_size=5)), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = [
    "title",
    "id",
    "name",
    "status",
    "description",
    "author",
    "date",
    "modified",
    "tags",
    "level",
    "logsource",
    "detection",
    "filter",
    "correlation",
    "hamrong",
    "falsepositives",
    "references",
    "fields",
    "related",
    "license",
    "scope",
    "taxonomy",
    "action",
]
SELECTIONS = st.one_of(
    st.dictionaries(FIELDS, st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), max_size=3),
    st.lists(st.one_of(SCALARS, st.dictionaries(FIELDS, SCALARS, max_size=2)), max_size=3),
    ANYTHING,
)
# Often nearly a rule: what is wrong at first sight is seen at first sight.
RULES = st.builds(
    lambda noise, kind, selections, condition: {
        "title": "t",
        "logsource": {"product": "p"},
        kind: {**selections, "condition": condition, **({"rules": "any"} if kind == "filter" else {})},
        **noise,
    },
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=2),
    st.sampled_from(["detection", "detection", "filter"]),
    st.dictionaries(st.sampled_from(["selection", "s1", "s2"]), SELECTIONS, max_size=3),
    st.sampled_from(["selection", "1 of s*", "not 1 of them", "selection or s1 and not s2", "s1 |", "all of them"]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.one_of(RULES, ANYTHING), min_size=1, max_size=2))
def test_any_structure_gives_rules_or_problems(documents: list[object]) -> None:
    content = yaml.safe_dump_all(documents, allow_unicode=True).encode("utf-8", "surrogatepass")
    loaded, spent = seconds(content)
    assert spent < 5
    assert all(problem.what and problem.hint for problem in (*loaded.problems, *loaded.refused))
    assert all(problem.line <= content.count(b"\n") + 1 for problem in (*loaded.problems, *loaded.refused))
    entries = [{**entry, "metadata": {**entry["metadata"], "path": "r.yml"}} for entry in loaded.entries]
    ruleset = Ruleset(entries, Taxonomy([]))
    assert len(ruleset.rules) <= len(documents)
    list(writing.doubts([("r.yml", content)], {"r.yml"}, None))


@given(st.binary(max_size=300))
def test_any_bytes_give_rules_or_problems(content: bytes) -> None:
    loaded = loading.load("r.yml", content, LISTS)
    assert loaded.entries or loaded.problems or loaded.refused


def test_one_bad_file_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(RULE)
    (tmp_path / "bad.yml").write_bytes(b"a: &a [*a, *a]\n")
    (tmp_path / "worse.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "odd.yml").mkdir()
    ruleset = Ruleset.load([tmp_path], strict=False, today=datetime.date(2026, 11, 24))
    assert [rule.id for rule in ruleset.rules] == ["one"]
    assert [Path(problem.path).name for problem in ruleset.problems] == ["bad.yml", "worse.yml"]
    assert [doubt.kind for doubt in check(ruleset, [tmp_path])].count("fault") == 2
