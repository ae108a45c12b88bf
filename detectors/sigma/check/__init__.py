"""check: what is wrong with rules and what is doubtful about them.

In:   a Ruleset and the files that it was made of
Out:  `Doubt`s, by path and line
May import what `detectors.sigma` may.

One kind of doubt a module: `fields`, `logic`, `twins`, `engines`, `exceptions` look at the loaded set, `writing` at
each file as it is written (and remembers what it found), `conventions` at what we ask of our own rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detectors.sigma import rule_files
from detectors.sigma.check import conventions, engines, exceptions, fields, logic, twins, writing
from detectors.sigma.check.doubt import Doubt
from detectors.sigma.ruleset import Ruleset


def check(ruleset: Ruleset, paths: Sequence[Path], cache: Path | None = None, *, cases: bool = False) -> list[Doubt]:
    """Everything at once. `cases`: all rules count as our own, whether cases lie beside them or not."""
    files, _, _ = rule_files.files(paths)
    own = {path for path, _ in files} if cases else conventions.own([path for path, _ in files], paths)
    found = [
        *(Doubt(problem, "fault") for problem in ruleset.problems),
        *(Doubt(problem, "refused") for problem in ruleset.refused),
        *fields.doubts(ruleset),
        *logic.doubts(ruleset),
        *twins.doubts(ruleset),
        *engines.doubts(ruleset),
        *exceptions.doubts(ruleset, own),
        *writing.doubts(files, own, cache),
        *conventions.doubts(ruleset, own),
    ]
    return sorted(set(found))
