"""What an analyst may do with an alert, and in which state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.life import FROM, MAX_HISTORY, STATES, VERDICTS, Change, RefusedChangeError, change, possible, revision

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def after(*steps: Change, alert: dict[str, Any] | None = None, who: str = "lan") -> dict[str, Any]:
    alert = dict(alert or {"status": "open"})
    for number, step in enumerate(steps):
        alert |= change(alert, step, who, NOW + timedelta(minutes=number))
    return alert


def test_from_open_to_closed_and_back() -> None:
    alert = after(Change("acknowledge"), Change("close", "false_positive", "máy quét của ta"), Change("reopen"))
    assert alert["status"] == "reopened"
    assert alert["verdict"] is None
    assert alert["acknowledged_at"] == "2026-11-24T03:00:00.000Z"
    assert alert["assignee"] == "lan"
    assert [entry["to"] for entry in alert["history"]] == ["acknowledged", "closed: false_positive", "reopened"]
    assert alert["history"][1]["note"] == "máy quét của ta"


def test_what_was_closed_at_once_counts_as_acknowledged_then() -> None:
    alert = after(Change("close", "duplicate"))
    assert alert["acknowledged_at"] == alert["closed_at"] == "2026-11-24T03:00:00.000Z"


def test_the_first_acknowledgement_stays() -> None:
    alert = after(Change("acknowledge"), Change("close", "true_positive"), Change("reopen"), Change("acknowledge"))
    assert alert["acknowledged_at"] == "2026-11-24T03:00:00.000Z"


RAISED = {"status": "open", "raised_at": "2026-11-24T02:30:00.000Z"}


def test_the_minutes_until_an_analyst_acted_are_written_for_charts() -> None:
    alert = after(Change("acknowledge"), Change("close", "false_positive"), alert=RAISED)
    assert (alert["minutes_to_acknowledge"], alert["minutes_to_close"], alert["false_positive"]) == (30.0, 31.0, 1)
    alert = after(Change("close", "true_positive"), alert=RAISED)
    assert (alert["minutes_to_acknowledge"], alert["minutes_to_close"], alert["false_positive"]) == (30.0, 30.0, 0)
    assert after(Change("close", "duplicate"), alert=RAISED)["false_positive"] is None


def test_reopening_takes_back_what_closing_measured_and_keeps_the_first_acknowledgement() -> None:
    alert = after(Change("close", "true_positive"), Change("reopen"), Change("acknowledge"), alert=RAISED)
    assert alert["minutes_to_close"] is alert["false_positive"] is None
    assert alert["minutes_to_acknowledge"] == 30.0


def test_an_alert_raised_by_a_clock_ahead_of_ours_was_acknowledged_at_once() -> None:
    alert = after(Change("acknowledge"), alert={"status": "open", "raised_at": "2026-11-24T03:00:01.000Z"})
    assert alert["minutes_to_acknowledge"] == 0.0


def test_an_assigned_alert_keeps_its_analyst() -> None:
    assert after(Change("assign", "minh"), Change("acknowledge"))["assignee"] == "minh"


@pytest.mark.parametrize(
    ("alert", "wanted", "sentence"),
    [
        ({"status": "closed"}, Change("acknowledge"), "closed cannot take 'acknowledge'"),
        ({"status": "open"}, Change("close", "maybe"), "needs a verdict: one of true_positive"),
        ({"status": "open"}, Change("reopen"), "open cannot take 'reopen'"),
        ({"status": "open"}, Change("delete"), "there is no action 'delete'"),
        ({"status": "open"}, Change("comment", note="  \n "), "needs a text"),
        ({"status": "open"}, Change("comment", note="a" * 4001), "has 4001 characters; write at most 4000"),
        ({"status": "open"}, Change("tag", "một" * 100), "write at most 128"),
        ({"status": "open", "tags": [str(n) for n in range(20)]}, Change("tag", "x"), "20 tags already"),
        ({"status": "open", "history": [{}] * MAX_HISTORY}, Change("comment", note="x"), "history holds 1000"),
    ],
)
def test_what_is_refused_says_why(alert: dict[str, Any], wanted: Change, sentence: str) -> None:
    with pytest.raises(RefusedChangeError, match=sentence):
        change(alert, wanted, "lan", NOW)


def test_text_is_stored_in_one_form_and_without_control_characters() -> None:
    comments = after(Change("comment", note="Thanh Ho\u0301a\x1b[31m\r\nxong"))["comments"]
    assert comments[0]["text"] == "Thanh Hóa[31m\nxong"


STEPS = st.builds(
    Change, st.sampled_from(sorted(FROM)), st.sampled_from([*VERDICTS, "", "lan", "apt"]), st.text(max_size=20)
)


@given(st.lists(STEPS, max_size=12))
def test_any_steps_leave_a_known_state_and_a_history_that_only_grows(steps: list[Change]) -> None:
    alert: dict[str, Any] = {"status": "open"}
    for step in steps:
        before = list(alert.get("history", []))
        try:
            alert |= change(alert, step, "lan", NOW)
        except RefusedChangeError:
            continue
        assert alert["history"][:-1] == before
        assert revision(alert) == len(before) + 1
        assert alert["status"] in STATES
        assert (alert["status"] == "closed") == bool(alert.get("verdict"))
        assert possible(alert)
