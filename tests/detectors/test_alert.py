"""The alert document: identity, risk, reasons and bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import (
    LEVEL_POINTS,
    SAMPLE_TEXT,
    SAMPLES,
    Seen,
    Source,
    alert_id,
    document,
    duration,
    fill,
    index_name,
    risk_score,
    threat,
)

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
SOURCE = Source(
    id="r1",
    title="SSH guessing",
    level="high",
    detector="sigma",
    tags=("attack.credential-access", "attack.t1110.001", "cve.2024-1"),
    reason="{count} failed log-ins from {source.ip} as {user.name} in {window}",
    reason_vi="{count} lần đăng nhập sai từ {entity} trong {window}",
)
SAMPLE = {
    "@timestamp": "2026-11-24T08:01:00.000Z",
    "source": {"ip": "203.0.113.5", "port": None},
    "user": {"name": "<b>{count}</b>"},
    "service": {"name": "lgsp"},
    "event": {"category": ["authentication"], "original": "x" * 20_000},
    "related": {"ip": ["203.0.113.5"]},
}


def seen(**changes: object) -> Seen:
    values = {
        "entity_type": "source.ip",
        "entity_value": "203.0.113.5",
        "window_start": START,
        "window_seconds": 300,
        "count": 12,
        "first_seen": START,
        "last_seen": START + timedelta(seconds=100),
        "samples": [SAMPLE],
    }
    return Seen(**{**values, **changes})  # type: ignore[arg-type]


def test_a_reason_is_a_sentence_and_values_in_it_stay_text() -> None:
    alert = document(SOURCE, seen(), NOW)["soc"]["alert"]
    assert alert["reason"] == "12 failed log-ins from 203.0.113.5 as <b>{count}</b> in 5m"
    assert alert["reason_vi"] == "12 lần đăng nhập sai từ 203.0.113.5 trong 5m"


def test_a_missing_field_in_a_reason_is_a_dash() -> None:
    assert fill("{url.path} {user.nobody.deeper}", seen(), SAMPLE) == "- -"


def test_a_reason_may_name_a_vendor_field() -> None:
    assert fill("{soc.audit.role}", seen(), {"vendor": {"soc.audit.role": "admin"}}) == "admin"


def test_the_document_has_what_the_queue_shows() -> None:
    made = document(SOURCE, seen(asset_level=5), NOW)
    alert = made["soc"]["alert"]
    assert made["@timestamp"] == alert["first_seen"] == "2026-11-24T08:00:00.000Z"
    assert made["event"]["kind"] == "signal"
    assert made["threat"]["technique"] == {
        "id": ["T1110"],
        "name": ["Brute Force"],
        "subtechnique": {"id": ["T1110.001"], "name": ["Password Guessing"]},
    }
    assert made["threat"]["tactic"] == {"id": ["TA0006"], "name": ["Credential Access"]}
    assert made["service"] == {"name": "lgsp"}
    assert made["source"] == {"ip": "203.0.113.5"}, "nulls are left out"
    assert alert["due_72h"] == "2026-11-27T08:30:00.000Z"
    assert (alert["status"], alert["severity_rank"], alert["risk_score"]) == ("open", 3, 73)


def test_samples_are_bounded_in_number_and_length() -> None:
    alert = document(SOURCE, seen(samples=[SAMPLE] * 9), NOW)["soc"]["alert"]
    assert len(alert["evidence"]) == SAMPLES
    assert len(alert["evidence"][0]["event"]["original"]) < SAMPLE_TEXT + 50


def test_the_same_four_values_give_the_same_id_and_others_another() -> None:
    identity = alert_id("r1", "source.ip", "203.0.113.5", START)
    assert identity == "d6a60b783197db9403747471b90da8f4"
    for other in (
        alert_id("r2", "source.ip", "203.0.113.5", START),
        alert_id("r1", "user.name", "203.0.113.5", START),
        alert_id("r1", "source.ip", "203.0.113.6", START),
        alert_id("r1", "source.ip", "203.0.113.5", START + timedelta(seconds=1)),
    ):
        assert other != identity


@given(st.sampled_from(sorted(LEVEL_POINTS)), st.integers(-3, 9), st.text())
def test_risk_lies_between_0_and_100_and_grows_with_the_asset(level: str, asset: int, status: str) -> None:
    assert 0 <= risk_score(level, asset, status) <= risk_score(level, asset + 1, status) <= 100


def test_the_index_is_that_of_the_window_in_utc() -> None:
    assert index_name("soc-alerts", datetime.fromisoformat("2026-12-01T06:59:00+07:00")) == "soc-alerts-2026.11"


@pytest.mark.parametrize(("seconds", "text"), [(300, "5m"), (3600, "1h"), (86_400, "1d"), (90, "90s"), (0, "0s")])
def test_durations_are_written_as_sigma_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_names_of_tactics_and_techniques_lie_as_their_ids_do() -> None:
    tags = ("attack.defense_evasion", "attack.defense-impairment", "attack.T1685.005", "attack.t1685", "attack.t9999")
    made = threat(tags)
    assert made["tactic"] == {"id": ["TA0005", "TA0112"], "name": ["Stealth", "Defense Impairment"]}
    assert made["technique"]["id"] == ["T1685", "T9999"]
    assert made["technique"]["name"] == ["Disable or Modify Tools", "T9999"], "what our table lacks is called by its id"
    assert made["technique"]["subtechnique"] == {"id": ["T1685.005"], "name": ["Clear Windows Event Logs"]}


def test_tags_that_are_not_attack_make_no_threat() -> None:
    assert threat(("cve.2024-1", "attack.g0001")) == {}
