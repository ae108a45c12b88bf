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
    assert "  + path: all of" in lines
    assert "    + url.path contains '/quantri'   <- /quantri/x" in lines
    assert any(line.strip().startswith("+ same: url.domain field equals") for line in lines)
    assert "- words: any value contains 'needle'   <- /quantri/x, 200, a, A, x, nginx.access" in map(str.strip, lines)


def test_a_miss_shows_what_was_there(load: Callable[..., Ruleset]) -> None:
    lines = tree(load, **{"url.path": "/tin", "source.ip": "192.0.2.7"})
    assert lines[0].startswith("- all of")
    assert "    - url.path contains '/admin' or '/quantri'   <- /tin" in lines
    assert any("+ ours: source.ip is in '192.0.2.0/24'   <- 192.0.2.7" in line for line in lines)


def test_a_missing_field_is_null(load: Callable[..., Ruleset]) -> None:
    assert any("<- null" in line for line in tree(load, **{"url.path": None}))


FILTER = """
title: scanners
id: f
logsource: {category: webserver}
filter:
  rules: [r]
  known: {c-ip: 192.0.2.9}
  condition: not known
"""


def test_a_filter_is_named_with_its_selection(load: Callable[..., Ruleset]) -> None:
    ruleset = load(RULE, FILTER)
    batch = pa.RecordBatch.from_pydict({name: [value] for name, value in EVENT.items()})
    lines = list(explain(ruleset, "r", batch).lines())
    at = lines.index("  + filter scanners: not")
    assert lines[at + 1] == "    - known: source.ip equals '192.0.2.9'   <- x"


def test_the_tree_as_json_has_names_values_and_what_held(load: Callable[..., Ruleset]) -> None:
    batch = pa.RecordBatch.from_pydict({name: [value] for name, value in EVENT.items()})
    document = explain(load(RULE), "r", batch).document()
    path = document["children"][0]
    assert (document["holds"], path["name"], path["holds"]) == (True, "path", True)
    assert {"text": "url.path contains '/quantri'", "holds": True, "values": ["/quantri/x"]} in path["children"]


def test_a_hostile_value_does_not_steer_the_terminal(load: Callable[..., Ruleset]) -> None:
    shown = "\n".join(tree(load, **{"url.path": "/quantri/\x1b[2J\r\n+ all is well"}))
    assert "\x1b" not in shown
    assert r"\x1b[2J\r\n+ all" in shown
