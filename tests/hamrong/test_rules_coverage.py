"""hamrong rules coverage: tables, JSON and a layer that the Navigator takes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hamrong import cli
from triage import rule_counts

RULE = """title: Root by SSH
id: a
tags: [attack.initial-access, attack.t1078.003]
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login, user.name: root}, condition: s}
---
title: Seen by nobody
id: b
tags: [attack.impact, attack.t1485]
logsource: {product: linux, service: sshd}
detection: {s: {soc.nobody.writes: this}, condition: s}
---
title: Of a source that nobody has
id: c
tags: [attack.impact, attack.t1485]
logsource: {product: zx, service: spectrum}
detection: {s: {F: this}, condition: s}
"""
LINE = "Mar  5 09:00:00 h sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2"
CASES = [
    {"name": "root", "fires": True, "rule": "a", "line": LINE},
    {"name": "someone", "fires": False, "rule": "a", "line": LINE.replace("root", "an")},
]
# Layer file format 4.5, its tables of properties.
TEXT, COLOUR = {"type": "string"}, {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
PAIRS = {
    "type": "array",
    "items": {"type": "object", "required": ["name", "value"], "properties": {"name": TEXT, "value": TEXT}},
}
TECHNIQUE: dict[str, Any] = {
    "type": "object",
    "required": ["techniqueID"],
    "additionalProperties": False,
    "properties": {
        "techniqueID": {"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
        "tactic": TEXT,
        "comment": TEXT,
        "enabled": {"type": "boolean"},
        "score": {"type": "number"},
        "color": COLOUR,
        "metadata": PAIRS,
        "links": {"type": "array"},
        "showSubtechniques": {"type": "boolean"},
    },
}
LAYER = {
    "type": "object",
    "required": ["name", "domain", "versions"],
    "properties": {
        "name": TEXT,
        "description": TEXT,
        "domain": {"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
        "versions": {
            "type": "object",
            "required": ["navigator", "layer"],
            "properties": {"navigator": {"pattern": r"^5\."}, "layer": {"const": "4.5"}, "attack": TEXT},
        },
        "sorting": {"enum": [0, 1, 2, 3]},
        "layout": {
            "type": "object",
            "properties": {
                "layout": {"enum": ["side", "flat", "mini"]},
                "expandedSubtechniques": {"enum": ["none", "all", "annotated"]},
            },
        },
        "techniques": {"type": "array", "items": TECHNIQUE},
        "gradient": {
            "type": "object",
            "required": ["colors", "minValue", "maxValue"],
            "properties": {"colors": {"type": "array", "minItems": 2, "items": COLOUR}},
        },
        "legendItems": {
            "type": "array",
            "items": {"type": "object", "required": ["label", "color"], "properties": {"label": TEXT, "color": COLOUR}},
        },
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rules with cases; no lake, and an OpenSearch that nobody has started."""
    monkeypatch.setenv("HAMRONG_DETECTION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HAMRONG_LAKE_PATH", str(tmp_path / "lake"))
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", "http://127.0.0.1:1")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/r.yml").write_text(RULE)
    (tmp_path / "rules/r.cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES))
    return tmp_path / "rules"


@pytest.mark.slow
def test_coverage_by_what_works(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = tmp_path / "layer.json"
    assert cli.main(["rules", "coverage", str(folder), "--json", "--navigator", str(layer)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {rule["id"]: rule["state"] for rule in told["rules"]} == {"a": "works", "b": "blind", "c": "blind"}
    reasons = {rule["id"]: rule["blind"] for rule in told["rules"]}
    assert reasons["b"] == "never there in events of product linux, service sshd: soc.nobody.writes"
    assert reasons["c"] == "no table says which events are of product zx, service spectrum"
    assert [(one["id"], one["name"], one["state"]) for one in told["techniques"]] == [
        ("T1078.003", "Valid Accounts: Local Accounts", "works"),
        ("T1485", "Data Destruction", "blind"),
    ]
    assert "the parsers' samples" in told["notes"][0]
    assert "unknown" in told["notes"][1]
    portal = next(one for one in told["systems"] if one["id"] == "portal")
    assert portal["rules"] == ["a", "b"]
    written = json.loads(layer.read_text("utf-8"))
    jsonschema.validate(written, LAYER)
    legend = {item["label"].split(":")[0]: item["color"] for item in written["legendItems"]}
    assert [(one["techniqueID"], one["color"], one["score"]) for one in written["techniques"]] == [
        ("T1078.003", legend["works"], 75),
        ("T1485", legend["blind"], 0),
    ]


@pytest.mark.slow
def test_what_fired_counts_more(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = {
        "a": rule_counts.Counted(alerts=7),
        "gone": rule_counts.Counted(alerts=1),
        "b": rule_counts.Counted(last_fired="2020-01-01T00:00:00+00:00"),
    }

    def read(client: object, index: str, since: datetime) -> dict[str, rule_counts.Counted]:
        assert datetime.now(UTC) - since == pytest.approx(timedelta(days=90), abs=timedelta(minutes=1))
        return counted

    monkeypatch.setattr(rule_counts, "read", read)
    layer = tmp_path / "layer.json"
    assert cli.main(["rules", "coverage", str(folder), "--navigator", str(layer)]) == 0
    out = capsys.readouterr().out
    assert "3 rules name 2 techniques; 1 have a rule that works" in out
    assert re.search(r"^Initial Access +1 +1 +0 +0 +0 +1$", out, re.MULTILINE)
    assert re.search(r"^Impact +2 +0 +0 +0 +2 +0$", out, re.MULTILINE)
    assert "what fired: alerts of 90 days" in out
    scores = {one["techniqueID"]: one["score"] for one in json.loads(layer.read_text("utf-8"))["techniques"]}
    assert scores == {"T1078.003": 100, "T1485": 0}
