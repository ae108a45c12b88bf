"""What is doubtful about rules beside each other, and about their exceptions and lists."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from detectors.sigma.check import check
from detectors.sigma.ruleset import Ruleset

HEAD = "logsource: {{product: windows, category: process_creation}}\n"
RULE = "title: {0}\nid: {0}\n" + HEAD + "detection: {{s: {{{1}}}, condition: {2}}}\n"
FILTER = "title: f\nlogsource: {{{0}}}\nfilter: {{rules: {1}, s: {{Image: q}}, condition: not s}}\n"


def found(folder: Path, **files: str) -> list[tuple[str, str, int]]:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + (".txt" if name.startswith("lists__") else ".yml"))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    ruleset = Ruleset.load([folder], strict=False, today=date(2026, 11, 24))
    doubts = check(ruleset, [folder])
    assert doubts == sorted(doubts)
    return [(doubt.kind, doubt.problem.what, doubt.problem.line) for doubt in doubts]


def test_twins(tmp_path: Path) -> None:
    one, two = "Image: a, CommandLine|contains: [x, y]", "CommandLine|contains: [y, x], Image: A"
    rules = {"a": RULE.format("a", one, "s"), "b": RULE.format("b", two, "s"), "c": RULE.format("c", "Image: a", "s")}
    assert found(tmp_path, **rules) == [("duplicate-rule", f"asks for the same as 'a' ({tmp_path}/a.yml:1)", 1)]
    pairs = ["{Image: a, User: x}", "{Image: b, User: y}"]
    either = [
        RULE.format(name, "Image: q", "t").replace("{s:", f"{{t: [{', '.join(pairs[::step])}], s:")
        for name, step in (("a", 1), ("b", -1))
    ]
    assert [kind for kind, *_ in found(tmp_path, a=either[0], b=either[1])] == ["sigma", "duplicate-rule", "sigma"]
    elsewhere = rules["b"].replace("process_creation", "image_load")
    assert not [doubt for doubt in found(tmp_path, **{**rules, "b": elsewhere}) if doubt[0] == "duplicate-rule"]


@pytest.mark.parametrize(
    ("test", "what"),
    [
        ("Image|re: 'a(?:$|b)c?'", "regular expression runs alone, in RE2: a(?:$|b)c?"),
        ("Image|contains: " + "a" * 2001, "value of 2001 characters is compared alone, in Python: " + "a" * 40 + "…"),
        ("Image|re: 'a{1,100}b'", None),
        ("Image|contains: " + "a" * 2000, None),
    ],
)
def test_what_the_shared_search_does_not_take(test: str, what: str | None, tmp_path: Path) -> None:
    assert found(tmp_path, a=RULE.format("a", test, "s")) == ([("searched-alone", what, 1)] if what else [])


@pytest.mark.parametrize(
    ("source", "rules", "what"),
    [
        ("product: windows", "[a]", None),
        ("product: windows", "any", None),
        (
            "category: webserver",
            "[a]",
            "filter is for category webserver, the rule 'a' is for product windows, category",
        ),
        ("category: webserver", "any", "filter narrows no rule: none is for category webserver"),
    ],
)
def test_filters_that_do_nothing(source: str, rules: str, what: str | None, tmp_path: Path) -> None:
    doubts = found(tmp_path, a=RULE.format("a", "Image: a", "s"), f=FILTER.format(source, rules))
    if what is None:
        assert doubts == []
    else:
        (doubt,) = doubts
        assert (doubt[0], doubt[2]) == ("idle-filter", 2)
        assert doubt[1].startswith(what)


def test_expired_filters_and_empty_lists(tmp_path: Path) -> None:
    old = FILTER.format("product: windows", "any") + "hamrong: {expires: 2026-11-23}\n"
    rule = RULE.format("a", "Image|expand: '%nobody%'", "not s")
    assert found(tmp_path, a=rule, f=old, lists__nobody="# nobody\n") == [
        ("matches-everything", "matches every event of its log source but those that it excludes", 4),
        ("expired-filter", "filter 'f' expired on 2026-11-23 and applies no more", 1),
        ("empty-list", "is empty: what expands it matches nothing", 1),
    ]
    never = RULE.format("a", "Image|expand: '%nobody%'", "s")
    assert found(tmp_path, a=never)[0][:2] == ("never-matches", "can never match: a list without values")


def test_faults_and_refusals_are_among_them(tmp_path: Path) -> None:
    rule, faulty = RULE.format("a", "Image|expand: '%none%'", "s"), RULE.format("b", "Image: a", "s or t")
    assert [kind for kind, *_ in found(tmp_path, a=rule, b=faulty)] == ["refused", "fault"]
