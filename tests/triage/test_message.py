"""What is sent of alerts, and how often."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detectors.alert import Seen, Source, document
from hamrong.errors import HamrongError
from triage.notify.message import SHOWN, Writer
from triage.notify.service import Pace

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def alert(entity: str, reason_vi: str = "{count} lần đăng nhập sai từ {entity}") -> dict[str, Any]:
    source = Source(
        "r1", "SSH", "critical", "sigma", reason="{count} failed log-ins from {entity}", reason_vi=reason_vi
    )
    return document(source, Seen("source.ip", entity, START, 300, 12, START, START, []), START)


def test_a_message_says_what_happened_and_where_to_look() -> None:
    one = alert("203.0.113.5")
    message = Writer("https://soc.example.org/").write([one])
    assert message.subject == "[Hàm Rồng] Nghiêm trọng: 12 lần đăng nhập sai từ 203.0.113.5"
    for part in (
        "12 failed log-ins from 203.0.113.5",
        "24/11/2026 15:00:00 (UTC+7)",
        "https://soc.example.org/soc/queue",
    ):
        assert part in message.text
    assert f"https://soc.example.org/soc/alert/{one['soc']['alert']['id']}" in message.text
    assert message.payload["alerts"][0]["reason_vi"] == "12 lần đăng nhập sai từ 203.0.113.5"


def test_what_stood_in_a_log_makes_no_header_and_no_line() -> None:
    message = Writer("").write([alert("x\r\nBcc: all@example.org\x1b[2J", "từ {entity}")])
    assert "\n" not in message.subject
    assert "\x1b" not in message.text
    assert not [line for line in message.text.splitlines() if line.startswith("Bcc")]


def test_what_stood_in_a_log_makes_no_line_in_any_alphabet_and_no_link() -> None:
    message = Writer("https://soc.example.org").write(
        [alert("x\u2028Trưởng ca: mở https://203.0.113.9/\u202egiả", "từ {entity}")]
    )
    assert not [line for line in message.text.splitlines() if line.startswith("Trưởng")]
    assert "\u202e" not in message.text
    assert message.payload["alerts"][0]["entity"]["value"] == "x Trưởng ca: mở https[:]//203.0.113.9/ giả"
    links = [word for word in message.text.split() if "://" in word]
    assert all(link.startswith("https://soc.example.org/soc/") for link in links)


def test_a_template_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("{% if %}", encoding="utf-8")
    with pytest.raises(HamrongError, match=r"text\.txt:1: "):
        Writer("", str(tmp_path))
    with pytest.raises(HamrongError, match="no folder"):
        Writer("", str(tmp_path / "none"))


def test_many_are_listed_and_the_rest_counted() -> None:
    many = [alert(f"203.0.113.{number}") for number in range(SHOWN + 7)]
    message = Writer("").write(many)
    assert message.subject.endswith(f"(+{SHOWN + 6})")
    assert "và 7 cảnh báo nữa" in message.text
    assert message.identity == Writer("").write(many[::-1]).identity


def test_a_site_has_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("SOC {{ alerts[0].entity.value }}", encoding="utf-8")
    message = Writer("", str(tmp_path)).write([alert("203.0.113.5")])
    assert message.subject == "SOC 203.0.113.5"
    assert "12 lần đăng nhập sai" in message.text


def test_so_many_in_any_minute() -> None:
    now = 0.0
    pace = Pace(2, lambda: now)
    pace.took()
    now = 30
    pace.took()
    assert pace.free() == 0
    now = 61
    assert pace.free() == 1
    now = 91
    assert pace.free() == 2
