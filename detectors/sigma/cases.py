"""cases: the cases beside rules, through the real parsers and matcher.

In:   a `Ruleset`, whose files have their cases beside them (`case_file`); how lines become events
Out:  a `Verdict` for each case, and problems: cases that are missing or malformed
Docs: docs/reference/sigma.md

A case fires when a rule or correlation of its file that raises alerts does; `rule` narrows it to one id or name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from detectors.sigma.case_file import Case, beside, read
from detectors.sigma.metadata import closest
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.occurrences import correlate
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem

Parse = Callable[[list[bytes], list[datetime], str | None], pa.RecordBatch]
"""Lines, when each was received, and the id of the system they are of (None: as the register says) -> events."""

_About = tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    case: Case
    rules: _About
    """Ids of the file's rules that the case is about."""
    fired: tuple[str, ...]
    """Those that fired."""
    events: pa.RecordBatch = field(repr=False, compare=False)
    """What the parsers made of the lines; or the events as they stand."""

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
    todo: list[tuple[Case, _About]] = []
    for path, ids in sorted(files.items()):
        cases = read(path, problems)
        for case in cases:
            about = _about(ruleset, case, ids, problems)
            if about:
                todo.append((case, about))
        for fires, what in ((True, "firing"), (False, "quiet")):
            if not any(case.fires is fires for case in cases):
                hint = f'write {{"name": "why", "fires": {str(fires).lower()}, "line": "…"}} into {beside(path)}'
                problems.append(Problem(path, 1, f"has no {what} case", hint))
    for batch, part in _batches(parse, todo):
        verdicts += _verdicts(ruleset, batch, part)
    return sorted(verdicts, key=lambda verdict: (verdict.case.path, verdict.case.line)), problems


def _batches(
    parse: Parse, todo: Sequence[tuple[Case, _About]]
) -> Iterator[tuple[pa.RecordBatch, list[tuple[Case, _About]]]]:
    """All lines of one source in one batch, and all cases of events in another."""
    of_events = [item for item in todo if item[0].events]
    if of_events:
        yield flat_batch([event for case, _ in of_events for event in case.events])[0], of_events
    of_lines = [item for item in todo if item[0].lines]
    for source in sorted({case.source for case, _ in of_lines}, key=str):
        part = [item for item in of_lines if item[0].source == source]
        lines = [line.encode() for case, _ in part for line in case.lines]
        yield parse(lines, [time for case, _ in part for time in case.times], source), part


def _about(ruleset: Ruleset, case: Case, ids: Sequence[str], problems: list[Problem]) -> _About:
    if case.rule is None:
        return tuple(ids)
    names = {rule.id: rule.name for rule in (*ruleset.rules, *ruleset.correlations)}
    about = tuple(name for name in ids if case.rule in (name, names[name]))
    if not about:
        problems.append(Problem(case.path, case.line, f"is about '{case.rule}'", closest(case.rule, ids)))
    return about


def fired(ruleset: Ruleset, events: pa.RecordBatch) -> set[str]:
    """The ids of rules and correlations that fire on these events together."""
    return _fired(ruleset, ruleset.match(events), events)


def _fired(ruleset: Ruleset, matches: pa.RecordBatch, events: pa.RecordBatch) -> set[str]:
    matched = ruleset.matched_ids(matches)
    inputs = ruleset.correlation_inputs(matched, events.take(matches["row"]))
    return {*matched.to_pylist(), *(found[0].id for found in correlate(ruleset.correlations, inputs))}


def _verdicts(ruleset: Ruleset, events: pa.RecordBatch, todo: Sequence[tuple[Case, _About]]) -> list[Verdict]:
    """Of cases in one batch, each judged by its own rows."""
    matches = ruleset.match(events)
    rows = matches["row"].to_numpy()
    verdicts = []
    start = 0
    for case, about in todo:
        count = len(case.lines) + len(case.events)
        low, high = np.searchsorted(rows, (start, start + count))
        mine = _fired(ruleset, matches.slice(low, high - low), events)
        heard = tuple(name for name in about if name in mine)
        verdicts.append(Verdict(case, about, heard, events.slice(start, count)))
        start += count
    return verdicts
