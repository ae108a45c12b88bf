"""translate: pySigma's condition tree -> our expression, written as plain lists.

In:   a parsed SigmaDetections
Out:  `["and", …]`, `["or", …]`, `["not", x]`, `["named", selection, x]` over `["atom", field, test, value]`: JSON, so
      that it can be cached
Docs: Sigma specification 2.1, detections and modifiers; docs/reference/sigma.md says what each test means

`field` is null for keywords. A test that ignores case holds its value casefolded; one that does not is named
`cased_…`. Wildcard patterns keep `*` and `?` as operators and escape literal ones with a backslash. `["or"]` alone
never holds.
"""

from __future__ import annotations

from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaDetection, SigmaDetections
from sigma.rule.detection import SigmaDetectionItem
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from detectors.sigma.patterns import engine, refusal

Json = list[Any]

MULTI, SINGLE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_COMPARE = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}


class UntranslatableError(Exception):
    """Sigma that pySigma takes and we refuse; the text is for people, `hint` says what to write."""

    def __init__(self, what: str, hint: str) -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


class Nothing(SigmaType):
    """The value of an empty list: no event has it."""

    def __init__(self) -> None:
        """SigmaType's own wants a value."""


def translate(detections: SigmaDetections) -> Json:
    """The expression of a rule; several conditions are alternatives. Raises UntranslatableError or a SigmaError."""
    parsed = [condition.parsed for condition in detections.parsed_condition]
    return _join("or", [_node(tree) for tree in parsed])


def _node(node: Any, named: bool = False) -> Json:
    """`named`: inside a selection whose name is told already; it is of use to those who explain, not to matching."""
    name = None if named else _selection(node)
    if name is not None:
        return ["named", name, _node(node, True)]
    match node:
        case ConditionAND():
            return _join("and", [_node(child, named) for child in node.args])
        case ConditionOR():
            return _join("or", [_node(child, named) for child in node.args])
        case ConditionNOT():
            return ["not", _node(node.args[0], named)]
        case ConditionFieldEqualsValueExpression():
            return _value(node.field, node.value)
        case ConditionValueExpression():
            return _value(None, node.value)
    raise UntranslatableError(f"has a condition of type {type(node).__name__}", "write and, or, not, '1 of', 'all of'")


def _selection(node: Any) -> str | None:
    """The name by which the condition calls this part, if it is the whole of a selection."""
    parent = getattr(node, "parent", None)
    while isinstance(parent, (SigmaDetection, SigmaDetectionItem)):
        parent = parent.parent
    return parent.identifier if isinstance(parent, ConditionIdentifier) else None


def _join(operator: str, children: list[Json]) -> Json:
    return children[0] if len(children) == 1 else [operator, *children]


def _value(field: str | None, value: Any) -> Json:
    match value:
        case Nothing():
            return ["or"]
        case SigmaExpansion():
            return _join("or", [_value(field, item) for item in value.values])
        case SigmaString():
            return _string(field, value)
        case SigmaTimestampPart():
            return ["atom", field, value.timestamp_part.name.lower(), value.number]
        case SigmaNumber():
            return _number(field, value.number)
        case SigmaBool():
            return ["atom", field, "equals", "true" if value.boolean else "false"]
        case SigmaRegularExpression():
            return _regex(field, value)
    if field is None:
        raise UntranslatableError(f"uses {type(value).__name__} without a field", "name a field before the modifier")
    match value:
        case SigmaNull():
            return ["atom", field, "null", ""]
        case SigmaExists():
            absent = ["atom", field, "null", ""]
            return ["not", absent] if value.exists else absent
        case SigmaCIDRExpression():
            return ["atom", field, "cidr", str(value.network)]
        case SigmaCompareExpression(op=CompareOperators.NEQ):
            return ["not", _number(field, value.number.number)]
        case SigmaCompareExpression():
            return ["atom", field, _COMPARE[value.op], value.number.number]
        case SigmaFieldReference():
            return ["atom", field, _reference_test(value), value.field]
    raise UntranslatableError(f"has a value of type {type(value).__name__}", "see docs/reference/sigma.md")


def _number(field: str | None, number: float) -> Json:
    return ["atom", field, "contains", str(number)] if field is None else ["atom", field, "number", number]


def _reference_test(value: SigmaFieldReference) -> str:
    return {
        (False, False): "field_equals",
        (True, False): "field_startswith",
        (False, True): "field_endswith",
        (True, True): "field_contains",
    }[value.starts_with, value.ends_with]


def _regex(field: str | None, value: SigmaRegularExpression) -> Json:
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    pattern = value.regexp.to_plain(True)
    written = f"(?{flags}){pattern}" if flags else pattern
    test = engine(written)
    if test is None:
        hint = f"{refusal(written)} Write what must stand around it as tests of their own, joined by and, not"
        raise UntranslatableError(f"has a regular expression that no engine runs in linear time: {pattern:.100}", hint)
    return ["atom", field, test, written]


def _string(field: str | None, value: SigmaString) -> Json:
    parts = _squeeze(list(value.s))
    if field is None:
        # A keyword is looked for anywhere in the line.
        parts = _squeeze([MULTI, *parts, MULTI])
    if field is None and parts == [MULTI]:
        return ["atom", None, "contains", ""]
    if parts == [MULTI]:
        return ["not", ["atom", field, "null", ""]]
    cased = isinstance(value, SigmaCasedString)
    test, text = _shape(parts)
    return ["atom", field, f"cased_{test}", text] if cased else ["atom", field, test, text.casefold()]


def _squeeze(parts: list[Any]) -> list[Any]:
    """Neighbouring `*` made one, neighbouring texts joined."""
    squeezed: list[Any] = []
    for part in parts:
        if squeezed and part is MULTI and squeezed[-1] is MULTI:
            continue
        if squeezed and isinstance(part, str) and isinstance(squeezed[-1], str):
            squeezed[-1] += part
        else:
            squeezed.append(part)
    return squeezed


def _shape(parts: list[Any]) -> tuple[str, str]:
    match parts:
        case []:
            return "equals", ""
        case [str(text)]:
            return "equals", text
        case [first, str(text)] if first is MULTI:
            return "endswith", text
        case [str(text), last] if last is MULTI:
            return "startswith", text
        case [first, str(text), last] if first is MULTI and last is MULTI:
            return "contains", text
    return "wildcard", "".join(_escape(part) for part in parts)


def _escape(part: Any) -> str:
    if part is MULTI:
        return "*"
    if part is SINGLE:
        return "?"
    return str(part).replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
