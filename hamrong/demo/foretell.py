"""foretell: which line of a replay raises which alert, by the offline path.

In:   lines in the order of sending
Out:  (rule, entity) -> the number of the line that completes it

The demo measures from that line on. And as the offline path shares no process with the stream, agreement of the two
is a check on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detectors.grouping import attribute, of_firings
from detectors.sigma.occurrences import correlate
from detectors.sigma.raw_lines import raw_batch
from hamrong.config import Detection
from ingest.parse import parse
from jobs import loaded

Raised = tuple[str, str]
"""Rule id and value of the entity."""


def raised(lines: Sequence[bytes], received: datetime, detection: Detection) -> dict[Raised, int]:
    """Every alert that Sigma rules and correlations raise for these lines, with the first line that suffices."""
    register, ruleset = loaded.register(detection), loaded.ruleset(detection)
    events = parse(raw_batch(lines, 0, received), register)
    matches = ruleset.match(events)
    found: dict[Raised, int] = {}
    for row, its in enumerate(attribute(events, matches, ruleset.rules).to_pylist()):
        for match in its:
            if match["alert_id"]:
                found.setdefault((match["rule_id"], match["entity_value"]), row)
    inputs = ruleset.correlation_inputs(ruleset.matched_ids(matches), events.take(matches["row"]))
    for correlation, group, firing in correlate(ruleset.correlations, inputs):
        for alert in of_firings(correlation, group, [firing]):
            key, row = (correlation.id, alert["entity_value"]), int(firing.event_ids[-1])
            found[key] = min(row, found.get(key, row))
    return found
