"""navigator: coverage as a layer of the ATT&CK Navigator.

In:   `detectors.sigma.coverage.Coverage`
Out:  a layer of format 4.5, as JSON has it
Docs: ATT&CK Navigator, layer file format 4.5
"""

from __future__ import annotations

from typing import Any

from detectors.sigma.coverage import BLIND, TRIAL, UNTESTED, WORKS, Coverage, Group

VERSIONS = {"attack": "18", "navigator": "5.2.0", "layer": "4.5"}
# Also told apart by those who do not tell red from green: dark, light, grey.
COLOURS = {WORKS: "#2f7d5d", TRIAL: "#a5d3bd", UNTESTED: "#f2d16b", BLIND: "#c4c4c4"}
LEGEND = {
    WORKS: "works: cases pass, and its events come",
    TRIAL: "on trial: its alerts are nobody's yet",
    UNTESTED: "untested: cases are missing or fail",
    BLIND: "blind: no source gives what it needs",
}
SCORES = {WORKS: 75, TRIAL: 50, UNTESTED: 25, BLIND: 0}
FIRED = 25
"""Added where a rule that works has raised an alert."""
MAX_RULES = 20
"""Named in a technique's comment."""


def layer(coverage: Coverage, name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "versions": VERSIONS,
        "domain": "enterprise-attack",
        "description": description,
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": [_technique(group) for group in coverage.techniques],
        "gradient": {"colors": ["#c4c4c4", "#f2d16b", "#2f7d5d"], "minValue": 0, "maxValue": 100},
        "legendItems": [{"label": LEGEND[state], "color": colour} for state, colour in COLOURS.items()],
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _technique(group: Group) -> dict[str, Any]:
    working = [rule for rule in group.rules if rule.state == group.state == WORKS]
    score = SCORES[group.state] + (FIRED if any(rule.fired for rule in working) else 0)
    counts = [{"name": state, "value": str(count)} for state, count in group.states.items()]
    fired = [] if group.fired is None else [{"name": "rules that fired", "value": str(group.fired)}]
    named = [f"{rule.state}: {rule.title}{f' ({rule.blind})' if rule.blind else ''}" for rule in group.rules]
    more = [f"and {len(named) - MAX_RULES} more"] if len(named) > MAX_RULES else []
    return {
        "techniqueID": group.name,
        "score": score,
        "color": COLOURS[group.state],
        "comment": "\n".join([*named[:MAX_RULES], *more]),
        "enabled": True,
        "metadata": counts + fired,
        "showSubtechniques": True,
    }
