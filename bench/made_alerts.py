"""made_alerts: as many alerts as a province has in some years, in every state.

In:   our rules and the parsers' sample events, which lie beside them; how many, which share waits
Out:  alert documents; the same for the same arguments

A few rules and entities bring most alerts, as in life. Each has one to five whole sample events, and what analysts
did to it is in its history.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import yaml

from detectors.alert import Seen, Source, document
from hamrong.config import PROJECT
from ingest.sources import Register, System
from triage.life import VERDICTS, Change, change

DAYS = 90
ANALYSTS = 20
ENTITIES = 20_000
ENTITY_FIELDS = ("source.ip", "user.name", "host.name")
LEVELS = {"informational": 5, "low": 30, "medium": 40, "high": 20, "critical": 5}


def made_alerts(count: int, waiting: float, now: datetime, days: int = DAYS, seed: int = 0) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    sources, samples = _sources(), _samples()
    systems = Register.load(PROJECT / "sources.yml").systems
    for _ in range(count):
        source = sources[int(len(sources) * chance.random() ** 3)]
        kind = chance.choice(ENTITY_FIELDS)
        about = entity(kind, int(ENTITIES * chance.random() ** 3))
        system = chance.choice(systems)
        start = now - timedelta(days=days * chance.random())
        end = min(start + timedelta(minutes=chance.randrange(1, 60)), now)
        seen = Seen(
            *(kind, about, start, 3600, int(10 ** (4 * chance.random())), start, end),
            [_about(kind, about, system, sample) for sample in chance.choices(samples[kind], k=chance.randint(1, 5))],
            system.asset_level,
        )
        made = document(source, seen, end)
        _work(made["soc"]["alert"], chance.random() < waiting, end, chance)
        yield made


def _work(alert: dict[str, Any], waits: bool, raised: datetime, chance: random.Random) -> None:
    """What analysts did to it."""
    who = f"analyst-{chance.randrange(ANALYSTS)}"
    changes = [Change("comment", note="Đã gọi cho đơn vị chủ quản, chờ trả lời.")] if chance.random() < 0.2 else []
    if not waits:
        changes += [Change("acknowledge"), Change("close", chance.choice(VERDICTS), "Đã kiểm tra.")]
    elif chance.random() < 0.5:
        changes += [Change("acknowledge"), Change("tag", f"ca-{chance.randrange(60)}")]
    elif chance.random() < 0.1:
        changes += [Change("close", "false_positive"), Change("reopen", note="Lại có thêm.")]
    for number, wanted in enumerate(changes, 1):
        alert |= change(alert, wanted, who, raised + timedelta(minutes=7 * number))


@lru_cache
def _sources() -> list[Source]:
    """Our rules, each with a level by chance."""
    chance = random.Random(0)
    found = []
    files = sorted((PROJECT / "rules").rglob("*.yml"))
    for rule in (part for path in files for part in yaml.safe_load_all(path.read_text("utf-8"))):
        if not {"id", "detection"} <= rule.keys():
            continue
        ours = rule.get("hamrong", {})
        found.append(
            Source(
                id=rule["id"],
                title=rule["title"],
                level=chance.choices(list(LEVELS), list(LEVELS.values()))[0],
                detector="sigma",
                status=rule.get("status", "test"),
                description=rule.get("description", ""),
                author=rule.get("author", ""),
                tags=tuple(rule.get("tags", ())),
                references=tuple(rule.get("references", ())),
                reason=ours.get("reason", ""),
                reason_vi=ours.get("reason_vi", ""),
                runbook=ours.get("runbook", ""),
            )
        )
    chance.shuffle(found)
    return found


@lru_cache
def _samples() -> dict[str, list[dict[str, Any]]]:
    """Events of all parsers, nested, by the entity that they can be about."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ENTITY_FIELDS}
    for path in sorted((PROJECT / "ingest/parsers").glob("*.expected.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            flat = json.loads(line) or {}
            for kind in ENTITY_FIELDS:
                if kind in flat:
                    found[kind].append(_nested({"event.original": flat.get("message", line), **flat}))
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *outer, last = name.split(".")
        place = nested
        for part in outer:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    return nested


def entity(kind: str, number: int) -> str:
    return f"2001:db8::{number:x}" if kind == "source.ip" else f"{kind.partition('.')[0]}-{number}"


def _about(kind: str, value: str, system: System, sample: Mapping[str, Any]) -> dict[str, Any]:
    outer, inner = kind.split(".")
    related = {"source": "ip", "user": "user", "host": "hosts"}[outer]
    return {
        **sample,
        outer: {**sample[outer], inner: value},
        "related": {**sample.get("related", {}), related: [value]},
        "service": {"name": system.id},
        "organization": {"name": system.owner_vi},
    }
