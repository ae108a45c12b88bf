"""A plain evaluator: one rule, one event, straight from pySigma's tree. No index, no Hyperscan, no sharing.

It is what the matcher is measured against, so it shares no code with it.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sigma import conditions as c
from sigma import types as t

Event = dict[str, Any]
"""Field -> text, number, truth, or a list of those."""

WIDER = {f"registry_{kind}": "registry_event" for kind in ("add", "set", "delete", "rename")}


def routed(logsource: dict[str, str], event: Event) -> bool:
    """For events that state where they come from."""
    for key in ("product", "category", "service"):
        wanted, got = logsource.get(key), event.get(key)
        if wanted is not None and wanted not in (got, WIDER.get(str(got)) if key == "category" else got):
            return False
    return True


def holds(node: Any, event: Event) -> bool:
    if isinstance(node, c.ConditionAND):
        return all(holds(child, event) for child in node.args)
    if isinstance(node, c.ConditionOR):
        return any(holds(child, event) for child in node.args)
    if isinstance(node, c.ConditionNOT):
        return not holds(node.args[0], event)
    if isinstance(node, c.ConditionValueExpression):
        if event.get("event.original") is not None:
            return keyword(node.value, "\n".join(texts(event, "event.original")))
        values = texts({"": [text for name in event if name not in STATED for text in texts(event, name)]}, "")
        return any(keyword(node.value, text) for text in values)
    return field(node.value, texts(event, node.field), event)


STATED = ("product", "category", "service")


def texts(event: Event, name: str) -> list[str]:
    value = event.get(name)
    values = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values if item is not None]


def field(value: Any, found: list[str], event: Event) -> bool:
    if isinstance(value, t.SigmaExpansion):
        return any(field(item, found, event) for item in value.values)
    if isinstance(value, t.SigmaNull):
        return not found
    if isinstance(value, t.SigmaExists):
        return bool(found) == value.exists
    if isinstance(value, t.SigmaCompareExpression) and value.op is t.CompareOperators.NEQ:
        return not any(number(text) == value.number.number for text in found)
    if isinstance(value, t.SigmaFieldReference):
        return any(refers(value, text, other) for text in found for other in texts(event, value.field))
    return any(one(value, text) for text in found)


def one(value: Any, text: str) -> bool:
    if isinstance(value, t.SigmaCasedString):
        return glob(value.s, text)
    if isinstance(value, t.SigmaString):
        return glob(folded(value), folded_text(text))
    if isinstance(value, t.SigmaTimestampPart):
        return part(value.timestamp_part, text) == value.number
    if isinstance(value, t.SigmaNumber):
        return number(text) == value.number
    if isinstance(value, t.SigmaBool):
        return text.casefold() == str(value.boolean).casefold()
    if isinstance(value, t.SigmaRegularExpression):
        return compiled(str(value.regexp), "".join(flag.name[0] for flag in value.flags)).search(text) is not None
    if isinstance(value, t.SigmaCIDRExpression):
        return inside(text, value.network)
    compare = {"LT": float.__lt__, "LTE": float.__le__, "GT": float.__gt__, "GTE": float.__ge__}[value.op.name]
    return (got := number(text)) is not None and compare(float(got), float(value.number.number))


def keyword(value: Any, text: str) -> bool:
    if isinstance(value, t.SigmaExpansion):
        return any(keyword(item, text) for item in value.values)
    if isinstance(value, t.SigmaNumber):
        return str(value.number) in text
    if isinstance(value, t.SigmaString):
        any_text = t.SpecialChars.WILDCARD_MULTI
        around = type(value)()
        around.s = [any_text, *value.s, any_text]
        return one(around, text)
    return one(value, text)


def folded(value: t.SigmaString) -> list[Any]:
    if not hasattr(value, "folded"):
        value.folded = [part.casefold() if isinstance(part, str) else part for part in value.s]
    return list(value.folded)


folded_text = lru_cache(maxsize=10_000)(str.casefold)


def glob(parts: list[Any], text: str) -> bool:
    """`*` and `?` over the whole text, without regular expressions: which places can each part end at."""
    if not all(item in text for item in parts if isinstance(item, str)):
        return False
    at = {0}
    for item in parts:
        if item is t.SpecialChars.WILDCARD_MULTI:
            at = set(range(min(at), len(text) + 1)) if at else at
        elif item is t.SpecialChars.WILDCARD_SINGLE:
            at = {place + 1 for place in at if place < len(text)}
        elif len(at) > 8 and len(at) == len(text) + 1 - min(at):
            at = {
                match.start() + len(item)
                for match in re.finditer(f"(?={re.escape(item)})", text)
                if match.start() in at
            }
        else:
            at = {place + len(item) for place in at if text.startswith(item, place)}
    return len(text) in at


@cache
def compiled(pattern: str, flags: str) -> re.Pattern[str]:
    return re.compile(pattern, sum({"I": re.I, "M": re.M, "D": re.S}[flag] for flag in flags))


def number(text: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def inside(text: str, network: Any) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address) in network


def refers(value: t.SigmaFieldReference, text: str, other: str) -> bool:
    text, other = text.casefold(), other.casefold()
    if value.starts_with and value.ends_with:
        return other in text
    if value.starts_with or value.ends_with:
        return text.startswith(other) if value.starts_with else text.endswith(other)
    return text == other


def part(unit: t.TimestampPart, text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.isocalendar().week if unit is t.TimestampPart.WEEK else int(getattr(at, unit.name.lower()))
