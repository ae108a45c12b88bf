"""breaking: what is found when one thing in a built board is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dashboards import build
from dashboards.faults import faults

Saved = dict[str, Any]
Break = Callable[[Any], Any]


def objects(board: str) -> list[Saved]:
    return [json.loads(line) for line in (build.FOLDER / f"{board}.ndjson").read_text(encoding="utf-8").splitlines()]


def broken(board: str, identity: str, attribute: str, change: Break) -> list[str]:
    """What is found of an object when it, or the JSON in one of its attributes, is changed."""
    made = objects(board)
    (saved,) = (one for one in made if one["id"] == identity)
    if attribute:
        held = saved["attributes"]["kibanaSavedObjectMeta"] if attribute == "searchSourceJSON" else saved["attributes"]
        value = json.loads(held[attribute])
        change(value)
        held[attribute] = json.dumps(value)
    else:
        change(saved)
    return [fault.what for fault in faults(made) if fault.id == identity]


def put(*path: Any, value: Any) -> Break:
    """Sets what lies at the end of the path."""

    def inner(part: Any) -> None:
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value

    return inner


def drop(*path: Any) -> Break:
    def inner(part: Any) -> None:
        for step in path[:-1]:
            part = part[step]
        del part[path[-1]]

    return inner
