"""choose: for each rule a firing case whose lines, dated now, fire here.

In:   the rule set, the cases beside its files, the register
Out:  a `Canary` for each rule that has such a case, and why the others have none
Docs: docs/reference/sigma.md, Cases

What is sent must fire: its lines are tried first, by the real parsers and matcher. What then does not come back was
lost on the road.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.sigma import case_file
from detectors.sigma.case_file import Case
from detectors.sigma.occurrences import correlate
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from ingest.event import TEXT, TIMESTAMP, raw
from ingest.gateway.redate import Redater
from ingest.parse import parse
from ingest.sources import Register

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Canary:
    rule: Rule | Correlation
    lines: tuple[bytes, ...]
    peer: str
    """The address that the lines seem to come from; "" for none."""


class NoCanary(NamedTuple):
    """A rule that cannot be asked."""

    rule: Rule | Correlation
    why: str


class _Try(NamedTuple):
    rule: Rule | Correlation
    lines: tuple[bytes, ...]
    peer: str


def choose(
    ruleset: Ruleset, register: Register, now: datetime, lateness: timedelta, only: Collection[str] = ()
) -> tuple[list[Canary], list[NoCanary]]:
    """By path. `lateness`: how old a line may be for a correlation to count it. `only`: ids or names; () = all."""
    everything: tuple[Rule | Correlation, ...] = (*ruleset.rules, *ruleset.correlations)
    rules = [rule for rule in everything if rule.generate and (not only or rule.id in only or rule.name in only)]
    waiting = {rule.id: _tries(rule, ruleset, register, now, lateness) for rule in rules}
    found: dict[str, Canary] = {}
    tried: set[str] = set()
    # Round by round the next try of every rule that has none yet: few batches, however many rules.
    while batch := [one for name in waiting if name not in found and (one := next(waiting[name], None))]:
        tried.update(one.rule.id for one in batch)
        for one, fired in zip(batch, _fired(batch, ruleset, register, now, lateness), strict=True):
            if one.rule.id in fired:
                found[one.rule.id] = Canary(one.rule, one.lines, one.peer)
    without = [
        NoCanary(rule, "no case fires when it is dated now" if rule.id in tried else "no firing case of raw lines")
        for rule in rules
        if rule.id not in found
    ]
    return sorted(found.values(), key=lambda canary: (canary.rule.path, canary.rule.id)), without


def _tries(
    rule: Rule | Correlation, ruleset: Ruleset, register: Register, now: datetime, lateness: timedelta
) -> Iterator[_Try]:
    """Its firing cases, dated now; then, for rules that ask for the hour, dated back by whole weeks.

    A correlation has no use for lines that are days old: they come too late to be counted.
    """
    about = [case for case in case_file.read(rule.path, []) if case.fires and case.lines and _is_about(case, rule)]
    for by_weeks in (False,) if isinstance(rule, Correlation) else (False, True):
        for case in about:
            peer = _peer(register, case.source)
            lines = tuple(line.encode() for line in case.lines)
            times = _times(lines, case.times or [case.received] * len(lines), peer, register)
            if by_weeks:
                back = max(times) + (now - max(times)) // WEEK * WEEK - max(times)
                moments = [moment + back for moment in times]
            else:
                moments = _until_now(times, now, lateness / 2)
            zone = _zone(register, peer)
            dated = (_dated(*one, zone) for one in zip(lines, times, moments, strict=True))
            yield _Try(rule, tuple(dated), peer)


def _dated(line: bytes, stamp: datetime, moment: datetime, zone: tzinfo) -> bytes:
    """The line of that stamp as it would be written at `moment`. auditd, squid and others write seconds since 1970."""
    then, now = (b"%d" % time.timestamp() for time in (stamp, moment))
    return Redater(moment, zone).redate(line).replace(then, now)


def _is_about(case: Case, rule: Rule | Correlation) -> bool:
    return case.rule is None or case.rule in (rule.id, rule.name)


def _until_now(times: Sequence[datetime], now: datetime, longest: timedelta) -> list[datetime]:
    """The same course of time, with its end now; a long one runs faster, so that its first line is not too late."""
    span = max(times) - min(times)
    pace = min(1.0, longest / span) if span else 1.0
    return [now - (max(times) - moment) * pace for moment in times]


def _times(lines: Sequence[bytes], received: Sequence[datetime], peer: str, register: Register) -> list[datetime]:
    stamps = _parsed(lines, received, [peer] * len(lines), register).column("@timestamp")
    return [stamp.astimezone(UTC) for stamp in stamps.to_pylist()]


def _parsed(
    lines: Sequence[bytes], received: Sequence[datetime], peers: Sequence[str], register: Register
) -> pa.RecordBatch:
    columns = {
        "value": pa.array(lines, pa.binary()),
        "peer": pa.array(peers, TEXT),
        "received": pa.array(received, TIMESTAMP),
        "id": pa.array([str(number) for number in range(len(lines))], TEXT),
    }
    return parse(raw(len(lines), columns), register)


def _fired(
    batch: Sequence[_Try], ruleset: Ruleset, register: Register, now: datetime, lateness: timedelta
) -> list[set[str]]:
    """The rules and correlations that each try fires, with all its lines received now."""
    lines = [line for one in batch for line in one.lines]
    peers = [one.peer for one in batch for _ in one.lines]
    events = _parsed(lines, [now] * len(lines), peers, register)
    matches = ruleset.match(events)
    rows = matches["row"].to_numpy()
    found = []
    start = 0
    for one in batch:
        low, high = np.searchsorted(rows, (start, start + len(one.lines)))
        mine = matches.slice(low, high - low)
        matched = ruleset.matched_ids(mine)
        fired = set(matched.to_pylist())
        if isinstance(one.rule, Correlation):
            inputs = ruleset.correlation_inputs(matched, events.take(mine["row"]))
            in_time = pc.greater(inputs["at"], pa.scalar(now - lateness, TIMESTAMP))
            fired |= {correlation.id for correlation, *_ in correlate(ruleset.correlations, inputs.filter(in_time))}
        found.append(fired)
        start += len(one.lines)
    return found


def _peer(register: Register, system: str | None) -> str:
    """An address of the system that a case says it is of."""
    for known in register.systems:
        if known.id == system and known.addresses:
            return str(known.addresses[0][min(1, known.addresses[0].num_addresses - 1)])
    return ""


def _zone(register: Register, peer: str) -> tzinfo:
    known = register.find(peer, None)
    return ZoneInfo(known.timezone if known else register.timezone)
