"""text: a backtest as a person reads it in a terminal.

In:   `Backtest`, the most alerts a day that were asked for
Out:  lines
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hamrong.terminal import printable
from jobs.backtest.contents import Backtest, DayVolume, Read

BAR = 30
LINE = 160
"""Characters of a sample's raw line that are shown; --json has it whole."""


def lines(made: Backtest, most: int | None) -> Iterator[str]:
    span = made.span
    yield f"{made.title} ({made.rule_id}; {made.status}, {made.level})"
    yield f"{_local(span.since, span.zone)} to {_local(span.until, span.zone)} ({span.zone}), by the time of receipt"
    of_what = " of the rules that it counts" if made.kind == "correlation" else ""
    yield f"{made.matches:,} matches{of_what}, {made.alerts:,} alerts"
    if not made.generates:
        yield "It raises no alerts of its own: it only feeds correlations."
    if not made.read.events:
        yield "The lake holds no events of that time."
    elif not made.read.tried:
        yield "No event of that time is of the rule's log source."
    yield ""
    yield from _days(made, most)
    yield from _entities(made)
    yield from _overlap(made)
    yield from _verdicts(made)
    yield from _samples(made)
    yield _read(made.read, made.seconds)


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _days(made: Backtest, most: int | None) -> Iterator[str]:
    largest = max((day.alerts for day in made.days), default=0)
    yield f"{'day':<12}{'matches':>12}{'alerts':>10}"
    for day in made.days:
        bar = "#" * -(-day.alerts * BAR // largest) if largest else ""
        notes = [*([] if day.whole else ["part of the day"]), *_over(day, most)]
        yield f"{day.day:<12}{day.matches:>12,}{day.alerts:>10,}  {bar} {', '.join(notes)}".rstrip()
    yield ""


def _over(day: DayVolume, most: int | None) -> list[str]:
    return [f"over the budget of {most:,}"] if most is not None and day.alerts > most else []


def _entities(made: Backtest) -> Iterator[str]:
    if made.entities:
        yield f"{'alerts':>8}{'matches':>10}  entity, the ones with the most alerts"
        for one in made.entities:
            yield f"{one.alerts:>8,}{one.matches:>10,}  {one.type} {printable(one.value)[:LINE]}"
        yield ""


def _overlap(made: Backtest) -> Iterator[str]:
    if not made.matched_events:
        return
    if not made.overlap:
        yield "No live rule matched any of these events."
    else:
        yield f"Of {made.matched_events:,} matched events, live rules matched:"
    for one in made.overlap:
        yield f"{one.events:>10,} {one.share:>6.1%}  {one.title} ({one.rule_id})"
    yield ""


def _verdicts(made: Backtest) -> Iterator[str]:
    if made.verdicts is None:
        yield f"Past verdicts are unknown: {made.verdicts_unknown}"
    elif not made.verdicts.alerts:
        yield "No closed alert was about the same entity at the same time."
    else:
        yield f"Of {made.alerts:,} alerts, {made.verdicts.alerts:,} are about an entity and time with a verdict:"
        for verdict, alerts in made.verdicts.by_verdict.items():
            own = made.verdicts.own.get(verdict, 0)
            yield f"{alerts:>10,}  {verdict}{f' ({own:,} of this rule itself)' if own else ''}"
    yield ""


def _samples(made: Backtest) -> Iterator[str]:
    if made.samples:
        yield f"{len(made.samples)} of the events, spread over the time:"
    for event in made.samples:
        yield f"  {_time(event, made.span.zone)}  {printable(_shown(event))[:LINE]}"
    if made.samples:
        yield ""


def _time(event: dict[str, Any], zone: str) -> str:
    at = event.get("@timestamp") or event["event.ingested"]
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def _shown(event: dict[str, Any]) -> str:
    return str(event.get("event.original") or event.get("message") or event)


def _read(read: Read, seconds: float) -> str:
    share = read.bytes / read.table_bytes if read.table_bytes else 0
    return (
        f"Looked at {read.events:,} events, tried the rule on {read.tried:,}; read {read.bytes / 1e6:,.1f} MB of "
        f"{read.files:,} files, {share:.1%} of the table, in {seconds:,.1f} s."
    )
