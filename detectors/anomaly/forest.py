"""forest: how unlike the others a window is, and by which features.

In:   rows of `features.features` as Arrow
Out:  a `Model`; scores from 0 to 1, higher = more unusual; the features that carried a score
Docs: Liu, Ting, Zhou: Isolation Forest (ICDM 2008); docs/decisions/0005-anomaly.md

One forest an entity type, since an account's usual hour is not an address's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import IsolationForest

from detectors.anomaly.features import ENTITIES, FEATURES, NAMES
from hamrong.errors import HamrongError

Floats = npt.NDArray[np.float64]

MIN_ROWS = 50
"""Below this a forest has seen too little to call anything unusual."""

TREES = 200
SEED = 7

BACKGROUND = 1.0
REACH = 2.0
"""Training rows that are made up, as a share of the real ones, and how far they reach beyond the largest logarithm.

A forest only splits between values it has seen: to it sixty hosts are no further out than the most that training
held, and a feature that never varied is not looked at. So some real rows come again with one feature drawn at random
from a wider range. Thresholds are those of the real rows alone.
"""

PRIOR = 10
"""One failure out of one action is a share of 1 as well: shares are weighed as if ten good actions stood beside."""

SHARES = np.array([unit == "share" for unit in FEATURES.values()])
EVENTS = NAMES.index("events")


class TooFewWindowsError(HamrongError):
    """The lake does not hold enough history yet."""


@dataclass(frozen=True)
class Forest:
    """What is usual for one entity type."""

    trees: IsolationForest
    rows: int
    threshold: float
    highest: float
    """The highest score of a training window; what lies above is unlike anything in training."""
    median: tuple[float, ...]
    p99: tuple[float, ...]


@dataclass(frozen=True)
class Model:
    forests: dict[str, Forest]
    window_seconds: int
    since: datetime
    until: datetime
    version: str


@dataclass(frozen=True)
class Carried:
    """A feature's part in a score."""

    name: str
    value: float
    median: float
    p99: float
    share: float
    """Of what the score would fall by, were each feature as usual; 0-1."""


def fit(rows: pa.Table, window_seconds: int, contamination: float, since: datetime, until: datetime) -> Model:
    """A forest for each entity type that has MIN_ROWS windows; the same rows in any order give the same model.

    Raises TooFewWindowsError when no type has.
    """
    forests = {}
    counts = {}
    for entity_type in ENTITIES:
        values = matrix(rows.filter(pc.equal(rows["entity_type"], entity_type)))
        counts[entity_type] = len(values)
        if len(values) >= MIN_ROWS:
            forests[entity_type] = _fit(values, contamination)
    if not forests:
        seen = ", ".join(f"{count} of {entity_type}" for entity_type, count in counts.items())
        raise TooFewWindowsError(
            f"too few windows between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC to learn what is usual: "
            f"{seen}, at least {MIN_ROWS} of one kind are needed; let the stream run longer, then train again"
        )
    return Model(forests, window_seconds, since, until, version=f"{until:%Y%m%dT%H%M%SZ}")


def _fit(values: Floats, contamination: float) -> Forest:
    # A forest draws rows by their place: sorted, so that the place does not depend on how Spark shuffled.
    values = values[np.lexsort(values.T)]
    real = _view(values)
    trees = IsolationForest(n_estimators=TREES, random_state=SEED).fit(np.vstack([real, _background(real)]))
    scores = -trees.score_samples(real)
    median, p99 = np.quantile(values, [0.5, 0.99], axis=0)
    return Forest(
        trees=trees,
        rows=len(values),
        threshold=float(np.quantile(scores, 1 - contamination)),
        highest=float(scores.max()),
        median=tuple(median.tolist()),
        p99=tuple(p99.tolist()),
    )


def _background(real: Floats) -> Floats:
    random = np.random.default_rng(SEED)
    rows = random.choice(real, size=int(len(real) * BACKGROUND))
    reach = np.where(SHARES, np.log(2), REACH * np.maximum(real.max(axis=0), np.log1p(PRIOR)))
    columns = random.integers(0, real.shape[1], len(rows))
    rows[np.arange(len(rows)), columns] = random.uniform(0, reach[columns])
    return rows


def _view(values: Floats) -> Floats:
    """What the trees see: logarithms, so that ten against a hundred is as far as a hundred against a thousand."""
    events = values[:, [EVENTS]]
    return np.log1p(np.where(SHARES, values * events / (events + PRIOR), values))


def score(model: Model, rows: pa.RecordBatch | pa.Table) -> Floats:
    """A score a row; NaN where the model has no forest for the entity type."""
    scores = np.full(rows.num_rows, np.nan)
    values = matrix(rows)
    for forest, places in _by_forest(model, rows):
        scores[places] = _score(forest, values[places])
    return scores


def flagged(model: Model, rows: pa.RecordBatch | pa.Table, scores: Floats) -> npt.NDArray[np.bool_]:
    """Which rows lie above their forest's threshold."""
    above = np.zeros(rows.num_rows, dtype=bool)
    for forest, places in _by_forest(model, rows):
        above[places] = scores[places] > forest.threshold
    return above


def explain(model: Model, rows: pa.RecordBatch | pa.Table) -> list[list[Carried]]:
    """For each row the features that carried its score, greatest share first; empty without a forest.

    A feature's share is by how much the score falls when that feature alone is put back to its usual value.
    """
    explained: list[list[Carried]] = [[] for _ in range(rows.num_rows)]
    values = matrix(rows)
    for forest, places in _by_forest(model, rows):
        for place, carried in zip(places, _explain(forest, values[places]), strict=True):
            explained[place] = carried
    return explained


def _explain(forest: Forest, values: Floats) -> list[list[Carried]]:
    count, width = values.shape
    changed = np.repeat(values[np.newaxis], width, axis=0)
    for place, usual in enumerate(forest.median):
        changed[place, :, place] = usual
    falls = _score(forest, values) - _score(forest, changed.reshape(width * count, width)).reshape(width, count)
    falls = np.maximum(falls, 0)
    shares = falls / np.maximum(falls.sum(axis=0), np.finfo(float).tiny)
    return [
        [
            Carried(NAMES[place], row[place], forest.median[place], forest.p99[place], float(part[place]))
            for place in np.argsort(-part, kind="stable")
            if part[place] > 0
        ]
        for row, part in zip(values.tolist(), shares.T, strict=True)
    ]


def _score(forest: Forest, values: Floats) -> Floats:
    if not len(values):
        return np.empty(0)
    scores: Floats = -forest.trees.score_samples(_view(values))
    return scores


def _by_forest(model: Model, rows: pa.RecordBatch | pa.Table) -> list[tuple[Forest, npt.NDArray[np.int64]]]:
    types = rows.column("entity_type").to_numpy(zero_copy_only=False) if rows.num_rows else np.empty(0, object)
    found = [(forest, np.flatnonzero(types == entity_type)) for entity_type, forest in model.forests.items()]
    return [(forest, places) for forest, places in found if len(places)]


def matrix(rows: pa.RecordBatch | pa.Table) -> Floats:
    """The feature columns side by side: shape (rows, features)."""
    columns: list[Any] = [rows.column(name).to_numpy(zero_copy_only=False) for name in NAMES]
    return np.column_stack(columns).astype(np.float64) if rows.num_rows else np.empty((0, len(NAMES)))
