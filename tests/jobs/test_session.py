"""What the parent of Spark's workers is told: the same detection settings as the jobs have."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hamrong import config
from hamrong.config import Detection
from jobs.session import _preloaded


def test_the_workers_parent_has_the_settings_of_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed: dict[str, object] = {}
    for number, field in enumerate(dataclasses.fields(Detection)):
        value = getattr(Detection(), field.name)
        match value:
            case (str(), *_):
                changed[field.name] = ("a", "b")
            case tuple():
                changed[field.name] = (tmp_path / "a", tmp_path / "b")
            case Path():
                changed[field.name] = tmp_path / field.name
            case str():
                changed[field.name] = f"file:///{field.name} s3://b/c"
            case _:
                changed[field.name] = type(value)(number + 2)
    # What was added is among the rules once it is there.
    (tmp_path / "added" / "community").mkdir(parents=True)
    changed["rules"] = (tmp_path / "a", tmp_path / "added")
    detection = Detection(**changed)  # type: ignore[arg-type]
    variables = {
        name.removeprefix("spark.executorEnv."): value
        for name, value in _preloaded(detection).items()
        if name.startswith("spark.executorEnv.")
    }
    assert config.load(environment=variables).detection == detection


def test_no_folders_of_rules_stay_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(environment={"HAMRONG_DETECTION_RULES": ""}).detection.rules == ()
