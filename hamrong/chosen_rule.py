"""chosen_rule: the rule that somebody means by its id, its name or its file.

In:   what was typed, and the rule set
Out:  the id of a rule or a correlation
"""

from __future__ import annotations

from pathlib import Path

from detectors.sigma.metadata import closest
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import HamrongError


def find(ruleset: Ruleset, written: str) -> str:
    """Raises HamrongError with the nearest name."""
    every = (*ruleset.rules, *ruleset.correlations)
    ids = {name: one.id for one in every for name in (one.name, one.id) if name}
    if written in ids:
        return ids[written]
    # Of a file with rules that only feed a correlation, the one that raises alerts is meant.
    inside = [one.id for one in every if one.generate and written in (one.path, Path(one.path).stem)]
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise HamrongError(f"'{written}' holds several rules (write the id: {', '.join(inside)})")
    near = closest(written, ids)
    hint = near if near.startswith("did") or len(ids) < 20 else "hamrong rules check names the files"
    raise HamrongError(f"no rule has the id or name '{written}' ({hint})")
