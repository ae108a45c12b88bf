"""rule_set: the rules of this installation, as the commands load them.

In:   the detection settings, and perhaps other paths
Out:  a `Ruleset` with whatever can be loaded; its problems are for the command to tell
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from detectors.sigma.lists import FOLDER
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Detection

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""Where the days of filters begin and end."""


def load(detection: Detection, paths: Sequence[Path] = (), lists: Sequence[Path] = ()) -> Ruleset:
    """The rules of `paths`, else the configured ones. A single file, too, finds the lists of the configured rules."""
    every = [*lists_of(detection), *lists]
    return Ruleset.load(paths or detection.rules, detection.cache, strict=False, lists=every, today=today())


def lists_of(detection: Detection) -> list[Path]:
    """The folders of value lists beside the configured rules."""
    return [path / FOLDER for path in detection.rules]


def today() -> date:
    """The day it is where the filters were written."""
    return datetime.now(ZONE).date()
