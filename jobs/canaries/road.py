"""road: what the jobs do with the lines of canaries.

In:   batches of `ingest.event.RAW`; events, matches and alerts of canaries
Out:  what came of them in `soc-canaries`; the matches that correlations have to count

They are read, matched and made alerts of like any line, by the same functions. They are no events of the lake, their
alerts are not the analysts', and a correlation counts each canary apart from all else (`key`).

Promise: ids are made of the canary and of its first line, so a replay changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from detectors.sigma.ruleset import Ruleset
from ingest.event import TEXT
from jobs.alerts import batch_rows
from jobs.canaries import BEAT, PREFIX, Name, name

if TYPE_CHECKING:
    from jobs.sinks.opensearch import Outlet

Document = dict[str, Any]

log = logging.getLogger(__name__)


def parted(lines: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Everybody's lines, and those of canaries."""
    of_canary = pc.starts_with(lines.column("id"), PREFIX).fill_null(False)
    if not of_canary.true_count:
        return lines, lines.slice(0, 0)
    return lines.filter(pc.invert(of_canary)), lines.filter(of_canary)


@contextlib.contextmanager
def off_the_account(ruleset: Ruleset) -> Iterator[None]:
    """What is matched inside is no cost and no match of any rule."""
    before = ruleset.ledger.take()
    try:
        yield
    finally:
        ruleset.ledger.take()
        ruleset.ledger.join(before)


def answer(
    events: pa.RecordBatch,
    matches: pa.RecordBatch,
    ruleset: Ruleset,
    documents: Callable[[pa.RecordBatch], list[Document]],
    outlet: Outlet,
) -> pa.RecordBatch:
    """Tells what came of canaries' lines; returns the matches that the lake must hold for correlations to count, and to
    know the time."""
    of_lines = matches.column("event").field("event").field("id")
    by_canary = _by_name(of_lines)
    rules = matches.column("rule_id").to_pylist()
    alerts = []
    # Each canary by itself: two of them may look like one and the same attack.
    for one, mine in by_canary.items():
        if own := [row for row in mine if rules[row] == one.rule]:
            alerts += documents(batch_rows(matches.take(pa.array(own))))
    outlet.send(alerts)
    outlet.trace(_traces(events, matches, by_canary, ruleset))
    counted = _counted(matches, by_canary, ruleset)
    return pa.concat_batches([counted, _beats(events, counted.schema)])


def _beats(events: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Matches of no rule, with the event that tells the time."""
    beats = events.filter(pc.equal(events.column("event").field("id"), BEAT.line_id(0)))
    columns = {"at": beats.column("@timestamp"), "event": beats.to_struct_array()}
    absent = (columns.get(field.name, pa.nulls(beats.num_rows, field.type)) for field in schema)
    return pa.RecordBatch.from_arrays(list(absent), schema=schema)


def _counted(matches: pa.RecordBatch, by_canary: dict[Name, list[int]], ruleset: Ruleset) -> pa.RecordBatch:
    """Those of canaries of correlations, as matches that raise no alert of their own."""
    correlations = {correlation.id for correlation in ruleset.correlations}
    rows = sorted(row for one, mine in by_canary.items() if one.rule in correlations for row in mine)
    kept = matches.take(pa.array(rows, pa.int64()))
    at = kept.schema.get_field_index("alert_id")
    return kept.set_column(at, kept.schema.field(at), pa.nulls(kept.num_rows, TEXT))


def _traces(
    events: pa.RecordBatch, matches: pa.RecordBatch, by_canary: dict[Name, list[int]], ruleset: Ruleset
) -> list[Document]:
    """One document a canary: how many of its lines were read, and which rules matched them."""
    event = events.column("event")
    kinds, ids = event.field("kind").to_pylist(), event.field("id")
    errors = events.column("error").field("message").to_pylist()
    rules = matches.column("rule_id").to_pylist()
    known = {rule.id for rule in (*ruleset.rules, *ruleset.correlations)}
    found = []
    for one, rows in _by_name(ids).items():
        if one == BEAT:
            continue
        state = "live" if one.rule in known else "unknown"
        trace = {
            "kind": "trace",
            "run": one.run,
            "lines": len(rows),
            "parsed": sum(kinds[row] != "pipeline_error" for row in rows),
            "error": next((errors[row] for row in rows if errors[row]), ""),
            "matched": sorted({rules[row] for row in by_canary.get(one, ())}),
            "state": "quarantined" if one.rule in ruleset.suspended else state,
            "ruleset": ruleset.version,
        }
        found.append({"id": f"trace {ids[rows[0]]}", "rule": {"id": one.rule}, "soc": {"canary": trace}})
    return found


def of_alert(document: Document) -> Name | None:
    """The canary that an alert document is of."""
    evidence: Sequence[Document] = document["soc"]["alert"]["evidence"]
    return name(evidence[0].get("event", {}).get("id")) if evidence else None


def answers(documents: Sequence[Document]) -> list[Document]:
    """Alerts of canaries -> what `soc-canaries` keeps of those of their own rules."""
    found = []
    for document in documents:
        one = of_alert(document)
        if one and document["rule"]["id"] == one.rule:
            alert = {name: document["soc"]["alert"][name] for name in ("id", "reason_vi", "count", "ruleset")}
            content = {"canary": {"kind": "alert", "run": one.run}, "alert": alert}
            found.append({"id": f"alert {one.run} {one.rule}", "rule": {"id": one.rule}, "soc": content})
    return found


def put(client: OpenSearch, documents: Sequence[Document], index: str) -> None:
    """Writes traces or answers. What is not taken is logged, and the canary is then missed: no line waits for it."""
    now = datetime.now(UTC).isoformat()
    actions = (
        {
            "_index": index,
            "_id": hashlib.sha256(document["id"].encode()).hexdigest()[:32],
            "_source": {"@timestamp": now, **{name: value for name, value in document.items() if name != "id"}},
        }
        for document in documents
    )
    _, refused = bulk(client, actions, raise_on_error=False, raise_on_exception=False)
    if refused:
        log.warning("%d answers of canaries are not in %s: %.500s", len(refused), index, refused[0])


def key(event_id: str | None) -> str:
    """By what a correlation keeps a canary's matches apart; "" for everybody else's."""
    one = name(event_id)
    return f"{one.run}/{one.rule}" if one else ""


def _by_name(ids: pa.Array) -> dict[Name, list[int]]:
    """The rows of each canary."""
    rows: dict[Name, list[int]] = {}
    for row, event_id in enumerate(ids.to_pylist()):
        if one := name(event_id):
            rows.setdefault(one, []).append(row)
    return rows
