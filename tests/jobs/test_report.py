"""The page of a report: every number of the data, every value as text, nothing from elsewhere. Numbers against real
engines are in tests/services/test_report.py."""

from __future__ import annotations

import dataclasses
import itertools
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.report.alerts import query, raised
from jobs.report.contents import (
    ActiveRule,
    Alert,
    Count,
    Day,
    EntityCount,
    Hour,
    ModelFacts,
    Raised,
    Report,
    RuleCount,
    Rules,
    SystemDay,
    Talker,
    Tally,
)
from jobs.report.page import histogram, render, round_step

DAY = Day(date(2026, 3, 10), "Asia/Ho_Chi_Minh")
NOON = datetime(2026, 3, 10, 5, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>{{ 7*7 }}\"'"


def report() -> Report:
    systems = (
        SystemDay("portal", "Cổng Dịch vụ công", "Public-service portal", "Văn phòng", "Office", 4,
                  Tally(41_234, 12, 3, 1, NOON), 5),
        SystemDay("lgsp", "Trục LGSP", "LGSP platform", "Sở", "Department", 4, Tally(), 0),
        SystemDay("", "", "", "", "", None, Tally(7, 7, 0, 0, NOON), 1),
        SystemDay(HOSTILE, HOSTILE, HOSTILE, "", "", None, Tally(1), 0),
    )  # fmt: skip
    anomaly = Alert(
        "a" * 32, "Unusual behaviour", "high", 61, "open", "portal", "source.ip", "203.0.113.7", 420, NOON,
        "203.0.113.7: khoảng 412 đường dẫn khác nhau trong 1 giờ (thường ≤ 14)",
        "203.0.113.7: about 412 different paths in 1 hour (usually ≤ 14)", 0.71,
        ({"name": "paths", "value": 412.0, "median": 3.0, "p99": 14.0, "share": 0.6},
         {"name": "bytes", "value": 4.2e9, "median": 1e4, "p99": 2e6, "share": 0.4}),
    )  # fmt: skip
    sigma = Alert(
        "b" * 32, HOSTILE, "critical", 100, "closed", "portal", "user.name", HOSTILE, 3, NOON, HOSTILE, HOSTILE
    )
    return Report(
        day=DAY,
        generated_at=datetime(2026, 3, 10, 17, 30, tzinfo=UTC),
        systems=systems,
        hours=tuple(Hour(hour, 1700 + hour * 10 if hour < 23 else 12, hour % 3, hour % 5 == 0) for hour in range(24)),
        sources=(Talker("203.0.113.7", 420, 390, 2),),
        accounts=(Talker(HOSTILE, 30, 1, 1),),
        hosts=(Talker(f"host-{HOSTILE}", 12, 0, 1), Talker("dvc-web-01", 11, 0, 1)),
        tags=(Count("encoding_escaped", 2), Count(HOSTILE, 1)),
        late_seconds=600,
        ahead_seconds=60,
        raised=Raised(
            total=6,
            severities=(Count("critical", 2), Count("high", 1), Count("low", 3)),
            statuses=(Count("open", 4), Count("closed", 2)),
            detectors=(Count("sigma", 5), Count("anomaly", 1)),
            systems=(Count("portal", 5), Count("", 1)),
            rules=(RuleCount("r1", HOSTILE, "sigma", "critical", 5), RuleCount("r2", "Unusual", "anomaly", "high", 1)),
            tactics=(Count("TA0006", 4),),
            techniques=(Count("T1110.003", 4),),
            entities=(EntityCount("user.name", HOSTILE, 5, 100), EntityCount("source.ip", "203.0.113.7", 1, 61)),
            hours=tuple(int(hour % 5 == 0) for hour in range(24)),
            riskiest=(sigma, anomaly),
            anomalies=(anomaly,),
        ),
        rules=Rules("0123456789abcdef", (ActiveRule("r1", HOSTILE, "critical", "test", "sigma"),)),
        model=ModelFacts("20260309T170000Z", NOON, NOON, {"source.ip": 900}, {"source.ip": 0.55}),
    )


class Page(HTMLParser):
    """Tags with their attributes, the `<data>` values by id, the rows of each table by their key, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.values: dict[str, int] = {}
        self.rows: dict[tuple[str, str], list[int]] = {}
        self.text = ""
        self._table = self._key = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "table":
            self._table = given.get("id") or ""
        if tag == "tr":
            self._key = given.get("data-key") or ""
        if tag == "data":
            value = int(str(given["value"]))
            if name := given.get("id"):
                self.values[name] = value
            self.rows.setdefault((self._table, self._key), []).append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_numbers_of_the_data_are_those_of_the_page() -> None:
    page = Page(render(report()))
    assert page.values == {
        "events": 41_242, "unparsed": 19, "heard": 1, "registered": 2, "silent": 1, "alerts": 6, "severe": 3,
        "unclosed": 4, "late": 3, "ahead": 1, "rules-active": 1,
    }  # fmt: skip
    assert page.rows["systems", "portal"] == [41_234, 12, 3, 1, 5]
    assert page.rows["systems", "lgsp"] == [0, 0, 0, 0, 0]
    assert page.rows["hosts", "dvc-web-01"] == [11, 0, 1]
    assert page.rows["severities", "critical"] == [2]
    assert page.rows["tactics", "TA0006"] == [4]
    assert page.rows["tactics", "TA0040"] == [0]
    assert page.rows["techniques", "T1110.003"] == [4]
    assert "Brute Force: Password Spraying" in page.text
    assert "41\u202f242" in page.text
    hours = {int(str(tag["data-hour"])): int(str(tag["data-events"])) for name, tag in page.tags if name == "g"}
    assert hours == {hour.hour: hour.events for hour in report().hours}


def test_every_value_is_text() -> None:
    html = render(report())
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert html.count("<script") == 0
    # In each place where a name from outside stands: system, account, host, tag, rule, reason, entity, active rule.
    assert page.text.count(HOSTILE) >= 12
    assert "49" not in re.findall(r"alert\('x'\)</script>(\d+)", page.text)


@pytest.mark.slow
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_any_host_name_stays_what_it_is(name: str) -> None:
    before, after = (
        Page(render(dataclasses.replace(report(), hosts=(Talker(value, 3, 2, 1),)))) for value in ("dvc-web-01", name)
    )
    # An HTML parser reads a carriage return as a line feed, and NUL as U+FFFD.
    assert ("hosts", name) in after.rows or not set(name).isdisjoint("\r\0")
    assert len(after.tags) == len(before.tags), "a name made or ate a tag"


def test_nothing_comes_from_elsewhere() -> None:
    html = render(report())
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag in {"link", "img", "iframe", "object", "base", "form"}]
    assert not [attrs for _, attrs in page.tags if {"src", "href", "action", "srcset"} & attrs.keys()]
    assert not re.search(r"url\(|@import|https?:", html)


def test_both_languages_stand_side_by_side_and_one_is_shown() -> None:
    html = render(report())
    page = Page(html)
    spans = [attrs["lang"] for tag, attrs in page.tags if tag == "span" and "lang" in attrs]
    assert spans.count("vi") == spans.count("en") > 50
    assert "#lang-vi:checked ~ main [lang=en], #lang-en:checked ~ main [lang=vi] { display: none; }" in html
    checked = [attrs["id"] for tag, attrs in page.tags if tag == "input" and "checked" in attrs]
    assert checked == ["lang-vi"]
    assert "Thứ Ba, 10/03/2026" in page.text
    assert "Tuesday, 10 March 2026" in page.text


def test_an_empty_day_says_so() -> None:
    base = report()
    empty = dataclasses.replace(
        base,
        systems=tuple(dataclasses.replace(each, tally=Tally(), alerts=0) for each in base.systems[:2]),
        hours=tuple(Hour(hour, 0, 0, 0) for hour in range(24)),
        sources=(), accounts=(), hosts=(), tags=(), raised=Raised(), rules=Rules("", ()), model=None,
    )  # fmt: skip
    page = Page(render(empty))
    assert page.values["events"] == 0
    assert "Không nhận được dòng nhật ký nào trong ngày này" in page.text
    assert "No alert was raised on this day." in page.text
    assert "run: hamrong train" in page.text
    assert page.values["silent"] == 2


def test_a_day_that_is_not_over_is_marked() -> None:
    over, during = report(), dataclasses.replace(report(), generated_at=NOON)
    assert "The day was not over" not in render(over)
    assert "The day was not over" in render(during)


def test_a_day_begins_and_ends_by_the_clock_of_the_place() -> None:
    assert DAY.start == datetime(2026, 3, 9, 17, tzinfo=UTC)
    assert DAY.end == datetime(2026, 3, 10, 17, tzinfo=UTC)
    spring = Day(date(2026, 3, 29), "Europe/Berlin")
    assert (spring.end - spring.start).total_seconds() == 23 * 3600


def test_the_search_asks_for_the_days_alerts() -> None:
    asked = query(DAY)["query"]["range"]["soc.alert.raised_at"]
    assert asked == {"gte": "2026-03-09T17:00:00+00:00", "lt": "2026-03-10T17:00:00+00:00"}


def test_an_answer_without_an_index_is_no_alerts() -> None:
    assert raised({"hits": {"total": {"value": 0}, "hits": []}}, DAY) == Raised()


@given(st.lists(st.integers(0, 10**9), min_size=24, max_size=24))
def test_the_histogram_fits_its_picture(counts: list[int]) -> None:
    made = histogram([Hour(hour, count, count // 2, 0) for hour, count in enumerate(counts)])
    assert made.ticks[-1][1] >= max(counts)
    assert 2 <= len(made.ticks) <= 6
    for bar in made.bars:
        assert bar.y >= 0
        assert bar.y + bar.height == pytest.approx(made.floor, abs=0.02)
        assert made.left <= bar.x <= bar.x + bar.width <= made.right + 0.1
    ordered = sorted(made.bars, key=lambda bar: bar.hour.events)
    assert all(low.height <= high.height for low, high in itertools.pairwise(ordered))


@pytest.mark.parametrize(("highest", "step"), [(0, 1), (5, 1), (6, 2), (26, 10), (1_850, 500), (25_001, 10_000)])
def test_steps_are_round(highest: int, step: int) -> None:
    assert round_step(highest) == step


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_has_contrast() -> None:
    """WCAG 2.2 AA: 4.5 to 1, for each pair of text and ground that the style sheet uses."""
    colours: dict[str, Any] = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", render(report())))
    white = "#ffffff"
    pairs = [
        *((white, colours[name]) for name in ("critical", "high", "medium", "low", "informational", "brand", "soft")),
        *((colours["ink"], ground) for ground in (white, colours["ground"], colours["pale"], "#fff6e0")),
        *((colours["soft"], ground) for ground in (white, colours["ground"], "#fff6e0")),
        ("#cfe3e6", colours["brand"]),
        (colours["brand"], colours["ground"]),
        (colours["high"], white),
    ]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []
