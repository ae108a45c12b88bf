"""The page that explains an alert: which texts of which event made its rule match, also through a correlation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.explain import describe, explain
from detectors.sigma.explain_correlation import asked
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset
from triage import words
from triage.web import reasons

RULES = """
title: Two words
id: 11111111-1111-4111-8111-111111111111
name: two
level: low
logsource: {category: webserver}
detection:
  path: {cs-uri-stem|contains: [/admin, /quantri]}
  status: {sc-status: 200}
  agent: {cs-user-agent|re: 'bot[0-9]+'}
  ours: {c-ip|cidr: 192.0.2.0/24}
  condition: path and (status or agent) and not ours
falsepositives: [Quản trị viên]
hamrong: {reason: x, reason_vi: y}
---
title: Many of them
id: 22222222-2222-4222-8222-222222222222
level: high
correlation:
  type: event_count
  rules: [two]
  group-by: [c-ip]
  timespan: 5m
  condition: {gte: 10}
"""


def sample(path: str, agent: str = "x", source: str = "203.0.113.1") -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-24T03:00:00.000Z",
        "event": {"dataset": "nginx.access", "original": f'{source} "GET {path}" 200', "category": ["web"]},
        "url": {"path": path},
        "source": {"ip": source},
        "http": {"response": {"status_code": 200}},
        "user_agent": {"original": agent},
    }


def alert(rule: str, *samples: dict[str, Any]) -> dict[str, Any]:
    return {"rule": {"id": rule}, "soc": {"alert": {"evidence": list(samples)}}}


ONE, MANY = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def ruleset(tmp_path: Path) -> Ruleset:
    (tmp_path / "rules.yml").write_text(RULES, encoding="utf-8")
    return Ruleset.load([tmp_path])


def marked(one: reasons.Sample) -> dict[str, list[str]]:
    return {row.name: [text for text, held in row.pieces if held] for row in one.rows if row.held}


def test_each_event_has_its_own_marks_and_the_raw_line_has_them_too(ruleset: Ruleset) -> None:
    why = reasons.of(ruleset, alert(ONE, sample("/x/Admin/1"), sample("/quantri/2", agent="a bot77 b")))
    first, second = why.events
    assert marked(first) == {
        "event.original": ["/Admin", "200"],
        "url.path": ["/Admin"],
        "http.response.status_code": ["200"],
    }
    assert marked(second)["url.path"] == ["/quantri"]
    assert marked(second)["user_agent.original"] == ["a bot77 b"]
    assert first.first[0].name == "event.original"
    assert "source.ip" in [row.name for row in first.rest]
    assert why.falsepositives == ("Quản trị viên",)
    assert why.yaml.startswith("title: Two words") or "title: Two words" in why.yaml


def test_a_correlation_tells_what_it_counts_and_explains_what_it_counted(ruleset: Ruleset) -> None:
    why = reasons.of(ruleset, alert(MANY, sample("/tin"), sample("/admin")), lambda phrase: f"<{phrase}>")
    assert why.tree is not None
    assert why.tree.text == "<event_count> <by> source.ip <within> 5<m>: <gte> 10"
    (child,) = why.tree.children
    assert (child.name, child.text) == ("Two words", "<matched 1 of 2 sample events>")
    assert child.children[0].holds
    assert [bool(marked(one)) for one in why.events] == [False, True]


def test_a_rule_that_is_gone_leaves_the_events(ruleset: Ruleset) -> None:
    why = reasons.of(ruleset, alert("33333333-3333-4333-8333-333333333333", sample("/admin")))
    assert (why.yaml, why.tree) == ("", None)
    assert [row.value for row in why.events[0].rows if row.name == "url.path"] == ["/admin"]
    assert marked(why.events[0]) == {}


def test_a_rule_that_has_changed_since_says_so(ruleset: Ruleset) -> None:
    why = reasons.of(ruleset, alert(ONE, sample("/tin")))
    assert why.tree is not None
    assert not why.tree.holds
    assert marked(why.events[0]) == {}


@given(st.text(max_size=40), st.frozensets(st.text(max_size=4), max_size=4))
def test_pieces_add_up_to_the_value(value: str, texts: frozenset[str]) -> None:
    pieces = reasons._pieces(value, texts)
    assert not pieces or "".join(text for text, _ in pieces) == value
    assert bool(pieces) == any(text and text.casefold() in value.casefold() for text in texts) or not value.isascii()


NUMERIC = ("gt", "gte", "lt", "lte", "minute", "hour", "day", "week", "month", "year")
TEXTUAL: tuple[str, ...] = (
    "contains",
    "startswith",
    "endswith",
    "contains|all",
    "cased",
    "contains|cased",
    "startswith|cased",
)
TEXTUAL += ("endswith|cased", "fieldref", "fieldref|startswith", "fieldref|endswith", "fieldref|contains")
FIELDS = {
    **{f"N{at}|{modifier}": 3 for at, modifier in enumerate(NUMERIC)},
    **{f"T{at}|{modifier}": "G" for at, modifier in enumerate(TEXTUAL)},
    **{"A": "a*b?c", "B|cased": "a*b", "C": ["x", "y"], "D|re": "a+", "E|cidr": "192.0.2.0/24", "F": None, "G": 5},
}
COUNTED: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in ("event_count", "temporal", "temporal_ordered")},
    **{kind: {"field": "A"} for kind in ("value_count", "value_sum", "value_avg", "value_median")},
    "value_percentile": {"field": "A", "percentile": 95},
}
WANTED = [{op: 1} for op in ("gt", "gte", "lt", "lte", "eq", "neq")]


def every_kind() -> Iterator[dict[str, Any]]:
    source = {"product": "p"}
    detection: dict[str, Any] = {"a": FIELDS, "many": {"F": [f"v{at}" for at in range(20)]}, "words": ["needle"]}
    detection["condition"] = "a or not many or words"
    yield {"title": "t", "id": "r", "name": "r", "logsource": source, "detection": detection}
    spans = ("30s", "5m", "1h", "2d")
    for at, (kind, more) in enumerate(itertools.product(COUNTED, WANTED)):
        counted: dict[str, Any] = {"type": kind, "rules": ["r"], "group-by": ["H"], "timespan": spans[at % 4]}
        yield {"title": "c", "id": f"c{at}", "correlation": {**counted, "condition": more | COUNTED[kind]}}
    counted = {"type": "temporal", "rules": ["r", "c0"], "timespan": "5m", "condition": "r and not c0 or c0"}
    yield {"title": "c", "id": "words", "correlation": counted}


def test_every_phrase_of_an_explanation_has_its_vietnamese(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(yaml.safe_dump_all(every_kind()), encoding="utf-8")
    # Some of these pairs can never hold, and are left out.
    ruleset = Ruleset.load([tmp_path], strict=False)
    said: set[str] = set()

    def say(phrase: str) -> str:
        said.add(phrase)
        return phrase

    for atom in ruleset.atoms.all:
        describe(atom, say)
    explain(ruleset, "r", flat_batch([b"{}"])[0], say)
    for correlation in ruleset.correlations:
        asked(ruleset, correlation, say)
    said.add("matched {} of {} sample events")
    assert said == words.CONDITION.keys()
    assert all(vi and en for vi, en in words.CONDITION.values())
