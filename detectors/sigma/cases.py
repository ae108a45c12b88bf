"""cases: what a rule must and must not fire on, as raw lines through the real parsers and matcher.

In:   `NAME.cases.jsonl` beside `NAME.yml`; how lines become events
Out:  a `Verdict` for each case, and problems: cases that are missing or malformed
Docs: docs/reference/sigma.md

One case a line: `{"name": "why", "fires": true, "line": "…"}`, or `"lines": […]` for what only a sequence shows; with
`"received"` (ISO 8601) where the time of receipt matters and `"source"` for the id of a system of the register. A case
fires when a rule or correlation of its file that raises alerts does; `"rule"` narrows it to one id or name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from detectors.sigma.metadata import closest
from detectors.sigma.occurrences import correlate
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem

RECEIVED = datetime(2026, 12, 31, 12, tzinfo=UTC)
"""When a case says nothing: late in a year, so that lines without a year are of that year."""
SUFFIX = ".cases.jsonl"
_KEYS = ("name", "fires", "line", "lines", "received", "source", "rule")

Parse = Callable[[list[bytes], list[datetime], str | None], pa.RecordBatch]
"""Lines, when each was received, and the id of the system they are of (None: as the register says) -> events."""


@dataclass(frozen=True)
class Case:
    path: str
    line: int
    name: str
    fires: bool
    lines: tuple[str, ...]
    received: datetime = RECEIVED
    source: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Verdict:
    case: Case
    rules: tuple[str, ...]
    """Ids of the file's rules that the case is about."""
    fired: tuple[str, ...]
    """Those that fired."""
    events: pa.RecordBatch = field(repr=False, compare=False)
    """What the parsers made of the lines."""

    @property
    def passed(self) -> bool:
        return bool(self.fired) == self.case.fires


def run(ruleset: Ruleset, parse: Parse) -> tuple[list[Verdict], list[Problem]]:
    """The cases of every file of the rule set."""
    files: dict[str, list[str]] = {}
    for rule in (*ruleset.rules, *ruleset.correlations):
        if rule.generate:
            files.setdefault(rule.path, []).append(rule.id)
    verdicts: list[Verdict] = []
    problems: list[Problem] = []
    todo: list[tuple[Case, tuple[str, ...]]] = []
    for path, ids in sorted(files.items()):
        cases = read(path, problems)
        for case in cases:
            about = _about(ruleset, case, ids, problems)
            if about:
                todo.append((case, about))
        for fires, what in ((True, "firing"), (False, "quiet")):
            if not any(case.fires is fires for case in cases):
                hint = f'write {{"name": "why", "fires": {str(fires).lower()}, "line": "…"}} into {_beside(path)}'
                problems.append(Problem(path, 1, f"has no {what} case", hint))
    for source in sorted({case.source for case, _ in todo}, key=str):
        verdicts += _verdicts(ruleset, parse, source, [item for item in todo if item[0].source == source])
    return sorted(verdicts, key=lambda verdict: (verdict.case.path, verdict.case.line)), problems


def _beside(path: str) -> str:
    return str(Path(path).with_suffix("")) + SUFFIX


def read(path: str, problems: list[Problem]) -> list[Case]:
    """The cases beside a rule file; none when there is no such file."""
    name = _beside(path)
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
    if fault:
        problems.append(Problem(path, number, *fault))
        return None
    lines = tuple(raw["lines"]) if "lines" in raw else (raw["line"],)
    received = datetime.fromisoformat(raw["received"]) if "received" in raw else RECEIVED
    return Case(path, number, raw["name"], raw["fires"], lines, received, raw.get("source"), raw.get("rule"))


def _fault(raw: Any) -> tuple[str, str] | None:
    if not isinstance(raw, dict):
        return "is no object", 'write {"name": "why", "fires": true, "line": "…"}'
    for key in raw:
        if key not in _KEYS:
            return f"has the unknown key '{key}'", closest(key, _KEYS)
    if not isinstance(raw.get("name"), str) or not raw["name"]:
        return "has no name", 'write "name": and why it must fire or not'
    if not isinstance(raw.get("fires"), bool):
        return "does not say whether it fires", 'write "fires": true or false'
    lines = raw.get("lines", [raw.get("line")])
    if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
        return "has no line", 'write "line": "…" or "lines": ["…", "…"]'
    if "received" in raw:
        try:
            if datetime.fromisoformat(raw["received"]).tzinfo is None:
                return "received has no zone", "write 2026-03-05T09:00:00+07:00"
        except (TypeError, ValueError):
            return f"received is {raw['received']!r}", "write 2026-03-05T09:00:00+07:00"
    return None


def _about(ruleset: Ruleset, case: Case, ids: Sequence[str], problems: list[Problem]) -> tuple[str, ...]:
    if case.rule is None:
        return tuple(ids)
    names = {rule.id: rule.name for rule in (*ruleset.rules, *ruleset.correlations)}
    about = tuple(name for name in ids if case.rule in (name, names[name]))
    if not about:
        problems.append(Problem(case.path, case.line, f"is about '{case.rule}'", closest(case.rule, ids)))
    return about


def _verdicts(
    ruleset: Ruleset, parse: Parse, source: str | None, todo: Sequence[tuple[Case, tuple[str, ...]]]
) -> list[Verdict]:
    """All cases of one source in one batch, each judged by its own rows."""
    lines = [line.encode() for case, _ in todo for line in case.lines]
    events = parse(lines, [case.received for case, _ in todo for _ in case.lines], source)
    matches = ruleset.match(events)
    rows = matches["row"].to_numpy()
    verdicts = []
    start = 0
    for case, about in todo:
        end = start + len(case.lines)
        low, high = np.searchsorted(rows, (start, end))
        mine = matches.slice(low, high - low)
        matched = ruleset.matched_ids(mine)
        inputs = ruleset.correlation_inputs(matched, events.take(mine["row"]))
        fired = {*matched.to_pylist(), *(found[0].id for found in correlate(ruleset.correlations, inputs))}
        heard = tuple(name for name in about if name in fired)
        verdicts.append(Verdict(case, about, heard, events.slice(start, len(case.lines))))
        start = end
    return verdicts
