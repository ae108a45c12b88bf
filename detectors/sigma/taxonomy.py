"""taxonomy: which events belong to a log source, and which columns hold its fields.

In:   `fields/*.yml`: sections of `logsource`, `where` and `fields`
Out:  `columns(field, logsource)`; the `Membership` of each row of a batch
Docs: Sigma taxonomy appendix; docs/reference/sigma.md for the form of the tables

Routing is correctness: a rule is tried on events of its log source only. What an event says of itself in the columns
`product`, `category`, `service` counts first; the tables speak where it names neither category nor service.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from detectors.sigma.cache import read_json, write_whole
from detectors.sigma.columns import STATED, Codes, Columns
from detectors.sigma.objects import Objects
from detectors.sigma.rule import LogSource

MAX_MEMBERSHIPS = 10_000
"""Remembered; an event may state any product it likes."""
TABLES = Path(__file__).parent / "fields"

Names = tuple[str, ...]
"""The columns that can hold a field, the surest first."""

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

    def narrowed(self, named: Membership) -> Membership:
        """The same to rules that name no more than this: all that they do not name is alike to them."""
        return Membership(*(mine & its or (_OTHER if mine else mine) for mine, its in zip(self, named, strict=True)))


_OTHER = frozenset(("",))


@dataclass(frozen=True)
class Section:
    logsource: LogSource
    where: tuple[tuple[tuple[str, frozenset[str]], ...], ...] = ()
    """Alternatives, each a conjunction of (field, values): a column, or a field of the log source."""
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: tuple[str, ...] = ()
    """Columns for any other field; `{}` stands for its name."""
    names: frozenset[str] = frozenset()
    """Where they are known, all fields that such events have, beside those that tables map."""

    def covers(self, source: LogSource) -> bool:
        """Whether the section's fields are fields of that log source."""
        mine, its = vars(self.logsource), vars(source)
        return all(value is None or value == its[name] for name, value in mine.items())


class _Route(NamedTuple):
    """Events that pass all tests are of the log source."""

    logsource: LogSource
    tests: tuple[tuple[Names, frozenset[str]], ...]


