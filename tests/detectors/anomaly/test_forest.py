"""The model calls attacks unusual, busy and single-failure hours usual, and says which features carried it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.features import FEATURES, NAMES
from detectors.anomaly.forest import MIN_ROWS, Model, TooFewWindowsError, explain, fit, flagged, score

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
USUAL = {"events": 20, "paths": 4, "peers": 1, "hosts": 1, "services": 1, "bytes": 60_000}


def ordinary(count: int, seed: int = 1) -> dict[str, Any]:
    """Hours of web visitors: a few to some hundred lines, few failures, two hosts, one or two systems."""
    random = np.random.default_rng(seed)
    events = np.maximum(1, random.lognormal(2.5, 1.2, count)).astype(int)
    failures, errors = random.binomial(events, 0.04), random.binomial(events, 0.03)
    return {
        "events": events,
        "paths": np.minimum(events, random.poisson(np.sqrt(events))),
        "peers": random.integers(0, 3, count),
        "hosts": random.integers(1, 3, count),
        "services": random.integers(1, 3, count),
        "failures": failures,
        "failure_share": failures / events,
        "errors": errors,
        "error_share": errors / events,
        "bytes": events * random.lognormal(8, 1, count),
        "night_share": (random.random(count) < 0.1).astype(float),
    }


def table(columns: dict[str, Any], entity_type: str = "source.ip") -> pa.Table:
    rows = len(columns["events"])
    return pa.table({"entity_type": [entity_type] * rows, **{name: np.asarray(columns[name], float) for name in NAMES}})


def window(**values: float) -> pa.Table:
    return table({name: [{**USUAL, **values}.get(name, 0)] for name in NAMES})


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(table(ordinary(3000)), 3600, 0.005, SINCE, UNTIL)


ATTACKS = {
    "path scan": (
        {"events": 412, "paths": 400, "errors": 390, "error_share": 0.95},
        {"paths", "errors", "error_share"},
    ),
    "brute force": ({"events": 200, "paths": 0, "failures": 198, "failure_share": 0.99, "bytes": 0}, {"failure_share"}),
    "password spray": (
        {"events": 300, "paths": 0, "peers": 150, "failures": 300, "failure_share": 1, "bytes": 0},
        {"peers"},
    ),
    "host sweep": ({"events": 90, "paths": 0, "hosts": 60, "services": 8, "bytes": 90_000}, {"hosts", "services"}),
}
QUIET = {
    "busy but orderly": {
        "events": 150,
        "paths": 12,
        "failures": 6,
        "failure_share": 0.04,
        "errors": 3,
        "error_share": 0.02,
    },
    "one failed log-in": {"events": 1, "paths": 0, "failures": 1, "failure_share": 1, "bytes": 0},
    "one visit by night": {"night_share": 1},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_flagged_and_explained(model: Model, name: str) -> None:
    values, carriers = ATTACKS[name]
    rows = window(**values)
    assert flagged(model, rows, score(model, rows)).tolist() == [True]
    [carried] = explain(model, rows)
    assert carriers <= {feature.name for feature in carried[:5]}
    assert sum(feature.share for feature in carried) == pytest.approx(1)
    assert [feature.share for feature in carried] == sorted((feature.share for feature in carried), reverse=True)


@pytest.mark.parametrize("name", QUIET)
def test_ordinary_hours_are_not(model: Model, name: str) -> None:
    rows = window(**QUIET[name])
    assert flagged(model, rows, score(model, rows)).tolist() == [False]


def test_the_contamination_is_the_share_of_training_windows_above_the_threshold(model: Model) -> None:
    rows = table(ordinary(3000))
    assert flagged(model, rows, score(model, rows)).mean() == pytest.approx(0.005, abs=0.001)


def test_the_order_of_rows_does_not_change_the_model(model: Model) -> None:
    rows = table(ordinary(3000))
    shuffled = rows.take(np.random.default_rng(5).permutation(rows.num_rows))
    again = fit(shuffled, 3600, 0.005, SINCE, UNTIL)
    assert (score(again, rows) == score(model, rows)).all()
    assert again.forests["source.ip"].threshold == model.forests["source.ip"].threshold


def test_each_entity_type_is_held_against_its_own_kind() -> None:
    accounts = ordinary(200)
    accounts["hosts"] = accounts["hosts"] + 40
    both = pa.concat_tables([table(ordinary(200)), table(accounts, "user.name")])
    model = fit(both, 3600, 0.005, SINCE, UNTIL)
    assert model.forests["source.ip"].median[NAMES.index("hosts")] < 3
    assert model.forests["user.name"].median[NAMES.index("hosts")] > 40


def test_an_entity_type_without_a_forest_is_not_scored(model: Model) -> None:
    rows = table(ordinary(3), "user.name")
    scores = score(model, rows)
    assert np.isnan(scores).all()
    assert not flagged(model, rows, scores).any()
    assert explain(model, rows) == [[], [], []]


def test_too_few_windows_say_what_to_do() -> None:
    with pytest.raises(TooFewWindowsError, match=r"49 of source\.ip, 0 of user\.name, at least 50"):
        fit(table(ordinary(MIN_ROWS - 1)), 3600, 0.005, SINCE, UNTIL)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1e12), min_size=len(NAMES), max_size=len(NAMES)), max_size=8))
def test_any_window_has_a_score_and_an_explanation(model: Model, values: list[list[float]]) -> None:
    matrix = np.array(values).reshape(-1, len(NAMES))
    for place, unit in enumerate(FEATURES.values()):
        if unit == "share":
            matrix[:, place] = np.minimum(matrix[:, place], 1)
    rows = table({name: matrix[:, place] for place, name in enumerate(NAMES)})
    scores = score(model, rows)
    assert ((scores > 0) & (scores < 1)).all()
    assert all(sum(feature.share for feature in carried) <= 1 + 1e-9 for carried in explain(model, rows))
