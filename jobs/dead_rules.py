"""dead_rules: rules that what came in could not have made fire.

In:   the lake's `events` of some days; the rule set
Out:  `Look`: the dead rules with the reason, and how much was looked at
Docs: Delta transaction log protocol; Parquet, row groups

Reads by pyarrow, without Spark: of each row group only the columns by which log sources are told and those that rules
ask for. Of more rows than a limit a share of the row groups is read, evenly spread over the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import PyFileSystem

from detectors.sigma.alive import Kinds, dead, together
from detectors.sigma.columns import Columns
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.taxonomy import Membership, Taxonomy
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import FIELDS, flatten
from jobs.sinks import delta

ROWS = 2_000_000
SYSTEM = "service.name"

Told = Callable[[int, int], object]
"""Hears how many files of how many were looked through."""


@dataclass(frozen=True)
class Dead:
    rule: str
    title: str
    path: str
    why: str


@dataclass(frozen=True)
class Look:
    since: datetime
    rows: int
    of_rows: int
    """That the lake holds of these days."""
    dead: tuple[Dead, ...]
    """By path."""
    rules: int
    kinds: Mapping[str | None, Kinds]
    """What came of each system, by its id in the register; None: of no system."""


def look(cfg: Config, ruleset: Ruleset, since: datetime, limit: int, told: Told) -> Look:
    """Of lines received on the day of `since` (UTC) and later; `limit` 0 = every row. Raises HamrongError without a
    lake, or when nothing came."""
    place = delta.uri(cfg, "events")
    if not DeltaTable.is_deltatable(place):
        raise HamrongError(f"{cfg.lake.path}: holds no events yet; start the jobs with: hamrong run")
    kinds: dict[str | None, dict[Membership, set[str]]] = {}
    rows = 0
    groups = _Groups(place, since, limit)
    for batch in groups.read(_columns(ruleset), told):
        rows += batch.num_rows
        for system, its in _by_system(batch):
            learn(its, ruleset.taxonomy, kinds.setdefault(system, {}))
    if not rows:
        raise HamrongError(f"{cfg.lake.path}: nothing came since {since:%Y-%m-%d}; nothing can be said of the rules")
    everything = (*ruleset.rules, *ruleset.correlations)
    reasons = dead(ruleset, together(kinds.values()))
    found = [Dead(rule.id, rule.title, rule.path, reasons[rule.id]) for rule in everything if rule.id in reasons]
    found.sort(key=lambda one: (one.path, one.rule))
    return Look(since.astimezone(UTC), rows, groups.rows, tuple(found), len(everything), kinds)


def _columns(ruleset: Ruleset) -> list[str]:
    """The lake's columns that the rules ask for; `vendor` for all names that are no columns."""
    wanted = set(ruleset.taxonomy.deciding)
    for field in ruleset.atoms.fields:
        wanted.update(field.columns, field.other)
    return [*sorted(wanted & FIELDS.keys() - {"vendor"} | {SYSTEM}), "vendor"]


class _Groups:
    """The row groups to be read."""

    def __init__(self, place: str, since: datetime, limit: int) -> None:
        table = DeltaTable(place)
        self._store = PyFileSystem(DeltaStorageHandler(place))
        added = pa.table(table.get_add_actions(flatten=True)).select(
            ["path", f"partition.{delta.PARTITION}", "num_records"]
        )
        first = since.astimezone(UTC).date()
        self._files = [
            (path, rows) for path, day, rows in zip(*added.to_pydict().values(), strict=True) if day and day >= first
        ]
        self.rows = sum(rows for _, rows in self._files)
        self._share = min(1.0, limit / self.rows) if limit and self.rows else 1.0

    def read(self, columns: list[str], told: Told) -> Iterator[pa.RecordBatch]:
        """Nested batches."""
        passed = taken = 0
        for number, (path, _) in enumerate(self._files):
            with self._store.open_input_file(path) as source, pq.ParquetFile(source) as parquet:
                held = set(parquet.schema_arrow.names)
                mine = [name for name in columns if name.partition(".")[0] in held]
                for group in range(parquet.num_row_groups):
                    size = parquet.metadata.row_group(group).num_rows
                    passed += size
                    if taken < passed * self._share:
                        taken += size
                        yield from parquet.iter_batches(20_000, row_groups=[group], columns=mine, use_threads=False)
            told(number + 1, len(self._files))


def _by_system(batch: pa.RecordBatch) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    parent, _, leaf = SYSTEM.partition(".")
    if parent not in batch.schema.names:
        yield None, batch
        return
    names = pc.struct_field(batch.column(parent), leaf).dictionary_encode("encode")
    for code, name in enumerate(names.dictionary.to_pylist()):
        mine = pc.equal(names.indices, code)
        yield name, batch if pc.all(mine).as_py() else batch.filter(mine)


def learn(batch: pa.RecordBatch, taxonomy: Taxonomy, kinds: dict[Membership, set[str]]) -> None:
    """Adds what the batch's events are of, and what they hold."""
    flat = flatten(batch)
    if not flat.num_columns:
        return
    codes, memberships = taxonomy.memberships(Columns(flat))
    seen = [kinds.setdefault(membership, set()) for membership in memberships]
    for name, array in zip(flat.schema.names, flat.columns, strict=True):
        if pa.types.is_map(array.type):
            _learn_map(array, codes, seen)
        elif array.null_count == 0:
            for columns in seen:
                columns.add(name)
        else:
            for code in np.unique(codes[array.is_valid().to_numpy(zero_copy_only=False)]).tolist():
                seen[code].add(name)


def _learn_map(array: pa.MapArray, codes: np.ndarray, seen: list[set[str]]) -> None:
    offsets = array.offsets.to_numpy()
    owners = np.repeat(codes, np.diff(offsets))
    keys = array.keys.slice(offsets[0], offsets[-1] - offsets[0]).dictionary_encode()
    names = keys.dictionary.to_pylist()
    pairs = np.unique(owners.astype(np.int64) * len(names) + keys.indices.to_numpy()) if names else ()
    for pair in np.asarray(pairs, np.int64).tolist():
        seen[pair // len(names)].add(names[pair % len(names)])
