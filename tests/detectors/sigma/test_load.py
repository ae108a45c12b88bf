"""Rule files: what is taken, and that every fault is named with its line and a hint."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from detectors.sigma import load as loading
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import InvalidFileError

GOOD = """title: A title
id: 0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10
status: stable
description: what it is
author: someone
references: [https://example.org]
tags: [attack.t1110]
level: high
logsource:
  product: linux
  service: sshd
detection:
  selection:
    event.action: ssh-login
  condition: selection
falsepositives: [none]
hamrong:
  entity: source.ip
  window: 30m
  reason: '{count} log-ins'
  reason_vi: '{count} lần đăng nhập'
  runbook: call
"""


def test_everything_of_a_rule_is_read(load: Callable[..., Ruleset]) -> None:
    (rule,) = load(GOOD).rules
    assert (rule.id, rule.title, rule.level) == ("0f5e4b7c-1f2d-4b36-9b34-5c1a7e2b9d10", "A title", "high")
    assert (rule.entity, rule.window_seconds, rule.reason_vi) == ("source.ip", 1800, "{count} lần đăng nhập")
    assert (rule.tags, rule.references, rule.falsepositives) == (("attack.t1110",), ("https://example.org",), ("none",))
    assert (rule.logsource.product, rule.logsource.service, rule.logsource.category) == ("linux", "sshd", None)
    assert rule.path.endswith("rule0.yml")
    assert rule.generate


FAULTS = {
    "unknown modifier": ("event.action:", "event.action|contians:", 14, "did you mean 'contains'?"),
    "unknown name in the condition": ("condition: selection", "condition: selecton", 15, "did you mean 'selection'?"),
    "broken condition": ("condition: selection", "condition: selection and (", 15, "condition:"),
    "no condition": ("condition: selection", "other: {F: a}", 12, "no condition"),
    "modifier on a wrong value": ("event.action: ssh-login", "event.action|gt: many", 14, "event.action|gt"),
    "modifier chain without sense": ("event.action: ssh-login", "event.action|cidr|base64: a", 14, "event.action|cidr"),
    "regular expression": ("event.action: ssh-login", "event.action|re: '('", 14, "event.action|re"),
    "endless regular expression": ("event.action: ssh-login", "event.action|re: " + "a" * 9999, 14, "9999 characters"),
    "level": ("level: high", "level: hi", 8, "write one of informational"),
    "status": ("status: stable", "status: good", 3, "write one of stable"),
    "title": ("title: A title", "title: ''", 1, "no title"),
    "log source": ("  product: linux\n  service: sshd\n", "", 9, "no logsource"),
    "log source of numbers": ("product: linux", "product: 5", 10, "write text"),
    "unknown key of ours": ("entity:", "entitty:", 18, "did you mean 'entity'?"),
    "window": ("window: 30m", "window: 30 minutes", 19, "write 30m, 1h"),
    "window too long": ("window: 30m", "window: 2d", 19, "up to 1d"),
    "key twice": ("level: high", "level: high\nlevel: low", 9, "has the key 'level' twice"),
    "indentation": ("  product: linux", " product: linux", 11, "not YAML"),
    "merge": ("level: high", "<<: {level: high}", 8, "merges"),
    "tag": ("level: high", "level: !!python/object:os.system x", 8, "has a tag"),
    "detection that is a list": (
        "  selection:\n    event.action: ssh-login\n  condition: selection",
        "- a",
        12,
        "detection",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_name_line_and_hint(name: str, load: Callable[..., Ruleset]) -> None:
    old, new, line, what = FAULTS[name]
    assert old in GOOD
    with pytest.raises(InvalidFileError) as caught:
        load(GOOD.replace(old, new, 1))
    problem = caught.value.problems[0]
    assert what in str(problem)
    assert problem.line == line
    assert problem.hint


def test_all_faults_at_once_and_the_rest_loads(load: Callable[..., Ruleset]) -> None:
    broken = GOOD.replace("level: high", "level: hi").replace("entity:", "entitty:")
    other = GOOD.replace("0f5e", "1f5e").replace("condition: selection", "condition: no")
    third = GOOD.replace("0f5e", "2f5e")
    ruleset = load(broken, other, third, strict=False)
    assert [problem.line for problem in ruleset.problems] == [8, 18, 15]
    assert [rule.id[:4] for rule in ruleset.rules] == ["2f5e"]
    with pytest.raises(InvalidFileError) as caught:
        load(broken, other, third)
    assert len(caught.value.problems) == 3


def test_an_id_twice_is_a_fault(load: Callable[..., Ruleset]) -> None:
    ruleset = load(GOOD, GOOD, strict=False)
    assert len(ruleset.rules) == 1
    assert "as another rule has" in str(ruleset.problems[0])


def test_a_placeholder_without_a_list_is_refused(load: Callable[..., Ruleset]) -> None:
    ruleset = load(GOOD.replace("event.action: ssh-login", "event.action|expand: '%admins%'"), strict=False)
    assert not ruleset.rules
    assert not ruleset.problems
    assert "expands %admins%" in str(ruleset.refused[0])


def test_a_regular_expression_that_backtracks_is_refused(load: Callable[..., Ruleset]) -> None:
    ruleset = load(GOOD.replace("event.action: ssh-login", r"event.action|re: '(a+)\1'"), strict=False)
    assert "no engine runs in linear time" in ruleset.refused[0].what
    assert "unsupported" in ruleset.refused[0].hint


def test_a_document_may_start_anywhere_and_repeat_a_global_one(load: Callable[..., Ruleset]) -> None:
    text = """# a comment
action: global
title: t
logsource: {product: p}
level: low
---
id: one
detection: {s: {F: a}, condition: s}
---
action: repeat
id: two
level: high
---
action: reset
---
title: u
id: three
logsource: {product: q}
detection: {s: {F: a}, condition: s}
"""
    rules = {rule.id: (rule.title, rule.level, rule.logsource.product, rule.line) for rule in load(text).rules}
    assert rules == {"one": ("t", "low", "p", 7), "two": ("t", "high", "p", 10), "three": ("u", "medium", "q", 16)}


def test_filters_narrow_the_rules_they_name(load: Callable[..., Ruleset]) -> None:
    text = """
title: one
id: one
logsource: {product: p}
detection: {s: {F: a}, condition: s}
---
title: two
id: two
logsource: {product: p}
detection: {s: {F: a}, condition: s}
---
title: our scanner
logsource: {product: p}
filter:
  rules: [one]
  scanner: {G: 192.0.2.1}
  condition: not scanner
"""
    import pyarrow as pa

    ruleset = load(text)
    batch = pa.RecordBatch.from_pydict({"F": ["a", "a"], "G": ["192.0.2.1", "192.0.2.2"]})
    matches = ruleset.match(batch)
    found = [(row, ruleset.rules[rule].id) for row, rule in zip(*matches.to_pydict().values(), strict=True)]
    assert found == [(0, "two"), (1, "one"), (1, "two")]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (BOMB.encode(), "write fewer anchors"),
        (b"a: &a [*a]\n", "nests deeper"),
        (b"[" * 5000, "YAML"),
        (b"title: \xff\n", "not UTF-8"),
        (b"", "is empty"),
        (b"- a\n", "holds no rule"),
        (b"title: a\0b\n", "not YAML"),
        (b"a" * (5 << 20), "split it"),
        (GOOD.replace("ssh-login", str(["v" * 9] * 60_000)).encode(), "values"),
        (
            GOOD.replace("condition: selection", "condition: " + "(" * 8000 + "selection" + ")" * 8000).encode(),
            "condition",
        ),
        (GOOD.replace("condition: selection", "condition: " + "not " * 2000 + "selection").encode(), "deep"),
    ],
)
def test_hostile_files_are_refused_quickly(content: bytes, what: str) -> None:
    start = time.monotonic()
    loaded = loading.load("r.yml", content)
    assert time.monotonic() - start < 20
    assert not loaded.entries
    assert what in str(loaded.problems[0])


@pytest.mark.slow
def test_a_rule_of_10_000_values_loads(load: Callable[..., Ruleset]) -> None:
    import pyarrow as pa

    values = "[" + ", ".join(f"v{number}" for number in range(10_000)) + "]"
    ruleset = load(GOOD.replace("event.action: ssh-login", f"F|contains: {values}"))
    batch = pa.RecordBatch.from_pydict({"F": ["x v9999 x", "v", None], "event.dataset": ["linux.sshd"] * 3})
    assert ruleset.match(batch)["row"].to_pylist() == [0]


def test_the_cache_gives_the_same_and_may_be_broken(tmp_path: Path) -> None:
    rules, cache = tmp_path / "rules", tmp_path / "cache"
    rules.mkdir()
    (rules / "one.yml").write_text(GOOD.replace("event.action: ssh-login", "F|contains: needle"))
    (rules / "two.yml").write_text(GOOD.replace("level: high", "level: hi").replace("0f5e", "1f5e"))
    import pyarrow as pa

    batch = pa.RecordBatch.from_pydict({"F": ["a needle", "x"], "event.dataset": ["linux.sshd"] * 2})
    seen = []
    for spoil in (None, None, b"", b"\x00" * 1000, b"[1, 2"):
        if spoil is not None:
            for file in cache.iterdir():
                file.write_bytes(spoil)
        ruleset = Ruleset.load([rules], cache, strict=False)
        ruleset.compile()
        assert list(cache.iterdir())
        seen.append((ruleset.rules, ruleset.problems, ruleset.version, ruleset.match(batch).to_pydict()))
    assert all(one == seen[0] for one in seen)
    assert seen[0][3] == {"row": [0], "rule": [0]}


def test_the_version_is_of_the_content_alone(tmp_path: Path) -> None:
    versions = []
    for name, text in (("a", GOOD), ("b", GOOD), ("c", GOOD.replace("high", "low"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yml").write_text(text)
        versions.append(Ruleset.load([tmp_path / name]).version)
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.slow
def test_every_public_rule_loads_but_those_with_placeholders(public: Ruleset) -> None:
    assert not public.problems
    assert all("expands %" in problem.what for problem in public.refused)
    assert len(public.rules) + len(public.refused) == 3780
