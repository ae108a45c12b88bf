"""The stored model: without pickle, whole at every moment, refused when altered."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import orjson
import pyarrow as pa
import pytest

from detectors.anomaly import store
from detectors.anomaly.features import NAMES
from detectors.anomaly.forest import Model, fit, score
from hamrong.errors import HamrongError

pytestmark = pytest.mark.slow

ROWS = pa.table(
    {
        "entity_type": ["source.ip"] * 120,
        **{name: np.random.default_rng(2).integers(0, 50, 120).astype(float) for name in NAMES},
    }
)


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(ROWS, 3600, 0.01, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))


def test_what_is_loaded_scores_as_what_was_saved(model: Model, tmp_path: Path) -> None:
    store.save(model, tmp_path)
    loaded = store.load(tmp_path)
    assert loaded is not None
    assert (score(loaded, ROWS) == score(model, ROWS)).all()
    forest, before = loaded.forests["source.ip"], model.forests["source.ip"]
    assert dataclasses.replace(forest, trees=None) == dataclasses.replace(before, trees=None)
    assert (loaded.window_seconds, loaded.since, loaded.until) == (3600, model.since, model.until)
    assert store.load(tmp_path) is loaded, "the same header must not be read twice"


def test_no_pickle_is_in_the_file(model: Model, tmp_path: Path) -> None:
    store.save(model, tmp_path)
    [file] = tmp_path.glob("*.skops")
    with ZipFile(file) as archive:
        assert {Path(name).suffix for name in archive.namelist()} <= {".json", ".npy", ".npz"}


def test_no_model_is_none(tmp_path: Path) -> None:
    assert store.load(tmp_path) is None
    assert store.load(tmp_path / "absent") is None


def test_a_new_model_is_seen_and_the_one_before_stays_for_late_readers(model: Model, tmp_path: Path) -> None:
    for version in ("1", "2", "3"):
        store.save(dataclasses.replace(model, version=version), tmp_path)
        loaded = store.load(tmp_path)
        assert loaded is not None
        assert loaded.version == version
    assert len(list(tmp_path.glob("*.skops"))) <= 2


def test_a_reader_sees_a_whole_model_at_every_moment(model: Model, tmp_path: Path) -> None:
    store.save(model, tmp_path)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            store.save(dataclasses.replace(model, version=str(number)), tmp_path)

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    try:
        for _ in range(20):
            loaded = store.load(tmp_path)
            assert loaded is not None
            assert len(score(loaded, ROWS)) == 120
            seen.add(loaded.version)
    finally:
        stop.set()
        writer.join()
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder, file: (folder / store.HEADER).write_bytes(b"{"), "is not JSON"),
        (lambda folder, file: (folder / store.HEADER).write_bytes(b'{"format": 0}'), "another version of hamrong"),
        (lambda folder, file: file.write_bytes(file.read_bytes()[:-1]), "is not the file that"),
        (lambda folder, file: file.unlink(), "which is missing"),
    ],
)
def test_damage_is_a_sentence(model: Model, tmp_path: Path, damage: object, sentence: str) -> None:
    store.save(model, tmp_path)
    [file] = tmp_path.glob("*.skops")
    damage(tmp_path, file)  # type: ignore[operator]
    with pytest.raises(HamrongError, match=rf"{sentence}.*hamrong train"):
        store.load(tmp_path)


def test_a_tree_that_points_outside_itself_is_refused(model: Model, tmp_path: Path) -> None:
    """Scoring follows a tree's node numbers without a look: a wrong one reads memory that is not the model's."""
    trees = {"source.ip": fit(ROWS, 3600, 0.01, model.since, model.until).forests["source.ip"].trees}
    tree = trees["source.ip"].estimators_[3].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = tree.node_count + 1_000_000
    tree.__setstate__(state)
    broken = dataclasses.replace(
        model, forests={"source.ip": dataclasses.replace(model.forests["source.ip"], trees=trees["source.ip"])}
    )
    store.save(broken, tmp_path)
    with pytest.raises(HamrongError, match="broken tree"):
        store.load(tmp_path)


def test_the_header_can_be_read_by_a_person(model: Model, tmp_path: Path) -> None:
    header = orjson.loads(store.save(model, tmp_path).read_bytes())
    assert header["features"] == list(NAMES)
    assert header["forests"]["source.ip"]["rows"] == 120
    assert header["forests"]["source.ip"]["usual"]["paths"]["p99"] == pytest.approx(
        np.quantile(ROWS["paths"].to_numpy(), 0.99)
    )
