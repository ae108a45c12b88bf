"""The tree of a rule says what held, what did not, and what was there instead."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from detectors.sigma.explain import explain
from detectors.sigma.ruleset import Ruleset

RULE = """
title: t
id: r
logsource: {category: webserver}
detection:
  path: {cs-uri-stem|contains: [/admin, /quantri], sc-status: 200}
  words: [needle]
  same: {cs-host|fieldref: cs-username}
  ours: {c-ip|cidr: 192.0.2.0/24}
  condition: path and (words or same) and not ours
"""
EVENT = {
    "url.path": "/quantri/x",
    "http.response.status_code": 200,
    "url.domain": "a",
    "user.name": "A",
    "source.ip": "x",
    "event.dataset": "nginx.access",
}


def tree(load: Callable[..., Ruleset], **changed: object) -> list[str]:
    ruleset = load(RULE)
    batch = pa.RecordBatch.from_pydict({name: [value] for name, value in {**EVENT, **changed}.items()})
    part = explain(ruleset, "r", batch)
    assert part.holds == bool(ruleset.match(batch).num_rows)
    return list(part.lines())


def test_a_match_names_column_value_and_test(load: Callable[..., Ruleset]) -> None:
    lines = tree(load)
    assert lines[0].startswith("+ all of")
    assert "  + url.path contains '/quantri'   <- /quantri/x" in lines
    assert any(line.strip().startswith("+ url.domain field equals") for line in lines)
    assert "- any value contains 'needle'   <- /quantri/x, 200, a, A, x, nginx.access" in map(str.strip, lines)


def test_a_miss_shows_what_was_there(load: Callable[..., Ruleset]) -> None:
    lines = tree(load, **{"url.path": "/tin", "source.ip": "192.0.2.7"})
    assert lines[0].startswith("- all of")
    assert "  - url.path contains '/admin' or contains '/quantri'   <- /tin" in lines
    assert any("+ source.ip is in '192.0.2.0/24'   <- 192.0.2.7" in line for line in lines)


def test_a_missing_field_is_null(load: Callable[..., Ruleset]) -> None:
    assert any("<- null" in line for line in tree(load, **{"url.path": None}))
