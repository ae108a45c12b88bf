"""correlation_document: the `correlation` section of a document.

In:   a Document with a `correlation` key
Out:  a JSON-able entry; complaints for what is wrong
Docs: Sigma specification 2.1, correlation rules; conditions over rule names as in its enhancement proposal 198
"""

from __future__ import annotations

import math
from typing import Any

from detectors.sigma.correlate import MAX_OCCURRENCES
from detectors.sigma.correlation.boolean import ConditionError, alternatives, names
from detectors.sigma.document import Document
from detectors.sigma.metadata import MAX_WINDOW_SECONDS, Complain, closest, duration

TYPES = (
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
)
OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")
MAX_RULES = 50
MAX_CONDITION = 8192

_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")
_COUNTS = ("event_count", "value_count", "temporal", "temporal_ordered")

Conditions = list[tuple[str, float]]


def correlation_entry(document: Document, complain: Complain) -> dict[str, Any]:
    """`kind`, `type`, `rules` (as written), `group_by`, `timespan_seconds`, `conditions`, `alternatives`, `field`,
    `percentile`, `aliases`, `generate`, and `lines` of what can only be judged beside other rules."""
    body = document.data["correlation"]
    if not isinstance(body, dict):
        complain(document.line_of("correlation"), "correlation is not a mapping", "write 'type: event_count' below it")
        return {"kind": "correlation"}
    reader = _Reader(document, body, complain)
    kind = reader.kind()
    rules = reader.rules(kind)
    conditions, written = reader.condition(kind, rules)
    return {
        "kind": "correlation",
        "type": kind,
        "rules": rules,
        "group_by": reader.texts("group-by", body.get("group-by"), "list fields, as '- source.ip'"),
        "timespan_seconds": reader.timespan(),
        "conditions": conditions,
        "alternatives": written,
        "field": reader.field(kind),
        "percentile": reader.percentile(kind),
        "aliases": reader.aliases(rules),
        "generate": reader.generate(),
        "lines": {
            "rules": reader.line("rules" if "rules" in body else "condition"),
            "aliases": reader.line("aliases"),
        },
    }


