"""sample_kinds: what the parsers could give, by the sample lines beside them.

In:   `ingest/parsers/*.log`; how lines become events
Out:  for each parser, and each module, the kinds of its events and the columns that they hold

For an installation without a lake, and to say which rules should look at the events of a shared system: the register
names its parsers.
"""

from __future__ import annotations

from pathlib import Path

from detectors.sigma.case_file import RECEIVED
from detectors.sigma.cases import Parse
from detectors.sigma.columns import Columns
from detectors.sigma.taxonomy import Membership, Taxonomy
from ingest import parsers
from ingest.event import nest
from jobs.dead_rules import learn

Kinds = dict[Membership, set[str]]

_FOLDER = Path(str(parsers.__file__)).parent


def read(parse: Parse, taxonomy: Taxonomy) -> dict[str, Kinds]:
    """By the names that the register gives to parsers: a file's or a module's."""
    files = {path.stem: path.read_bytes().splitlines() for path in sorted(_FOLDER.glob("*.log"))}
    lines = [line for its in files.values() for line in its]
    events = parse(lines, [RECEIVED] * len(lines), None)
    module = Columns(events).array("event.module")
    assert module is not None, "no sample is understood by any parser"
    stems = (stem for stem, its in files.items() for _ in its)
    rows: dict[str, list[int]] = {}
    for row, (stem, name) in enumerate(zip(stems, module.to_pylist(), strict=True)):
        for called in {stem, name or stem}:
            rows.setdefault(called, []).append(row)
    found: dict[str, Kinds] = {}
    for called, places in sorted(rows.items()):
        learn(nest(events.take(places)), taxonomy, found.setdefault(called, {}))
    return found
