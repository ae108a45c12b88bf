"""taxonomy: which events belong to a log source, and which columns hold its fields.

In:   `fields/*.yml`: sections of `logsource`, `where` and `fields`
Out:  `columns(field, logsource)`; the `Membership` of each row of a batch
Docs: Sigma taxonomy appendix; docs/reference/sigma.md for the form of the tables

Routing is correctness: a rule is tried on events of its log source only. What an event says of itself in the columns
`product`, `category`, `service` counts first; the tables speak where it names neither category nor service.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from detectors.sigma.columns import Codes, Columns
from detectors.sigma.rule import LogSource

MAX_MEMBERSHIPS = 10_000
"""Remembered; an event may state any product it likes."""
TABLES = Path(__file__).parent / "fields"
STATED = ("product", "category", "service")

# A rule for the left category also wants events of the right ones.
NARROWER = {"registry_event": ("registry_add", "registry_set", "registry_delete", "registry_rename")}
_WIDER = {narrow: wide for wide, narrows in NARROWER.items() for narrow in narrows}


class Membership(NamedTuple):
    """The products, categories and services that an event is of. Without any product it may be of every one."""

    products: frozenset[str]
    categories: frozenset[str]
    services: frozenset[str]

    def fits(self, source: LogSource) -> bool:
        """Whether rules of this log source are tried on the event. An event that says nothing is tried on all."""
        if not any(self):
            return True
        return (
            (source.product is None or not self.products or source.product in self.products)
            and (source.category is None or source.category in self.categories)
            and (source.service is None or source.service in self.services)
        )


@dataclass(frozen=True)
class Section:
    logsource: LogSource
    where: tuple[tuple[tuple[str, frozenset[str]], ...], ...] = ()
    """Alternatives, each a conjunction of (column, values)."""
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: tuple[str, ...] = ()
    """Columns for any other field; `{}` stands for its name."""

    def covers(self, source: LogSource) -> bool:
        """Whether the section's fields are fields of that log source."""
        mine, its = vars(self.logsource), vars(source)
        return all(value is None or value == its[name] for name, value in mine.items())


class Taxonomy:
    def __init__(self, sections: Iterable[Section]) -> None:
        # The more a section names, the more it knows.
        self._sections = sorted(sections, key=lambda section: str(section.logsource).count(","), reverse=True)
        self._routed = [section for section in self._sections if section.where]
        columns = {column for section in self._routed for alternative in section.where for column, _ in alternative}
        self._deciding = (*STATED, *sorted(columns))
        self._values = {name: self._named(name) for name in self._deciding}
        self._memberships: dict[tuple[str | None, ...], Membership] = {}
        self._columns: dict[tuple[str, LogSource], tuple[str, ...]] = {}

    @property
    def deciding(self) -> tuple[str, ...]:
        """The columns that tell an event's log source."""
        return self._deciding

    def columns(self, name: str, source: LogSource) -> tuple[str, ...]:
        """The columns that can hold a field of rules of this log source, the surest first: always its own name."""
        key = (name, source)
        if key not in self._columns:
            found = [name]
            covering = [section for section in self._sections if section.covers(source)]
            for section in covering:
                found += section.fields.get(name, ())
            for section in covering:
                found += (column.replace("{}", name) for column in section.otherwise)
            self._columns[key] = tuple(dict.fromkeys(found))
        return self._columns[key]

    def knows(self, name: str, source: LogSource) -> bool:
        """Whether a table maps the field; a field that is a column's own name is for the caller to know."""
        return any(
            section.covers(source) and (name in section.fields or section.otherwise) for section in self._sections
        )

    def routes(self, source: LogSource) -> bool:
        """Whether any table tells events of this log source."""
        sections = [section.logsource for section in self._routed]
        return any(
            all(value in (None, vars(known)[name]) for name, value in vars(source).items()) for known in sections
        )

    def memberships(self, columns: Columns) -> tuple[Codes, list[Membership]]:
        """For each row the index of its membership."""
        key = np.zeros(columns.rows, np.int64)
        readings: list[list[str | None]] = [[]]
        for name in self._deciding:
            codes, values = self._reading(columns, name)
            if len(values) == 1:
                readings = [[*reading, values[0]] for reading in readings]
                continue
            present, key = np.unique(key * len(values) + codes, return_inverse=True)
            readings = [[*readings[at // len(values)], values[at % len(values)]] for at in present]
        known = [self._membership(tuple(reading)) for reading in readings]
        distinct = list(dict.fromkeys(known))
        renumbered = np.array([distinct.index(membership) for membership in known], np.int32)
        return renumbered[key], distinct

    def _reading(self, columns: Columns, name: str) -> tuple[Codes, list[str | None]]:
        """A column with the values that no table names made null; casefolded."""
        array = columns.array(name)
        column = None if array is None or pa.types.is_nested(array.type) else columns.column((name,))
        if column is None:
            return np.zeros(columns.rows, np.int32), [None]
        named = self._values[name]
        values: dict[str | None, int] = {None: 0}
        renumbered = np.zeros(len(column.dictionary) + 1, np.int32)
        for code, text in enumerate(column.dictionary.to_pylist()):
            value = text.casefold()
            if named is None or value in named:
                renumbered[code] = values.setdefault(value or None, len(values))
        return renumbered[column.codes], list(values)

    def _named(self, name: str) -> frozenset[str] | None:
        """The values of a column that any table names; None: all of them count."""
        if name in STATED:
            return None
        alternatives = [alternative for section in self._routed for alternative in section.where]
        return frozenset().union(
            *(values for alternative in alternatives for column, values in alternative if column == name)
        )

    def _membership(self, reading: tuple[str | None, ...]) -> Membership:
        if reading not in self._memberships:
            if len(self._memberships) > MAX_MEMBERSHIPS:
                self._memberships.clear()
            self._memberships[reading] = self._decide(dict(zip(self._deciding, reading, strict=True)))
        return self._memberships[reading]

    def _decide(self, event: dict[str, str | None]) -> Membership:
        sources = [LogSource(*(event[name] for name in STATED))]
        if event["category"] is None and event["service"] is None:
            sources += [
                section.logsource
                for section in self._routed
                if any(all(event[column] in values for column, values in whole) for whole in section.where)
                and event["product"] in (None, section.logsource.product)
            ]
        products, categories, services = (
            {value for source in sources if (value := getattr(source, name)) is not None} for name in STATED
        )
        categories |= {_WIDER[category] for category in categories if category in _WIDER}
        return Membership(frozenset(products), frozenset(categories), frozenset(services))


def load(folder: Path = TABLES) -> Taxonomy:
    """The taxonomy of every table in a folder."""
    tables = (yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in sorted(folder.glob("*.yml")))
    return Taxonomy(_section(raw) for table in tables for raw in table)


def _section(raw: dict[str, Any]) -> Section:
    return Section(
        LogSource(**raw["logsource"]),
        tuple(
            tuple((column, frozenset(value.casefold() for value in _texts(values))) for column, values in whole.items())
            for whole in raw.get("where", ())
        ),
        {name: _texts(columns) for name, columns in raw.get("fields", {}).items()},
        _texts(raw.get("otherwise", ())),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)
