"""A rule's content changes with what it asks, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from detectors.sigma import taxonomy
from detectors.sigma.content import content
from detectors.sigma.load import load
from detectors.sigma.ruleset import Ruleset

TABLES = taxonomy.load()
RULE: dict[str, Any] = {
    "title": "t",
    "id": "r",
    "logsource": {"product": "linux", "service": "sshd"},
    "detection": {"s": {"user.name": ["a", "b"], "x|contains": "c"}, "n": {"y": 1}, "condition": "s and not n"},
}
OTHER = {**RULE, "id": "other", "detection": {"s": {"y": "z", "x|contains": ["0", "c"]}, "condition": "s"}}
FILTER = {
    "title": "f",
    "id": "f",
    "logsource": RULE["logsource"],
    "filter": {"rules": ["r"], "selection": {"user.name": "a"}, "condition": "not selection"},
}


def of(*documents: dict[str, Any]) -> str:
    entries = load("r.yml", yaml.safe_dump_all(documents).encode()).entries
    return content(
        Ruleset([{**entry, "metadata": {"path": "r.yml", **entry["metadata"]}} for entry in entries], TABLES), "r"
    )


@pytest.mark.parametrize(
    "documents",
    [
        (RULE,),
        ({**RULE, "title": "another", "level": "high", "tags": ["attack.t1110"]},),
        (OTHER, RULE),
        ({**RULE, "detection": {**RULE["detection"], "s": {"x|contains": "c", "user.name": ["b", "a"]}}},),
    ],
)
def test_the_same(documents: tuple[dict[str, Any], ...]) -> None:
    assert of(*documents) == of(RULE)


@pytest.mark.parametrize(
    "documents",
    [
        ({**RULE, "logsource": {"product": "linux"}},),
        ({**RULE, "detection": {**RULE["detection"], "condition": "s"}},),
        ({**RULE, "detection": {**RULE["detection"], "n": {"y": 2}}},),
        ({**RULE, "detection": {**RULE["detection"], "n": {"z": 1}}},),
        (RULE, FILTER),
    ],
)
def test_another(documents: tuple[dict[str, Any], ...]) -> None:
    assert of(*documents) != of(RULE)


def test_a_rule_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="gone"):
        content(Ruleset(load("r.yml", yaml.safe_dump(RULE).encode()).entries, TABLES), "gone")
