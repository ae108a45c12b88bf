"""What a person reads of a backtest: every number of it, and no control character of a log line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jobs.backtest.contents import Backtest, DayVolume, EntityVolume, Read, Shared, Span, Verdicts
from jobs.backtest.text import lines

SPAN = Span(datetime(2026, 11, 22, 17, tzinfo=UTC), datetime(2026, 11, 24, 8, 30, tzinfo=UTC), "Asia/Ho_Chi_Minh")


def made(**changed: Any) -> Backtest:
    given: dict[str, Any] = {
        "rule_id": "r1",
        "title": "A rule",
        "status": "test",
        "level": "high",
        "kind": "rule",
        "generates": True,
        "span": SPAN,
        "days": (DayVolume("2026-11-23", True, 1200, 30), DayVolume("2026-11-24", False, 7, 1)),
        "matches": 1207,
        "matched_events": 1200,
        "alerts": 31,
        "entities": (EntityVolume("source.ip", "192.0.2.7", 20, 900),),
        "samples": ({"@timestamp": "2026-11-23T01:02:03.000Z", "event.original": "a\x1b[31mb"},),
        "overlap": (Shared("r2", "Another", 300, 0.25),),
        "verdicts": Verdicts(5, {"false_positive": 4, "true_positive": 1}, {"false_positive": 3}),
        "verdicts_unknown": "",
        "read": Read(3, 9, 50_000, 2_000, 1_500_000, 6_000_000, 2),
        "seconds": 12.34,
    }
    return Backtest(**{**given, **changed})


def test_all_of_it_is_told() -> None:
    told = list(lines(made(), 29))
    assert told[1] == "2026-11-23 00:00 to 2026-11-24 15:30 (Asia/Ho_Chi_Minh), by the time of receipt"
    assert told[2] == "1,207 matches, 31 alerts"
    assert "2026-11-23         1,200        30  ############################## over the budget of 29" in told
    assert "2026-11-24             7         1  # part of the day" in told
    assert "      20       900  source.ip 192.0.2.7" in told
    assert "       300  25.0%  Another (r2)" in told
    assert "         4  false_positive (3 of this rule itself)" in told
    assert "         1  true_positive" in told
    assert "  2026-11-23 08:02:03  a\\x1b[31mb" in told
    assert told[-1] == (
        "Looked at 50,000 events, tried the rule on 2,000; read 1.5 MB of 3 files, 25.0% of the table, in 12.3 s."
    )


def test_what_is_not_there_is_said() -> None:
    told = "\n".join(lines(made(verdicts=None, verdicts_unknown="it does not answer", overlap=()), None))
    assert "Past verdicts are unknown: it does not answer" in told
    assert "No live rule matched any of these events." in told
    assert "over the budget" not in told


def test_a_silence_is_explained() -> None:
    for read, said in (
        (Read(1, 1, 10, 0, 5, 5, 1), "No event of that time is of the rule's log source."),
        (Read(1, 1, 0, 0, 5, 5, 1), "The lake holds no events of that time."),
    ):
        assert said in list(lines(made(read=read), None))


def test_a_rule_that_matched_nothing() -> None:
    nothing: dict[str, Any] = {
        "matches": 0,
        "matched_events": 0,
        "alerts": 0,
        "entities": (),
        "samples": (),
        "overlap": (),
    }
    days = (DayVolume("2026-11-23", True, 0, 0),)
    told = "\n".join(lines(made(days=days, verdicts=Verdicts(0, {}, {}), **nothing), 0))
    assert "0 matches, 0 alerts" in told
    assert "over the budget" not in told
