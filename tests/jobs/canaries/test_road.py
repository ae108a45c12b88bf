"""Lines of canaries and what comes of them are told from everybody else's by the line's id alone."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamrong.config import Config, Detection
from ingest.event import TEXT, TIMESTAMP, raw
from jobs import detect, loaded
from jobs.alerts import batch_rows, documents_of
from jobs.canaries import BEAT, Name, name, road

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
LINE = "<86>Mar  5 09:00:00 lgsp-01 sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2"
RULES = """title: Root
id: root
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login, user.name: root}, condition: s}
---
title: Somebody
id: somebody
name: somebody
logsource: {product: linux, service: sshd}
detection: {s: {event.action: ssh-login}, condition: s}
---
title: Many
id: many
correlation:
  type: event_count
  rules: [somebody]
  group-by: [source.ip]
  timespan: 5m
  condition: {gte: 2}
"""


@pytest.fixture
def detection(cfg: Config, tmp_path: Path) -> Detection:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/r.yml").write_text(RULES)
    return dataclasses.replace(cfg.detection, rules=(tmp_path / "rules",))


class Heard:
    """Takes the place of the outlet."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.traces: list[dict[str, Any]] = []

    def send(self, documents: list[dict[str, Any]]) -> None:
        self.alerts += documents

    def trace(self, documents: list[dict[str, Any]]) -> None:
        self.traces += documents


def lines(*ids: str | None, value: str = LINE) -> pa.RecordBatch:
    columns = {
        "value": pa.array([value.encode()] * len(ids), pa.binary()),
        "received": pa.array([NOW] * len(ids), TIMESTAMP),
        "id": pa.array(ids, TEXT),
    }
    return raw(len(ids), columns)


def answered(detection: Detection, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Heard]:
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    events, matches = detect.detect(batch, register, ruleset)
    heard = Heard()
    counted = road.answer(events, matches, ruleset, documents_of(register, ruleset), heard)  # type: ignore[arg-type]
    return counted, heard


@given(st.text(), st.text(alphabet="0123456789abcdef", min_size=1), st.integers(0, 99))
def test_a_name_comes_back_from_a_lines_id(rule: str, run: str, number: int) -> None:
    assert name(Name(run, rule).line_id(number)) == (run, rule)


@given(st.text().filter(lambda text: not text.startswith("canary/")) | st.none())
def test_other_ids_are_no_canarys(event_id: str | None) -> None:
    assert name(event_id) is None
    assert road.key(event_id) == ""


@given(st.lists(st.sampled_from(["gw1-1", "canary", "canary/1/0/r", "canary/2/1/s", None])))
def test_lines_are_parted_by_id(ids: list[str | None]) -> None:
    others, canaries = road.parted(lines(*ids))
    assert others.column("id").to_pylist() == [one for one in ids if name(one) is None]
    assert canaries.column("id").to_pylist() == [one for one in ids if name(one) is not None]


def test_two_canaries_that_look_alike_answer_each_for_itself(detection: Detection) -> None:
    first, second = Name("1", "root"), Name("2", "root")
    counted, heard = answered(detection, lines(first.line_id(0), first.line_id(1), second.line_id(0)))
    assert counted.num_rows == 0
    assert list(map(road.of_alert, heard.alerts)) == [first, second]
    assert [alert["soc"]["alert"]["count"] for alert in heard.alerts] == [2, 1]
    assert [(one["id"], one["rule"]["id"]) for one in road.answers(heard.alerts)] == [
        ("alert 1 root", "root"),
        ("alert 2 root", "root"),
    ]


def test_each_canary_leaves_a_trace(detection: Detection) -> None:
    _, heard = answered(detection, lines(*(Name("1", rule).line_id(0) for rule in ("root", "gone", "root"))))
    traces = {trace["rule"]["id"]: trace["soc"]["canary"] for trace in heard.traces}
    assert {name: (trace["lines"], trace["parsed"], trace["state"]) for name, trace in traces.items()} == {
        "root": (2, 2, "live"),
        "gone": (1, 1, "unknown"),
    }
    assert traces["root"]["matched"] == ["root", "somebody"]


def test_an_alert_of_another_rule_is_no_answer(detection: Detection) -> None:
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    _, matches = detect.detect(lines(Name("1", "many").line_id(0)), register, ruleset)
    alerts = documents_of(register, ruleset)(batch_rows(matches))
    assert [(road.of_alert(alert), alert["rule"]["id"]) for alert in alerts] == [(("1", "many"), "root")]
    assert road.answers(alerts) == []


def test_a_line_that_is_not_understood_says_why(detection: Detection) -> None:
    _, heard = answered(detection, lines(Name("1", "root").line_id(0), value="no header"))
    [trace] = (trace["soc"]["canary"] for trace in heard.traces)
    assert (trace["lines"], trace["parsed"], trace["matched"]) == (1, 0, [])
    assert "no syslog header" in trace["error"]


def test_a_rule_that_is_put_aside_says_so(detection: Detection) -> None:
    loaded.ruleset(detection).suspend("root", "took too long")
    _, heard = answered(detection, lines(Name("1", "root").line_id(0)))
    [trace] = (trace["soc"]["canary"] for trace in heard.traces)
    assert (trace["state"], trace["matched"]) == ("quarantined", ["somebody"])


def test_correlations_count_the_matches_of_their_own_canaries_without_an_alert(detection: Detection) -> None:
    mine = [Name("1", "many").line_id(number) for number in range(2)]
    counted, _ = answered(detection, lines(*mine, Name("1", "root").line_id(0)))
    assert counted["alert_id"].to_pylist() == [None] * counted.num_rows
    found = {(row["rule_id"], row["event"]["event"]["id"]) for row in counted.to_pylist()}
    assert found == {(rule, line) for rule in ("root", "somebody") for line in mine}


def test_an_alert_of_an_ordinary_line_is_no_canarys(detection: Detection) -> None:
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    _, matches = detect.detect(lines("gw1-1"), register, ruleset)
    alerts = documents_of(register, ruleset)(batch_rows(matches))
    assert [alert["rule"]["id"] for alert in alerts] == ["root"]
    assert road.answers(alerts) == []


def test_what_canaries_match_is_on_nobodys_account(detection: Detection) -> None:
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    detect.detect(lines("gw1-1"), register, ruleset)
    before = ruleset.spent()
    with road.off_the_account(ruleset):
        detect.detect(lines(Name("1", "root").line_id(0)), register, ruleset)
        assert ruleset.spent() != before
    assert (ruleset.spent(), ruleset.ledger.events) == (before, 1)


def test_a_beat_is_a_match_of_no_rule_that_only_tells_the_time(detection: Detection) -> None:
    beat, mine = BEAT.line_id(0), Name("1", "many").line_id(0)
    counted, heard = answered(detection, lines(beat, mine))
    told = [(row["rule_id"], row["alert_id"], row["event"]["event"]["id"]) for row in counted.to_pylist()]
    # Also the line of a beat may match; nobody hears of it.
    assert told == [("root", None, mine), ("somebody", None, mine), (None, None, beat)]
    assert [row["event"]["event"]["ingested"] for row in counted.to_pylist()] == [NOW] * 3
    assert (heard.alerts, [trace["rule"]["id"] for trace in heard.traces]) == ([], ["many"])
