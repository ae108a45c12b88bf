"""alert: the alert document, its identity and its risk.

In:   who raised it (`Source`), an entity, a window of event time, counts and sample events
Out:  one document per (rule, entity, window), nested ECS plus `soc.alert.*`
Docs: ECS field sets event, rule, threat, related; MITRE ATT&CK Enterprise tactics

An alert only ever grows: `count` and `last_seen` rise, `first_seen` falls, and whoever writes it sets values that are
larger, never adds. Two writers, a replay or a shuffled order therefore end in the same document.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from detectors.samples import bounded
from detectors.sigma import attack

SEVERITIES = ("informational", "low", "medium", "high", "critical")

# risk = points of the level x share of the asset level x confidence, 0-100. A critical rule of a stable detector on
# an asset of level 5 is 100; the same on a level-1 system is 60, below a high one on a level-4 system (69).
LEVEL_POINTS = {"informational": 10, "low": 30, "medium": 50, "high": 77, "critical": 100}
ASSET_SHARE = {1: 0.6, 2: 0.7, 3: 0.8, 4: 0.9, 5: 1.0}
CONFIDENCE = {"stable": 1.0, "test": 0.95, "experimental": 0.7, "deprecated": 0.5, "unsupported": 0.5}

SAMPLES = 5
SAMPLE_TEXT = 8_192
"""Characters of one value that a sample keeps: five whole megabyte lines would make an alert nobody can open."""

DOCUMENT_BYTES = 256 << 10
"""No line makes an alert that is larger as JSON (`detectors.samples`)."""
REASON_TEXT = 2_000


@dataclass(frozen=True)
class Source:
    """What raises an alert: a Sigma rule, a correlation or a model."""

    id: str
    title: str
    level: str
    detector: str
    """sigma, correlation or anomaly."""
    status: str = "test"
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    reason: str = ""
    """Template: `{count}`, `{entity}`, `{window}` and dotted ECS fields of the first sample in braces."""
    reason_vi: str = ""
    runbook: str = ""
    ruleset: str = ""
    """Version of the rule set or model that spoke."""
    shadow: bool = False
    """It is on trial: no analyst waits for its alerts (`detectors.sigma.lifecycle`)."""


@dataclass(frozen=True)
class Seen:
    """What a source saw of one entity in one window."""

    entity_type: str
    """Dotted ECS field, e.g. `source.ip`."""
    entity_value: str
    window_start: datetime
    window_seconds: int
    count: int
    first_seen: datetime
    last_seen: datetime
    samples: Sequence[Mapping[str, Any]]
    """Nested events, oldest first; at most SAMPLES are kept."""
    asset_level: int = 3
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further `soc.alert.*` values, such as an anomaly's score and features."""


def alert_id(source_id: str, entity_type: str, entity_value: str, window_start: datetime) -> str:
    """32 hexadecimal digits, the same for the same four values everywhere and always."""
    identity = orjson.dumps([source_id, entity_type, entity_value, int(window_start.timestamp())])
    return hashlib.sha256(identity).hexdigest()[:32]


def risk_score(level: str, asset_level: int, status: str) -> int:
    """0-100, by the tables above; an unknown level or status counts as medium or experimental."""
    points = LEVEL_POINTS.get(level, LEVEL_POINTS["medium"])
    share = ASSET_SHARE[min(max(asset_level, 1), 5)]
    return round(points * share * CONFIDENCE.get(status, CONFIDENCE["experimental"]))


