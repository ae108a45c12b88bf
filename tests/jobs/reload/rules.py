"""Small sets of rules on disk, and events for them."""

from __future__ import annotations

import dataclasses
import uuid
from pathlib import Path

import pyarrow as pa

from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config, Detection

RULE = """title: says {word}
id: {identity}
status: {status}
level: low
logsource: {{product: linux}}
detection:
  selection:
    Word: {word}
  condition: selection
"""


def detection(cfg: Config, folder: Path, **changes: object) -> Detection:
    """Settings with `folder` as the rules and nothing shared with other tests."""
    changes = {"rules": (folder,), "cache": folder.parent / "cache", **changes}
    return dataclasses.replace(cfg.detection, **changes)  # type: ignore[arg-type]


def write(folder: Path, word: str, status: str = "test") -> Path:
    """A rule that matches events whose `Word` is this one."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{word}.yml"
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, word)
    file.write_text(RULE.format(word=word, status=status, identity=identity), encoding="utf-8")
    return file


def words(ruleset: Ruleset, *said: str) -> list[str]:
    """Which of these words a rule of the set matches."""
    batch = pa.RecordBatch.from_pydict({"product": ["linux"] * len(said), "Word": list(said)})
    return [said[row] for row in ruleset.match(batch).column("row").to_pylist()]
