"""sequence: lines or events in time, written short.

In:   steps: a line, or `{"line": "…", "at": "+30s", "repeat": 10, "every": "5s"}`, or the same with `event`
Out:  `Sequence`: every line or event of it
Docs: docs/reference/sigma.md, Cases

The clock starts at `received`, else at START. A step with `at`, `repeat` or `every` is written at its own time, in its
line in the place of `{syslog}`, `{iso}` or `{clf}`; `{n}` is the number of the repetition, from 0. Events get it as
`@timestamp`. A plain line stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Listed
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import orjson

from detectors.sigma.metadata import closest, duration

START = datetime(2026, 3, 5, 9, tzinfo=timezone(timedelta(hours=7)))
MAX_REPEAT = 10_000
_KEYS = ("line", "event", "at", "repeat", "every")
_PLACES = re.compile(r"\{(syslog|iso|clf|n)\}")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Sequence(NamedTuple):
    """Lines, or events as JSON objects; and when each happens, if its step says so."""

    lines: tuple[str, ...]
    events: tuple[bytes, ...]
    times: tuple[datetime | None, ...]


def unfold(steps: Listed[Any], received: datetime | None) -> Sequence | tuple[str, str]:
    """The sequence, or what is wrong with a step and what to write."""
    start = received or START
    lines: list[str] = []
    events: list[bytes] = []
    times: list[datetime | None] = []
    for number, step in enumerate(steps, 1):
        fault = _fault(step)
        if fault:
            return (f"step {number} {fault[0]}" if len(steps) > 1 else fault[0]), fault[1]
        if isinstance(step, str):
            lines.append(step)
            times.append(None)
            continue
        timed = step.keys() - {"line", "event"}
        first = start + timedelta(seconds=_seconds(step.get("at", "+0s")))
        every = timedelta(seconds=_seconds(step.get("every", "1s")))
        for count in range(step.get("repeat", 1)):
            at = first + count * every
            times.append(at if timed else None)
            if "line" in step:
                lines.append(_written(step["line"], at, count) if timed else step["line"])
            else:
                events.append(_event(step["event"], at, count, bool(timed) or len(steps) > 1))
    if lines and events:
        return "has both lines and events", "write all of them as lines, or all as events"
    return Sequence(tuple(lines), tuple(events), tuple(times))


def _fault(step: Any) -> tuple[str, str] | None:
    if isinstance(step, str):
        return None
    if not isinstance(step, dict):
        return f"is {str(step)[:60]!r}", 'write a line, or {"line": "…", "at": "+30s"}'
    for key in step:
        if key not in _KEYS:
            return f"has the unknown key '{key}'", closest(key, _KEYS)
    if ("line" in step) is ("event" in step):
        return "has no line" if "line" not in step else "has both line and event", 'write "line": "…" or "event": {…}'
    if not isinstance(step.get("line", ""), str) or not isinstance(step.get("event", {}), dict):
        return "has no line", 'write "line": "…" or "event": {"field": "value"}'
    repeat = step.get("repeat", 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 1 <= repeat <= MAX_REPEAT:
        return f"repeat is {repeat!r}", f"write a number from 1 to {MAX_REPEAT}"
    for key in ("at", "every"):
        if key in step and _length(step[key]) is None:
            return f"{key} is {step[key]!r}", "write +30s, 5m, 2h, or 1.5s"
    return None


def _length(text: Any) -> float | None:
    """Seconds of `+30s`, `5m`, `1.5s`, `0s`."""
    bare = str(text).removeprefix("+")
    if re.fullmatch(r"\d{1,6}\.\d{1,6}s|0s", bare):
        return float(bare[:-1])
    return duration(bare)


def _seconds(text: Any) -> float:
    return _length(text) or 0.0


def _written(text: str, at: datetime, count: int) -> str:
    stamps = {
        "syslog": f"{_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S}",
        "iso": at.isoformat(timespec="milliseconds"),
        "clf": f"{at:%d}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S %z}",
        "n": str(count),
    }
    return _PLACES.sub(lambda place: stamps[place[1]], text)


def _event(event: dict[str, Any], at: datetime, count: int, timed: bool) -> bytes:
    """With its time, if it says none itself."""
    written = {
        name: _written(value, at, count) if isinstance(value, str) and timed else value for name, value in event.items()
    }
    if timed:
        written.setdefault("@timestamp", at.astimezone(UTC).isoformat())
    return orjson.dumps(written)