def document(source: Source, seen: Seen, now: datetime) -> dict[str, Any]:
    """The alert as OpenSearch takes it; `now` is the time of raising. Dates are ISO 8601 in UTC."""
    samples = bounded([_trim(sample) for sample in seen.samples[:SAMPLES]])
    first = samples[0] if samples else {}
    identity = alert_id(source.id, seen.entity_type, seen.entity_value, seen.window_start)
    reason, reason_vi = (
        fill(template or source.title, seen, first)[:REASON_TEXT]
        for template in (source.reason, source.reason_vi or source.reason)
    )
    alert = {
        "id": identity,
        "status": "open",
        "severity": source.level,
        "severity_rank": SEVERITIES.index(source.level) if source.level in SEVERITIES else 0,
        "risk_score": risk_score(source.level, seen.asset_level, source.status),
        "asset_level": seen.asset_level,
        "reason": reason,
        "reason_vi": reason_vi,
        "runbook": source.runbook,
        "entity": {"type": seen.entity_type, "value": _trim(seen.entity_value)},
        "window_start": iso(seen.window_start),
        "window_seconds": seen.window_seconds,
        "count": seen.count,
        "first_seen": iso(seen.first_seen),
        "last_seen": iso(seen.last_seen),
        "raised_at": iso(now),
        "due_24h": iso(now + timedelta(hours=24)),
        "due_72h": iso(now + timedelta(hours=72)),
        "detector": source.detector,
        "ruleset": source.ruleset,
        "evidence": samples,
        "history": [],
        "comments": [],
        **({"shadow": True} if source.shadow else {}),
        **seen.extra,
    }
    return {
        **{name: first[name] for name in ("host", "user", "source", "destination", "url") if name in first},
        **{name: first[name] for name in ("service", "organization", "observer") if name in first},
        "@timestamp": iso(seen.first_seen),
        "message": reason_vi,
        "event": {
            "kind": "signal",
            "module": "hamrong",
            "dataset": "soc.alerts",
            "id": identity,
            "category": _union(samples, "event", "category"),
        },
        "rule": {
            "id": source.id,
            "name": source.title,
            "description": source.description,
            "author": source.author,
            "reference": list(source.references),
        },
        "threat": threat(source.tags),
        "related": {name: _union(samples, "related", name) for name in ("ip", "user", "hosts")},
        "soc": {"alert": alert},
    }


def index_name(alias: str, window_start: datetime) -> str:
    """The index of an alert: by the month of its window, so that an id always lands in the same one."""
    return f"{alias}-{window_start.astimezone(UTC):%Y.%m}"


def threat(tags: Sequence[str]) -> dict[str, Any]:
    """ECS threat fields of Sigma's `attack.*` tags. Names lie as the ids do; a technique that our table lacks is called
    by its id."""
    tactics = [attack.TACTICS[name] for name in attack.tactics(tags)]
    found = attack.techniques(tags)
    if not tactics and not found:
        return {}
    # ECS has the technique of a sub-technique beside it, whether or not a tag names it.
    techniques = _named(dict.fromkeys(technique.partition(".")[0] for technique in found))
    if deeper := [technique for technique in found if "." in technique]:
        techniques["subtechnique"] = _named(deeper)
    return {
        "framework": "MITRE ATT&CK",
        "tactic": {"id": [tactic[0] for tactic in tactics], "name": [tactic[1] for tactic in tactics]},
        "technique": techniques,
    }


def _named(techniques: Iterable[str]) -> dict[str, Any]:
    ids = list(techniques)
    return {"id": ids, "name": [attack.own_name(technique) or technique for technique in ids]}


def fill(template: str, seen: Seen, sample: Mapping[str, Any]) -> str:
    """`template` with its braces filled; a field that the sample lacks becomes `-`.

    Values are put in as text and never looked at again, so a log line that holds braces stays text.
    """
    known = {
        "count": str(seen.count),
        "entity": seen.entity_value,
        "window": duration(seen.window_seconds),
    }

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in known:
            return known[name]
        if name == seen.entity_type:
            return seen.entity_value
        found: Any = sample
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None and isinstance(vendor := sample.get("vendor"), Mapping):
            found = vendor.get(name)
        return "-" if found is None else ", ".join(map(str, found)) if isinstance(found, list) else str(found)

    return re.sub(r"\{([\w.@]+)\}", value, template)


def duration(seconds: int) -> str:
    """`300` -> `5m`, as Sigma writes time spans."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _trim(value: Any) -> Any:
    """`value` without nulls and objects that hold nothing else, with dates as ISO text and long texts cut."""
    if isinstance(value, dict):
        trimmed = {
            name: inner if isinstance(inner, str) and len(inner) <= SAMPLE_TEXT else _trim(inner)
            for name, inner in value.items()
            if inner is not None
        }
        return {name: inner for name, inner in trimmed.items() if inner != {}}
    if isinstance(value, list):
        # An Arrow map arrives as a list of pairs.
        if value and all(isinstance(item, tuple) for item in value):
            return {name: _trim(inner) for name, inner in value}
        return [_trim(item) for item in value]
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, str) and len(value) > SAMPLE_TEXT:
        return f"{value[:SAMPLE_TEXT]} … ({len(value)} characters)"
    return value


def _union(samples: Sequence[Mapping[str, Any]], *path: str) -> list[str]:
    values: dict[str, None] = {}
    for sample in samples:
        found: Any = sample
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        values.update(dict.fromkeys(found or ()))
    return list(values)


def iso(value: datetime) -> str:
    """As every document of ours writes a moment: UTC, milliseconds, `Z`; without a zone it is UTC already."""
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
