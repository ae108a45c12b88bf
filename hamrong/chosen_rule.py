"""chosen_rule: the rule that somebody means by its id, its name or its file.

In:   what was typed, and the rule set
Out:  the id of a rule or a correlation
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detectors.sigma.metadata import closest
from detectors.sigma.ruleset import Ruleset
from hamrong import rule_set
from hamrong.config import Detection
from hamrong.errors import HamrongError, InvalidFileError

SUFFIXES = (".yml", ".yaml")


def load(detection: Detection, written: str, paths: Sequence[Path]) -> tuple[Ruleset, str]:
    """The rules of `paths`, else the configured ones, and the id of the one that is meant. Its file need not be among
    the rules yet.

    Raises InvalidFileError when that file has a fault, HamrongError when there is no such rule.
    """
    file = Path(written)
    is_file = file.suffix in SUFFIXES and file.is_file()
    if is_file:
        places = paths or rule_set.folders(detection)
        is_there = any(place.resolve() in (file.resolve(), *file.resolve().parents) for place in places)
        paths = places if is_there else (*places, file)
    ruleset = rule_set.load(detection, paths)
    every = (*ruleset.problems, *ruleset.refused)
    if is_file and (faults := [one for one in every if Path(one.path).resolve() == file.resolve()]):
        raise InvalidFileError(faults)
    return ruleset, find(ruleset, written)


def find(ruleset: Ruleset, written: str) -> str:
    """Raises HamrongError with the nearest name."""
    every = (*ruleset.rules, *ruleset.correlations)
    ids = {name: one.id for one in every for name in (one.name, one.id) if name}
    if written in ids:
        return ids[written]
    # Of a file with rules that only feed a correlation, the one that raises alerts is meant.
    raising = [one for one in every if one.generate]
    inside = [one.id for one in raising if written == Path(one.path).stem]
    if written.endswith(SUFFIXES):
        inside = [one.id for one in raising if Path(one.path).resolve() == Path(written).resolve()]
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise HamrongError(f"'{written}' holds several rules (write the id: {', '.join(inside)})")
    near = closest(written, ids)
    hint = near if near.startswith("did") or len(ids) < 20 else "hamrong rules check names the files"
    raise HamrongError(f"no rule has the id or name '{written}' ({hint})")
