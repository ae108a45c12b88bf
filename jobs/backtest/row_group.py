"""row_group: one row group of the lake's events, read column by column, as long as it may still hold a match.

In:   an open Parquet file, the rules, a span of receipt
Out:  the rows that the rules are to be tried on, with what they look at; how many bytes were read for it
Docs: Parquet format, column chunks and statistics; docs/reference/sigma.md, "Log sources"

The columns that say of what log source an event is are a hundredth of its bytes. They are read first; where no row is
of the rule's, the rest is left where it lies. A name that is no column may stand in the map `vendor`: its keys alone,
few and much alike, tell whether the values must be read too. So what comes out is what the stream would have seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.grouping import ENTITIES
from detectors.sigma.columns import ORIGINAL, Columns
from detectors.sigma.program import asked
from detectors.sigma.rule import Correlation
from detectors.sigma.ruleset import Ruleset
from ingest.event import FIELDS, FLAT, TIMESTAMP, flatten

VENDOR_KEYS = "vendor.key_value.key"
RECEIVED = "event.ingested"
IDENTITY = ("@timestamp", RECEIVED, "event.id")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Needs:
    """Names of columns, of `ingest.event.FIELDS` or of keys in `vendor`."""

    routing: frozenset[str]
    matching: frozenset[str]
    keywords: bool
    """The raw line, and of an event without one everything."""
    telling: frozenset[str]
    """What is asked of an event that matched."""


def needs(ruleset: Ruleset, correlations: Iterable[Correlation]) -> Needs:
    fields = [ruleset.atoms.fields[number] for node in ruleset.nodes for number in asked(node)]
    telling = {*IDENTITY, *ENTITIES, *(rule.entity for rule in ruleset.rules if rule.entity)}
    for correlation in correlations:
        names = {*correlation.group_by_written, *_texts(correlation.field)}
        names |= {name for _, written in correlation.aliases for _, name in written}
        for rule in ruleset.rules:
            telling |= {column for name in names for column in ruleset.taxonomy.columns(name, rule.logsource)}
    return Needs(
        routing=frozenset(ruleset.taxonomy.deciding),
        matching=frozenset(name for field in fields for name in (*field.columns, *field.other)),
        keywords=any(field.is_keywords for field in fields),
        telling=frozenset(telling),
    )


def _texts(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


@dataclass
class RowGroup:
    parquet: pq.ParquetFile
    number: int
    bytes: int = 0
    """Of the column chunks that were read, as they lie in the file."""
    _read: dict[str, pa.Array] = field(default_factory=dict)
    """By name; what is null everywhere is not in it."""
    _known: set[str] = field(default_factory=set)
    _keys: frozenset[str] | None = None

    def __post_init__(self) -> None:
        chunks = self.parquet.metadata.row_group(self.number)
        self._chunks = [chunks.column(number) for number in range(chunks.num_columns)]
        self._places = {chunk.path_in_schema: chunk for chunk in self._chunks}
        self.rows: int = chunks.num_rows

    def received(self, since: datetime, until: datetime) -> Rows | None:
        """The rows received in the span; None when that is all of them."""
        chunk = self._places.get(RECEIVED)
        if chunk is None or not self.rows:
            return np.zeros(0, np.int64)
        bounds = chunk.statistics
        if bounds is not None and bounds.has_min_max:
            if bounds.max < since or bounds.min >= until:
                return np.zeros(0, np.int64)
            if not bounds.null_count and since <= bounds.min and bounds.max < until:
                return None
        times = self.columns((RECEIVED,)).get(RECEIVED)
        if times is None:
            return np.zeros(0, np.int64)
        micros = times.cast(TIMESTAMP).cast(pa.int64()).fill_null(-(1 << 62)).to_numpy(zero_copy_only=False)
        low, high = (pa.scalar(moment, TIMESTAMP).cast(pa.int64()).as_py() for moment in (since, until))
        return np.flatnonzero((micros >= low) & (micros < high))

    def candidates(self, ruleset: Ruleset, wanted: Needs, rows: Rows | None) -> Rows:
        """Of `rows`, those of a log source that a rule is for."""
        columns = Columns(self.batch(wanted.routing, rows))
        codes, memberships = ruleset.taxonomy.memberships(columns)
        sources = {rule.logsource for rule in ruleset.rules}
        fits = np.array([any(membership.fits(source) for source in sources) for membership in memberships], bool)
        found = np.flatnonzero(fits[codes])
        return found if rows is None else rows[found]

    def events(self, wanted: Needs, rows: Rows) -> pa.RecordBatch:
        """What the rules look at, of these rows."""
        names = wanted.routing | wanted.matching
        if wanted.keywords:
            batch = self.batch(names | {ORIGINAL}, rows)
            original = batch.column(ORIGINAL) if ORIGINAL in batch.schema.names else None
            if original is not None and not original.null_count:
                return batch
            names = frozenset(FLAT.names)
        return self.batch(names, rows)

    def batch(self, names: Iterable[str], rows: Rows | None) -> pa.RecordBatch:
        """A flat batch of the columns of these names, and of `vendor` where it holds one of them."""
        columns = self.columns(names)
        count = self.rows if rows is None else len(rows)
        if rows is not None and count < self.rows:
            taken = pa.array(rows)
            columns = {name: array.take(taken) for name, array in columns.items()}
        if not columns:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
        return pa.RecordBatch.from_pydict(columns)

    def columns(self, names: Iterable[str]) -> dict[str, pa.Array]:
        wanted = {name for name in names if name in FIELDS}
        if not self._vendor_keys().isdisjoint(set(names) - wanted):
            wanted.add("vendor")
        fresh = wanted - self._known
        if fresh:
            self._known |= fresh
            self._read |= self._flat(fresh)
        return {name: self._read[name] for name in sorted(wanted) if name in self._read}

    def _vendor_keys(self) -> frozenset[str]:
        """Every name in the group's `vendor` maps."""
        if self._keys is None:
            self._keys = frozenset()
            if VENDOR_KEYS in self._places:
                maps = self._column_chunks((VENDOR_KEYS,)).column("vendor").combine_chunks()
                self._keys = frozenset(maps.flatten().field(0).unique().to_pylist())
        return self._keys

    def _flat(self, names: Iterable[str]) -> dict[str, pa.Array]:
        there = [name for name in names if any(_under(path, name) for path in self._places)]
        if not there:
            return {}
        read = self._column_chunks(there)
        flat = flatten(read.combine_chunks().to_batches()[0])
        return dict(zip(flat.schema.names, flat.columns, strict=True))

    def _column_chunks(self, names: Iterable[str]) -> pa.Table:
        names = list(names)
        read = [chunk for chunk in self._chunks if any(_under(chunk.path_in_schema, name) for name in names)]
        self.bytes += sum(chunk.total_compressed_size for chunk in read)
        return self.parquet.read_row_group(self.number, columns=names, use_threads=False)


def _under(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")
