"""raw_cases: proposed events as cases, as raw lines where a parser can be read backwards.

In:   what `detectors.sigma.witness.propose` proposes for a rule
Out:  cases as JSON has them, with a `line` if the real parsers and the matcher bear it out, else with the `event`
Docs: docs/reference/sigma.md, Cases

A writer proposes a line of one form for an event, or none; it need not be careful, since every line is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pyarrow as pa

from detectors.sigma.case_file import RECEIVED
from detectors.sigma.cases import Parse
from detectors.sigma.columns import Columns
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness.propose import Proposed
from hamrong.line_writers import WRITERS


def cases(ruleset: Ruleset, number: int, proposed: Proposed, parse: Parse) -> list[dict[str, Any]]:
    """In the order of the proposals, all lines of the one form in which the rule fires."""
    if not proposed.events:
        return []
    ways = list(ruleset.taxonomy.telling(ruleset.rules[number].logsource)) or [{}]
    best: dict[int, str] = {}
    for write, telling in product(WRITERS, ways):
        lines = [write(one.event, telling) for one in proposed.events]
        if lines[0] is not None:
            proved = _proved(ruleset, number, proposed, lines, parse)
            best = proved if len(proved) > len(best) else best
    return [
        {"name": one.name, "fires": one.fires, **({"line": best[at]} if at in best else {"event": one.event})}
        for at, one in enumerate(proposed.events)
    ]


def _proved(
    ruleset: Ruleset, number: int, proposed: Proposed, lines: Sequence[str | None], parse: Parse
) -> dict[int, str]:
    """The lines that come out as they must, by their place; none if the first, on which the rule fires, does not.

    A line that no parser understands is quiet for a bad reason: all must be of the data set of the first.
    """
    written = {at: line for at, line in enumerate(lines) if line is not None}
    events = parse([line.encode() for line in written.values()], [RECEIVED] * len(written), None)
    matches = ruleset.match(events)
    fired = {
        row for row, rule in zip(matches["row"].to_pylist(), matches["rule"].to_pylist(), strict=True) if rule == number
    }
    kinds = _kinds(events)
    proved = {
        at: line
        for row, (at, line) in enumerate(written.items())
        if (row in fired) is proposed.events[at].fires and kinds[row] == kinds[0]
    }
    return proved if 0 in proved else {}


def _kinds(events: pa.RecordBatch) -> list[tuple[str | None, str | None]]:
    # A column that is null in every row is not there.
    arrays = [Columns(events).array(name) for name in ("event.kind", "event.dataset")]
    told = ([None] * events.num_rows if array is None else array.to_pylist() for array in arrays)
    return list(zip(*told, strict=True))
