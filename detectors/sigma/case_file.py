"""case_file: what a rule must and must not fire on, as it stands in a file.

In:   `NAME.cases.jsonl` beside `NAME.yml`
Out:  `Case`s, and a Problem for each line that is none
Docs: docs/reference/sigma.md, Cases

One case a line: `{"name": "why", "fires": true, "line": "…"}`, with `event` in the place of `line` for an event by its
field names, or `lines` for what only a sequence shows (`sequence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from detectors.sigma import sequence
from detectors.sigma.metadata import closest
from hamrong.errors import Problem

RECEIVED = datetime(2026, 12, 31, 12, tzinfo=UTC)
"""When a case says nothing: late in a year, so that lines without a year are of that year."""
SUFFIX = ".cases.jsonl"
_KEYS = ("name", "fires", "line", "event", "lines", "received", "source", "rule")

Fault = tuple[str, str]
"""What is wrong, and what to write."""


@dataclass(frozen=True)
class Case:
    """Either lines or events, in their order."""

    path: str
    line: int
    name: str
    fires: bool
    lines: tuple[str, ...]
    received: datetime = RECEIVED
    source: str | None = None
    rule: str | None = None
    events: tuple[bytes, ...] = ()
    """JSON objects."""
    times: tuple[datetime, ...] = ()
    """When each line was received, where that is not `received`."""


def beside(path: str) -> str:
    """The cases' file of a rule's."""
    return str(Path(path).with_suffix("")) + SUFFIX


def read(path: str, problems: list[Problem]) -> list[Case]:
    """The cases beside a rule file; none when there is no such file."""
    name = beside(path)
    try:
        content = Path(name).read_bytes()
    except OSError:
        return []
    lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    return [case for number, line in lines if (case := _case(name, number, line, problems))]


def _case(path: str, number: int, line: bytes, problems: list[Problem]) -> Case | None:
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        problems.append(Problem(path, number, f"is not JSON: {error}", "write one object a line"))
        return None
    fault = _fault(raw)
    if fault is None:
        received = datetime.fromisoformat(raw["received"]) if "received" in raw else None
        steps = raw["lines"] if "lines" in raw else [raw["line"]] if "line" in raw else [{"event": raw["event"]}]
        told = sequence.unfold(steps, received)
        if isinstance(told, sequence.Sequence):
            return Case(
                path=path,
                line=number,
                name=raw["name"],
                fires=raw["fires"],
                lines=told.lines,
                received=received or RECEIVED,
                source=raw.get("source"),
                rule=raw.get("rule"),
                events=told.events,
                times=tuple(time or received or RECEIVED for time in told.times),
            )
        fault = told
    problems.append(Problem(path, number, *fault))
    return None


def _fault(raw: Any) -> Fault | None:
    if not isinstance(raw, dict):
        return "is no object", 'write {"name": "why", "fires": true, "line": "…"}'
    for key in raw:
        if key not in _KEYS:
            return f"has the unknown key '{key}'", closest(key, _KEYS)
    if not isinstance(raw.get("name"), str) or not raw["name"]:
        return "has no name", 'write "name": and why it must fire or not'
    if not isinstance(raw.get("fires"), bool):
        return "does not say whether it fires", 'write "fires": true or false'
    given = [key for key in ("line", "event", "lines") if key in raw]
    if len(given) > 1:
        return f"has both {given[0]} and {given[1]}", 'write a sequence as "lines": [..., ...]'
    for key, kind in (("line", str), ("event", dict), ("source", str), ("rule", str)):
        if key in raw and not isinstance(raw[key], kind):
            return f"{key} is {str(raw[key])[:60]!r}", "write text" if kind is str else 'write {"field": "value"}'
    if not given or not isinstance(raw.get("lines", [""]), list) or not raw.get("lines", [""]):
        return "has no line", 'write "line": "…", "event": {…} or "lines": ["…", "…"]'
    if "received" in raw:
        try:
            if datetime.fromisoformat(raw["received"]).tzinfo is None:
                return "received has no zone", "write 2026-03-05T09:00:00+07:00"
        except (TypeError, ValueError):
            return f"received is {raw['received']!r}", "write 2026-03-05T09:00:00+07:00"
    return None