class Taxonomy:
    def __init__(self, sections: Iterable[Section]) -> None:
        # The more a section names, the more it knows.
        self._sections = sorted(sections, key=lambda section: str(section.logsource).count(","), reverse=True)
        self._sections_of: dict[LogSource, list[Section]] = {}
        self._routes = [
            _Route(section.logsource, tuple((self._mapped(name, section.logsource), values) for name, values in whole))
            for section in self._sections
            for whole in section.where
        ]
        columns = {names for route in self._routes for names, _ in route.tests}
        self._deciding: list[Names] = [*((name,) for name in STATED), *sorted(columns)]
        self._values = {names: self._named(names) for names in self._deciding}
        self._memberships: dict[tuple[str | None, ...], Membership] = {}
        self._columns: dict[tuple[str, LogSource], tuple[str, ...]] = {}

    @property
    def deciding(self) -> frozenset[str]:
        """Every column that says of what log source an event is."""
        return frozenset(column for names in self._deciding for column in names)

    def columns(self, name: str, source: LogSource) -> tuple[str, ...]:
        """The columns that can hold a field of rules of this log source, the surest first: always its own name."""
        key = (name, source)
        if key not in self._columns:
            otherwise = (
                column.replace("{}", name) for section in self._covering(source) for column in section.otherwise
            )
            self._columns[key] = tuple(dict.fromkeys([*self._mapped(name, source), *otherwise]))
        return self._columns[key]

    def _mapped(self, name: str, source: LogSource) -> Names:
        """Its own name, and the columns that tables name for it."""
        mapped = (column for section in self._covering(source) for column in section.fields.get(name, ()))
        return tuple(dict.fromkeys([name, *mapped]))

    def _covering(self, source: LogSource) -> list[Section]:
        if source not in self._sections_of:
            self._sections_of[source] = [section for section in self._sections if section.covers(source)]
        return self._sections_of[source]

    def holders(self, column: str) -> Names:
        """A column, and every other name by which any log source knows what stands in it, the surest first."""
        others = (
            other
            for section in self._sections
            for name, columns in section.fields.items()
            if column in columns
            for other in (name, *columns)
        )
        return tuple(dict.fromkeys([column, *others]))

    def names(self, source: LogSource) -> set[str]:
        """The fields that tables know by name for rules of this log source."""
        covering = [section for section in self._sections if section.covers(source)]
        return {name for section in covering for name in (*section.fields, *section.names)}

    def knows(self, name: str, source: LogSource) -> bool:
        """Whether events of the log source can have the field; a column's own name is for the caller to know."""
        covering = [section for section in self._sections if section.covers(source)]
        anything = any(section.otherwise for section in covering) and not any(section.names for section in covering)
        return anything or name in self.names(source)

    def routes(self, source: LogSource) -> bool:
        """Whether any table tells events of this log source."""
        return any(
            all(value in (None, vars(route.logsource)[name]) for name, value in vars(source).items())
            for route in self._routes
        )

    def telling(self, source: LogSource) -> Iterator[dict[str, str]]:
        """For each way in which tables tell events of this log source: fields with a value, casefolded."""
        for route in self._routes:
            if all(value in (None, vars(route.logsource)[name]) for name, value in vars(source).items()):
                yield {names[0]: min(values) for names, values in route.tests}

    def memberships(self, columns: Columns | Objects) -> tuple[Codes, list[Membership]]:
        """For each row the index of its membership."""
        read = [self._reading(columns, names) for names in self._deciding]
        key, room = np.zeros(columns.rows, np.int64), 1
        for codes, values in read:
            if codes is None:
                continue
            if room * len(values) >= 1 << 62:
                distinct_keys, key = np.unique(key, return_inverse=True)
                room = len(distinct_keys)
            key = key * len(values) + codes
            room *= len(values)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        readings = [
            [None] * len(first) if codes is None else [values[code] for code in codes[first]] for codes, values in read
        ]
        known = [self._membership(reading) for reading in zip(*readings, strict=True)]
        distinct: dict[Membership, int] = {}
        renumbered = np.array([distinct.setdefault(membership, len(distinct)) for membership in known], np.int32)
        return renumbered[inverse], list(distinct)

    def _reading(self, columns: Columns | Objects, names: Names) -> tuple[Codes | None, list[str | None]]:
        """A field with the values that no table names made null; casefolded. No codes when all are null.

        Of several values in one row the first that counts.
        """
        column = columns.stated(names[0]) if names[0] in STATED else columns.column(names)
        if column is None:
            return None, [None]
        named = self._values[names]
        values: dict[str | None, int] = {None: 0}
        renumbered = np.zeros(len(column.dictionary) + 1, np.int32)
        for code, text in enumerate(column.texts()):
            value = text.casefold()
            if named is None or value in named:
                renumbered[code] = values.setdefault(value or None, len(values))
        codes = renumbered[column.codes]
        if column.offsets is not None:
            at = np.flatnonzero(codes)[::-1]
            rows = np.searchsorted(column.offsets, at, side="right") - 1
            of_rows = np.zeros(columns.rows, np.int32)
            of_rows[rows] = codes[at]
            codes = of_rows
        return (codes if len(values) > 1 else None), list(values)

    def _named(self, names: Names) -> frozenset[str] | None:
        """The values of a field that any table names; None: all of them count."""
        if names[0] in STATED:
            return None
        return frozenset().union(
            *(values for route in self._routes for tested, values in route.tests if tested == names)
        )

    def _membership(self, reading: tuple[str | None, ...]) -> Membership:
        if reading not in self._memberships:
            if len(self._memberships) > MAX_MEMBERSHIPS:
                self._memberships.clear()
            self._memberships[reading] = self._decide(dict(zip(self._deciding, reading, strict=True)))
        return self._memberships[reading]

    def _decide(self, event: dict[Names, str | None]) -> Membership:
        stated = LogSource(*(event[(name,)] for name in STATED))
        sources = [stated]
        if stated.category is None and stated.service is None:
            sources += [
                route.logsource
                for route in self._routes
                if (stated.product is None or route.logsource.product in (None, stated.product))
                and all(event[names] in values for names, values in route.tests)
            ]
        products, categories, services = (
            {value for source in sources if (value := getattr(source, name)) is not None} for name in STATED
        )
        categories |= {_WIDER[category] for category in categories if category in _WIDER}
        return Membership(frozenset(products), frozenset(categories), frozenset(services))


def load(cache: Path | None = None, folder: Path = TABLES) -> Taxonomy:
    """The taxonomy of every table in a folder; parsed tables are kept in `cache` by the digest of all."""
    contents = [path.read_bytes() for path in sorted(folder.glob("*.yml"))]
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]
    file = cache / f"taxonomy-{digest}.json" if cache else None
    tables = read_json(file) if file else None
    if not isinstance(tables, list):
        import yaml

        tables = [yaml.load(content, Loader=yaml.CSafeLoader) for content in contents]
        if file:
            write_whole(file, orjson.dumps(tables))
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
        frozenset(raw.get("names", ())),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)
