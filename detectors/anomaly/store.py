"""store: the model on disk, without pickle.

In:   a `Model`
Out:  `isolation-forest.json` (what was learned, when, from what) and the `.skops` file that it names, in one folder
Docs: skops.io "secure persistence"; docs/decisions/0005-anomaly.md

The header is replaced in one step and names its file by content, so a reader sees the old model or the new one, never
half of each. The file before stays, for readers that had just read the old header.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import skops.io
from sklearn.ensemble import IsolationForest

from detectors.anomaly.features import NAMES
from detectors.anomaly.forest import Forest, Model
from hamrong.errors import HamrongError

FORMAT = 1
HEADER = "isolation-forest.json"
TRUSTED = ["sklearn.tree._tree.Tree"]
"""The one type that skops asks about: its node indices are used without a bounds check, so `_check` looks at them."""


def save(model: Model, folder: Path) -> Path:
    """Write the model; returns its header's path. Whoever reads meanwhile sees a whole model."""
    folder.mkdir(parents=True, exist_ok=True)
    before = current_file(folder)
    content = skops.io.dumps({name: forest.trees for name, forest in model.forests.items()})
    digest = hashlib.sha256(content).hexdigest()
    file = folder / f"isolation-forest-{digest[:16]}.skops"
    _replace(file, content)
    header = {
        "format": FORMAT,
        "file": file.name,
        "sha256": digest,
        "version": model.version,
        "window_seconds": model.window_seconds,
        "since": model.since,
        "until": model.until,
        "features": NAMES,
        "forests": {name: _described(forest) for name, forest in model.forests.items()},
    }
    _replace(folder / HEADER, orjson.dumps(header, option=orjson.OPT_INDENT_2))
    for old in folder.glob("isolation-forest-*.skops"):
        if old not in (file, before):
            old.unlink(missing_ok=True)
    return folder / HEADER


def _described(forest: Forest) -> dict[str, Any]:
    return {
        "rows": forest.rows,
        "threshold": forest.threshold,
        "highest": forest.highest,
        "usual": {
            name: {"median": median, "p99": p99}
            for name, median, p99 in zip(NAMES, forest.median, forest.p99, strict=True)
        },
    }


def load(folder: Path) -> Model | None:
    """The model, or None when there is none yet. The same object again as long as the header is the same.

    Raises HamrongError when what lies there is not a model of this version, or was altered.
    """
    try:
        header = (folder / HEADER).read_bytes()
    except FileNotFoundError:
        return None
    return _load(folder, header)


@lru_cache(maxsize=2)
def _load(folder: Path, content: bytes) -> Model:
    path = folder / HEADER
    header = _header(path, content)
    file = folder / header["file"]
    try:
        stored = file.read_bytes()
    except FileNotFoundError as error:
        raise HamrongError(f"{path}: names {file.name}, which is missing; run: hamrong train") from error
    if hashlib.sha256(stored).hexdigest() != header["sha256"]:
        raise HamrongError(f"{file}: is not the file that {HEADER} describes; run: hamrong train")
    trees = skops.io.loads(stored, trusted=TRUSTED)
    for forest in trees.values():
        _check(forest, file)
    return Model(
        forests={name: _forest(trees[name], described) for name, described in header["forests"].items()},
        window_seconds=header["window_seconds"],
        since=datetime.fromisoformat(header["since"]),
        until=datetime.fromisoformat(header["until"]),
        version=header["version"],
    )


def _check(forest: IsolationForest, file: Path) -> None:
    """Raises HamrongError when a node points outside its tree: scoring would read memory that is not its own."""
    for estimator in forest.estimators_:
        tree = estimator.tree_
        nodes = np.arange(tree.node_count)
        leaf = tree.children_left == -1
        inside = (tree.children_left > nodes) & (tree.children_right > nodes)
        inside &= (tree.children_left < tree.node_count) & (tree.children_right < tree.node_count)
        inside &= (tree.feature >= 0) & (tree.feature < len(NAMES))
        if not np.all(np.where(leaf, tree.children_right == -1, inside)):
            raise HamrongError(f"{file}: holds a broken tree; run: hamrong train")


def _header(path: Path, content: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise HamrongError(f"{path}: is not JSON ({error}); run: hamrong train") from error
    if header.get("format") != FORMAT or tuple(header["features"]) != NAMES:
        raise HamrongError(f"{path}: was written by another version of hamrong; run: hamrong train")
    return header


def _forest(trees: Any, described: dict[str, Any]) -> Forest:
    usual = [described["usual"][name] for name in NAMES]
    return Forest(
        trees=trees,
        rows=described["rows"],
        threshold=described["threshold"],
        highest=described["highest"],
        median=tuple(each["median"] for each in usual),
        p99=tuple(each["p99"] for each in usual),
    )


def current_file(folder: Path) -> Path | None:
    """The model file that the header names now."""
    try:
        return folder / str(orjson.loads((folder / HEADER).read_bytes())["file"])
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None


def _replace(path: Path, content: bytes) -> None:
    """Write `path` in one step, on disk before it is seen."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, 0o644)
    Path(temporary).replace(path)