class _Reader:
    def __init__(self, document: Document, body: dict[str, Any], complain: Complain) -> None:
        self._document = document
        self._body = body
        self._complain = complain
        for key in body:
            if key not in _KEYS:
                complain(self.line(key), f"correlation has the unknown key '{key}'", closest(str(key), _KEYS))

    def line(self, *path: str) -> int:
        return self._document.line_of("correlation", *path)

    def kind(self) -> str:
        kind = self._body.get("type")
        if kind not in TYPES:
            self._complain(self.line("type"), f"correlation type is {kind!r}", closest(str(kind), TYPES))
        return str(kind)

    def texts(self, key: str, value: Any, hint: str) -> list[str]:
        """A text, or a list of different ones."""
        if value is None:
            return []
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) and one for one in listed):
            self._complain(self.line(*key.split("/")), f"{key.split('/')[-1]} is {value!r}", hint)
            return []
        for one in sorted({one for one in listed if listed.count(one) > 1}):
            self._complain(self.line(*key.split("/")), f"{key.split('/')[-1]} names '{one}' twice", "name it once")
        return list(dict.fromkeys(listed))

    def rules(self, kind: str) -> list[str]:
        written = self._body.get("rules")
        condition = self._body.get("condition")
        hint = "list ids or names of rules"
        if written is None and isinstance(condition, str) and kind.startswith("temporal"):
            return names(condition[:MAX_CONDITION])
        found = self.texts("rules", written, hint)
        if written is None or written == []:
            self._complain(self.line("rules"), "correlation names no rules", hint)
        if len(found) > MAX_RULES:
            what = f"correlation names {len(found)} rules"
            self._complain(self.line("rules"), what, f"{MAX_RULES} at most: correlate correlations of them")
        return found[:MAX_RULES]

    def timespan(self) -> int | None:
        written = self._body.get("timespan")
        seconds = duration(written)
        if seconds is None or seconds > MAX_WINDOW_SECONDS:
            self._complain(self.line("timespan"), f"timespan is {written!r}", "write 30s, 5m, 1h … to 31d")
        return seconds

    def generate(self) -> bool:
        # The specification's schema has it beside `correlation`, its text and pySigma inside.
        outside = self._document.data.get("generate")
        inside = self._body.get("generate")
        value, path = (outside, ("generate",)) if inside is None else (inside, ("correlation", "generate"))
        if value is not None and not isinstance(value, bool):
            self._complain(self._document.line_of(*path), f"generate is {value!r}", "write true or false")
        return value is True

    def condition(self, kind: str, rules: list[str]) -> tuple[Conditions, list[tuple[list[str], list[str]]]]:
        """Bounds, or alternatives with names as written."""
        condition = self._body.get("condition")
        if isinstance(condition, str) and kind.startswith("temporal"):
            return [], self._alternatives(condition, rules)
        if condition is None and kind.startswith("temporal"):
            return [("gte", len(rules))], []
        if not isinstance(condition, dict):
            words = ", or 'a and not b'" if kind.startswith("temporal") else ""
            self._complain(self.line("condition"), f"condition is {condition!r}", f"write 'gte: 10' below it{words}")
            return [], []
        for key in condition:
            if key not in (*OPERATORS, "field", "percentile"):
                known = (*OPERATORS, "field", "percentile")
                self._complain(
                    self.line("condition", key), f"condition has the unknown key '{key}'", closest(key, known)
                )
        conditions = [(op, self._number(op, condition[op])) for op in OPERATORS if op in condition]
        if not conditions:
            self._complain(self.line("condition"), "condition has no operator", f"write one of {', '.join(OPERATORS)}")
        fault = _impossible(kind, conditions, rules)
        if fault:
            self._complain(self.line("condition"), *fault)
        return conditions, []

    def _number(self, op: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or abs(value) > 10**15:
            self._complain(self.line("condition", op), f"{op} is {value!r}", "write a number")
            return 1
        return float(value)

    def _alternatives(self, condition: str, rules: list[str]) -> list[tuple[list[str], list[str]]]:
        line = self.line("condition")
        if len(condition) > MAX_CONDITION:
            self._complain(line, "condition is too long", f"{MAX_CONDITION} characters at most")
            return []
        named = names(condition)
        for name in named:
            if name not in rules:
                self._complain(line, f"condition names '{name}', which is not among rules", closest(name, rules))
        for name in rules:
            if name not in named:
                hint = "name it in the condition, or take it out of rules"
                self._complain(line, f"condition says nothing of '{name}', which is among rules", hint)
        try:
            found = alternatives(condition)
        except ConditionError as error:
            self._complain(line, error.what, error.hint)
            return []
        order = {name: place for place, name in enumerate(rules)}
        places = [[sorted(part, key=lambda name: order.get(name, 0)) for part in one] for one in found]
        return sorted((present, absent) for present, absent in places)

    def field(self, kind: str) -> list[str]:
        condition = self._body.get("condition")
        written = condition.get("field") if isinstance(condition, dict) else None
        hint = "write 'field: user.name' beside 'gte: 10'"
        found = self.texts("condition/field", written, hint)
        if not kind.startswith("value_"):
            if found:
                what = f"{kind} counts no values, but condition has a field"
                self._complain(self.line("condition", "field"), what, "take it out, or write 'type: value_count'")
            return []
        if written is None:
            self._complain(self.line("condition"), f"{kind} has no field", hint)
        if len(found) > 1 and kind != "value_count":
            what = f"{kind} has {len(found)} fields"
            self._complain(self.line("condition", "field"), what, "name one: only value_count takes several")
        return found

    def percentile(self, kind: str) -> float:
        condition = self._body.get("condition")
        written = condition.get("percentile") if isinstance(condition, dict) else None
        line = self.line("condition", "percentile")
        if kind != "value_percentile":
            if written is not None:
                self._complain(line, f"{kind} has a percentile", "take it out, or write 'type: value_percentile'")
            return 0
        is_number = isinstance(written, (int, float)) and not isinstance(written, bool)
        if not is_number or not 0 <= float(written or 0) <= 100:
            what = "value_percentile has no percentile" if written is None else f"percentile is {written!r}"
            self._complain(line, what, "write 'percentile: 95' beside 'field' and 'gte'; 0 to 100")
            return 0
        return float(written or 0)

    def aliases(self, rules: list[str]) -> dict[str, dict[str, str]]:
        aliases = self._body.get("aliases")
        if aliases is None:
            return {}
        good = isinstance(aliases, dict) and all(
            isinstance(mapping, dict) and all(isinstance(field, str) for field in mapping.values())
            for mapping in aliases.values()
        )
        if not good:
            self._complain(
                self.line("aliases"), "aliases are not mappings", "write 'alias:', below it 'rule_name: field'"
            )
            return {}
        return {str(alias): {str(rule): field for rule, field in its.items()} for alias, its in aliases.items()}


def _impossible(kind: str, conditions: Conditions, rules: list[str]) -> tuple[str, str] | None:
    """What and hint, when no window can ever meet the condition."""
    low = max((number for op, number in conditions if op in ("gt", "gte", "eq")), default=-math.inf)
    high = min((number for op, number in conditions if op in ("lt", "lte", "eq")), default=math.inf)
    strict = any((op == "gt" and number == low) or (op == "lt" and number == high) for op, number in conditions)
    if low > high or (low == high and strict):
        return "condition can never hold", "write bounds that a number can lie between"
    if kind not in _COUNTS:
        return None
    if high < 1 or (high == 1 and any(op == "lt" and number == 1 for op, number in conditions)):
        return "condition can never hold: a window has an event", "a lack of events is told by 'a and not b'"
    most = len(rules) if kind.startswith("temporal") else MAX_OCCURRENCES
    if low > most or (low == most and ("gt", low) in conditions):
        what = "rules that it names" if kind.startswith("temporal") else "events that are kept"
        return f"condition can never hold: it asks for more than the {most} {what}", f"write {most} at most"
    return None
