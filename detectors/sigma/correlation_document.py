"""correlation_document: the `correlation` section of a document.

In:   a Document with a `correlation` key
Out:  a JSON-able entry; complaints for what is wrong
Docs: Sigma specification 2.1, correlation rules
"""

from __future__ import annotations

from typing import Any

from detectors.sigma.document import Document
from detectors.sigma.metadata import MAX_WINDOW_SECONDS, Complain, closest, duration

TYPES = ("event_count", "value_count", "temporal", "temporal_ordered")
OPERATORS = ("gte", "gt")
_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")


def correlation_entry(document: Document, complain: Complain) -> dict[str, Any]:
    """`kind`, `type`, `rules` (as written), `group_by`, `timespan_seconds`, `condition`, `field`, `aliases`."""
    body = document.data["correlation"]
    if not isinstance(body, dict):
        complain(document.line_of("correlation"), "correlation is not a mapping", "write 'type: event_count' below it")
        return {"kind": "correlation"}
    for key in body:
        if key not in _KEYS:
            complain(
                document.line_of("correlation", key), f"correlation has the unknown key '{key}'", closest(key, _KEYS)
            )
    where = document.line_of
    kind = body.get("type")
    if kind not in TYPES:
        complain(where("correlation", "type"), f"correlation type is {kind!r}", closest(str(kind), TYPES))
    rules = _names(body.get("rules"))
    if not rules:
        complain(where("correlation", "rules"), "correlation names no rules", "list ids or names of rules")
    seconds = duration(body.get("timespan"))
    if seconds is None or seconds > MAX_WINDOW_SECONDS:
        complain(
            where("correlation", "timespan"), f"timespan is {body.get('timespan')!r}", "write 30s, 5m, 1h … to 31d"
        )
    condition, field = _condition(document, body, str(kind), len(rules), complain)
    generate = body.get("generate", False)
    if not isinstance(generate, bool):
        complain(where("correlation", "generate"), f"generate is {generate!r}", "write true or false")
    return {
        "kind": "correlation",
        "type": kind,
        "rules": rules,
        "group_by": _names(body.get("group-by")),
        "timespan_seconds": seconds,
        "condition": condition,
        "field": field,
        "aliases": _aliases(document, body, complain),
        "generate": generate,
    }


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value] if isinstance(value, list) else []


def _condition(
    document: Document, body: dict[str, Any], kind: str, rules: int, complain: Complain
) -> tuple[list[Any], str | None]:
    condition = body.get("condition")
    line = document.line_of("correlation", "condition")
    if condition is None and kind.startswith("temporal"):
        return ["gte", rules], None
    if not isinstance(condition, dict):
        complain(line, f"condition is {condition!r}", "write 'gte: 10' below it")
        return ["gte", 1], None
    field = condition.get("field")
    if kind == "value_count" and not isinstance(field, str):
        complain(line, "value_count has no field", "write 'field: user.name' beside 'gte: 10'")
    operators = [key for key in condition if key != "field"]
    if len(operators) != 1 or operators[0] not in OPERATORS:
        hint = "write 'gte: 10' or 'gt: 10': a count that must stay low is known only when its window has closed"
        complain(line, f"condition has {', '.join(map(str, operators)) or 'no operator'}", hint)
        return ["gte", 1], None
    number = condition[operators[0]]
    if not isinstance(number, (int, float)) or isinstance(number, bool) or number < 0:
        complain(line, f"{operators[0]} is {number!r}", "write a number")
        return ["gte", 1], None
    return [operators[0], number], field if isinstance(field, str) else None


def _aliases(document: Document, body: dict[str, Any], complain: Complain) -> dict[str, dict[str, str]]:
    aliases = body.get("aliases") or {}
    good = isinstance(aliases, dict) and all(
        isinstance(mapping, dict) and all(isinstance(field, str) for field in mapping.values())
        for mapping in aliases.values()
    )
    if not good:
        hint = "write 'alias:' and below it 'rule_name: field'"
        complain(document.line_of("correlation", "aliases"), "aliases are not mappings", hint)
        return {}
    return {str(alias): {str(rule): field for rule, field in mapping.items()} for alias, mapping in aliases.items()}
