"""An empty folder for rules."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HAMRONG_DETECTION_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rules").mkdir()
    return tmp_path / "rules"
