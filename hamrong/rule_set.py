"""rule_set: the rules of this installation, as the commands load them.

In:   the detection settings, and perhaps other paths
Out:  a `Ruleset` with whatever can be loaded; its problems are for the command to tell
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detectors.sigma.lists import FOLDER
from detectors.sigma.ruleset import Ruleset
from hamrong.config import Detection
from hamrong.zone import today

FRESH = 4
"""Rules from elsewhere that were brought fewer times `fetch_seconds` ago than this are not brought anew: the streams,
where they run, have just done it."""


def load(detection: Detection, paths: Sequence[Path] = (), lists: Sequence[Path] = ()) -> Ruleset:
    """The rules of `paths`, else the configured ones. A single file, too, finds the lists of the configured rules."""
    every = [*lists_of(detection), *lists]
    return Ruleset.load(paths or folders(detection), detection.cache, strict=False, lists=every, today=today())


def folders(detection: Detection) -> tuple[Path, ...]:
    """Every place of rules: `detection.rules`, and `rules_from` as it is brought here. Raises HamrongError when one of
    these can't be had."""
    if not detection.rules_from:
        return own(detection)
    from jobs.reload import mirrors

    seconds = FRESH * detection.fetch_seconds
    brought = (mirrors.current(uri, detection.cache, seconds) for uri in detection.rules_from.split())
    return (*own(detection), *brought)


def own(detection: Detection) -> tuple[Path, ...]:
    """The places of rules on this machine: what was added since the process started is among them."""
    if detection.added in detection.rules or not any(child.is_dir() for child in detection.added.glob("*")):
        return detection.rules
    return (*detection.rules, detection.added)


def lists_of(detection: Detection) -> list[Path]:
    """The folders of value lists beside the configured rules; of rules from elsewhere, as they were brought last."""
    places: list[Path | None] = [*own(detection)]
    if detection.rules_from:
        from jobs.reload import mirrors

        places += [mirrors.mirror(uri, detection.cache).last() for uri in detection.rules_from.split()]
    return [path / FOLDER for path in places if path]
