"""raised: alerts that were counted up -> their documents, the same way in the stream and in a scan.

In:   rows of ALERT, the rules that raised them, and what tells an asset's level
Out:  documents (`detectors.alert`)
Docs: docs/decisions/0006-alerts.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from detectors.alert import Seen, Source, document
from detectors.grouping import MATCH
from detectors.sigma.lifecycle import RETIRED, SHADOW
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from ingest.event import TEXTS, TIMESTAMP

IDENTITY = tuple(MATCH.names)

ALERT = pa.schema(
    [
        *MATCH,
        pa.field("count", pa.int64()),
        pa.field("first_seen", TIMESTAMP),
        pa.field("last_seen", TIMESTAMP),
        pa.field("samples", TEXTS),
    ]
)
"""An alert before it is a document; `samples` are events as JSON, oldest first."""

AssetLevel = Callable[[Iterable[str | None]], int]
"""The asset level of the systems of these names: `Register.asset_level`."""


def documents(
    rows: Iterable[Mapping[str, Any]], ruleset: Ruleset, asset_level: AssetLevel, now: datetime
) -> list[dict[str, Any]]:
    """The documents of these rows of ALERT, raised at `now`.

    A rule that was taken out of the set while its matches were still counted says nothing more: its alerts stay as
    they are.
    """
    known: dict[str, Rule | Correlation] = {rule.id: rule for rule in ruleset.rules}
    known |= {correlation.id: correlation for correlation in ruleset.correlations}
    return [
        document(source(rule, ruleset.version), seen(row, asset_level), now)
        for row in rows
        if (rule := known.get(row["rule_id"])) and rule.status not in RETIRED
    ]


def source(rule: Rule | Correlation, version: str) -> Source:
    return Source(
        id=rule.id,
        title=rule.title,
        level=rule.level,
        detector="correlation" if isinstance(rule, Correlation) else "sigma",
        status=rule.status,
        description=rule.description,
        author=rule.author,
        tags=rule.tags,
        references=rule.references,
        reason=rule.reason,
        reason_vi=rule.reason_vi,
        runbook=rule.runbook,
        ruleset=version,
        shadow=rule.status == SHADOW,
    )


def seen(row: Mapping[str, Any], asset_level: AssetLevel) -> Seen:
    samples = [orjson.loads(sample) for sample in row["samples"]]
    systems = [(sample.get("service") or {}).get("name") for sample in samples]
    values = {name: row[name] for name in (*IDENTITY[2:], "count", "first_seen", "last_seen")}
    return Seen(**values, samples=samples, asset_level=asset_level(systems))
