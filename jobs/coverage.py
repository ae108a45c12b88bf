"""coverage: how well each source's lines are understood, and who has fallen silent.

In:   the lake's `events` of some hours, and the register
Out:  `Coverage`
Docs: docs/guide/add-a-parser.md

A line is understood when its parser gave it a category or an action. Of a line that is not, a header was read at most.
Reads by deltalake, without Spark: one scan of the columns that are named.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from hamrong.errors import HamrongError
from ingest.sources import Register

EXAMPLE_CHARACTERS = 160

_LINES = """
select service['name'] as system, host['name'] as host, count(*) as lines,
       sum(case when {understood} then 1 else 0 end) as understood,
       sum(case when event['kind'] = 'pipeline_error' then 1 else 0 end) as errors,
       max(event['ingested']) as last_seen
from events where {window} group by 1, 2
"""
_UNKNOWN = """
select process['name'] as program, count(*) as lines, count(distinct host['name']) as hosts,
       min(coalesce(message, event['original'])) as example
from events where {window} and not ({understood}) group by 1 order by lines desc, program limit {limit}
"""
_UNDERSTOOD = "event['kind'] = 'event' and (event['category'] is not null or event['action'] is not null)"


@dataclass(frozen=True)
class Source:
    """A system of the register, or a host that is of none."""

    system: str | None
    host: str | None
    lines: int
    understood: int
    errors: int
    last_seen: datetime.datetime | None

    @property
    def share(self) -> float | None:
        return self.understood / self.lines if self.lines else None


@dataclass(frozen=True)
class Unknown:
    """Lines that no parser understood, by the program of their header; None without one."""

    program: str | None
    lines: int
    hosts: int
    example: str


@dataclass(frozen=True)
class Silent:
    system: str | None
    host: str | None
    """None: the whole system."""
    last_seen: datetime.datetime | None
    """None: not once in the hours that were looked at."""


@dataclass(frozen=True)
class Coverage:
    since: datetime.datetime
    until: datetime.datetime
    sources: tuple[Source, ...]
    """Those with the most lines that are not understood first."""
    unknown: tuple[Unknown, ...]
    """Ranked by their lines."""
    silent: tuple[Silent, ...]


def coverage(
    table: str,
    register: Register,
    until: datetime.datetime,
    length: datetime.timedelta,
    silence: datetime.timedelta,
    programs: int = 20,
) -> Coverage:
    """Of lines received in the time `length` before `until`; silent is who sent none in the last part of it, `silence`.

    Raises HamrongError when `table`, the folder of the lake's events, is none.
    """
    if not DeltaTable.is_deltatable(table):
        raise HamrongError(f"{table} is no lake yet; start the pipeline (hamrong run detect), or see lake.path")
    since = until - length
    window = (
        f"ingest_day between date '{since.astimezone(datetime.UTC).date()}' and date "
        f"'{until.astimezone(datetime.UTC).date()}' and event['ingested'] > timestamp '{_sql(since)}' "
        f"and event['ingested'] <= timestamp '{_sql(until)}'"
    )
    lake = QueryBuilder().register("events", DeltaTable(table))
    hosts = _rows(lake, _LINES.format(window=window, understood=_UNDERSTOOD))
    unknown = _rows(lake, _UNKNOWN.format(window=window, understood=_UNDERSTOOD, limit=int(programs)))
    return Coverage(
        since,
        until,
        tuple(sorted(_sources(hosts, register), key=lambda source: (source.understood - source.lines, str(source)))),
        tuple(
            Unknown(row["program"], row["lines"], row["hosts"], (row["example"] or "")[:EXAMPLE_CHARACTERS])
            for row in unknown
        ),
        tuple(_silent(hosts, register, until - silence)),
    )


def _sql(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).isoformat()


def _rows(lake: QueryBuilder, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.table(lake.execute(query)).to_pylist()
    return rows


def _sources(hosts: list[dict[str, Any]], register: Register) -> list[Source]:
    """The systems with their hosts' sums, and each host that is of no system."""
    found: dict[tuple[str | None, str | None], Source] = {
        (system.id, None): Source(system.id, None, 0, 0, 0, None) for system in register.systems
    }
    for row in hosts:
        key = (row["system"], None) if row["system"] else (None, row["host"])
        before = found.get(key, Source(key[0], key[1], 0, 0, 0, None))
        found[key] = Source(
            key[0],
            key[1],
            before.lines + row["lines"],
            before.understood + row["understood"],
            before.errors + row["errors"],
            max(before.last_seen or row["last_seen"], row["last_seen"]),
        )
    return list(found.values())


def _silent(hosts: list[dict[str, Any]], register: Register, before: datetime.datetime) -> list[Silent]:
    """Whole systems first; of a system that still speaks, its silent hosts."""
    latest = {source.system: source.last_seen for source in _sources(hosts, register) if source.system}
    systems = {system: seen for system, seen in latest.items() if seen is None or seen < before}
    quiet = [
        Silent(row["system"], row["host"], row["last_seen"])
        for row in hosts
        if row["last_seen"] < before and row["host"] and row["system"] not in systems
    ]
    quiet.sort(key=lambda silent: (silent.last_seen, silent.system or "", silent.host or ""))
    return [*(Silent(system, None, seen) for system, seen in sorted(systems.items())), *quiet]
