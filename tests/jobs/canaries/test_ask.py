"""A canary that did not come back is said to be lost at the first place that it did not leave as it should."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from detectors.sigma.rule import Alternative, Correlation, Rule
from hamrong.config import Config
from jobs.canaries.ask import _answer, _patience
from jobs.canaries.choose import Canary

RULE = Canary(Rule(id="r", title="R", path="r.yml"), (b"1", b"2"), "")
COUNT = Canary(
    Correlation(id="c", title="C", path="c.yml", type="event_count", rules=("r", "s"), timespan_seconds=300),
    (b"1",),
    "",
)
WITHOUT = Canary(
    Correlation(
        id="c",
        title="C",
        path="c.yml",
        type="temporal",
        rules=("r", "s"),
        timespan_seconds=300,
        alternatives=(Alternative(("r",), ("s",)),),
    ),
    (b"1",),
    "",
)


def trace(**values: Any) -> dict[str, Any]:
    whole = {"kind": "trace", "lines": 1, "parsed": 1, "error": "", "matched": [], "state": "live", "ruleset": "v1"}
    return whole | values


@pytest.mark.parametrize(
    ("canary", "documents", "stage", "why"),
    [
        (RULE, [], "read", "0 of 2 lines were read"),
        (RULE, [trace(matched=["r"])], "read", "1 of 2 lines were read"),
        (RULE, [trace(), trace(parsed=0, error="no form")], "parse", "1 of 2 lines were not understood: no form"),
        (RULE, [trace(), trace(state="unknown")], "match", "(v1) has no such rule"),
        (RULE, [trace(), trace(state="quarantined")], "match", "is quarantined"),
        (RULE, [trace(), trace(matched=["s"])], "match", "(v1) does not match its lines"),
        (RULE, [trace(matched=["r"]), trace()], "index", "no alert came to OpenSearch"),
        (COUNT, [trace(matched=["q"])], "match", "does not match its lines"),
        (COUNT, [trace(matched=["s"])], "correlate", "has not fired"),
    ],
)
def test_where_it_was_lost(canary: Canary, documents: list[dict[str, Any]], stage: str, why: str) -> None:
    answer = _answer(canary, documents, has_time=False)
    assert (answer.came_back, answer.lost, answer.stage) == (False, True, stage)
    assert why in answer.why


def test_an_alert_is_all_that_is_asked_for() -> None:
    answer = _answer(RULE, [{"kind": "alert"}], has_time=False)
    assert (answer.came_back, answer.lost, answer.stage, answer.path) == (True, False, "", "r.yml")


def test_what_waits_for_its_window_is_not_lost_before_that(cfg: Config) -> None:
    assert _patience(COUNT, cfg) == timedelta(0)
    assert _patience(WITHOUT, cfg) == timedelta(seconds=300 + 600 + 60)
    waiting = _answer(WITHOUT, [trace(matched=["r"])], has_time=True)
    assert (waiting.came_back, waiting.lost) == (False, False)
    assert _answer(WITHOUT, [trace()], has_time=True).stage == "match"
