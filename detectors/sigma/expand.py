"""expand: placeholders in the values of a rule -> the values of their lists.

In:   a parsed SigmaDetections, and `Lists`
Out:  the same, its placeholders replaced; the names of the lists that it needs
Docs: Sigma specification 2.1, modifier expand

As pySigma's own transformation does it: the values take the placeholder's place in the list of values, so that they are
alternatives, or under `all` every one is wanted. Unlike it, lists may be long, be empty, and hold networks for `cidr`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from typing import Any

from sigma.modifiers import SigmaCIDRModifier, SigmaExpandModifier, modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetections
from sigma.types import (
    Placeholder,
    SigmaCIDRExpression,
    SigmaExpansion,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from detectors.sigma.lists import Lists
from detectors.sigma.translate import Nothing, UntranslatableError

MAX_EXPANDED = 50_000
"""Values that one value may become; with several placeholders they multiply."""

# They would encode the placeholder's own name.
ENCODINGS = ("base64", "base64offset", "wide", "utf16", "utf16be")


class _Networks(SigmaString):
    """A placeholder whose list holds networks."""


class _CidrModifier(SigmaCIDRModifier):
    """`cidr` that lets a placeholder pass, before `expand` or after it."""

    def modify(self, val: SigmaString) -> SigmaString | SigmaCIDRExpression:  # type: ignore[override]
        if set(self.applied_modifiers) - {SigmaExpandModifier}:
            return super().modify(val)
        if SigmaExpandModifier not in self.detection_item.modifiers or not re.fullmatch("%[^%]+%", val.original):
            return SigmaCIDRExpression(str(val), source=self.source)
        return _Networks(val.original).insert_placeholders()


modifier_mapping["cidr"] = _CidrModifier


def expand(detections: SigmaDetections, lists: Lists, asked: set[str]) -> None:
    """Replaces in place, and adds to `asked` the lists that it needs. Raises UntranslatableError."""
    for detection in detections.detections.values():
        _detection(detection, lists, asked)


def _detection(detection: SigmaDetection, lists: Lists, asked: set[str]) -> None:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            _detection(item, lists, asked)
        elif SigmaExpandModifier in item.modifiers:
            encoding = [name for name in ENCODINGS if modifier_mapping[name] in item.modifiers]
            if encoding:
                what = f"expands a placeholder that {encoding[0]} encodes"
                raise UntranslatableError(what, "write the values in the rule itself")
            item.value = [value for written in item.value for value in _value(written, lists, asked)]


def _value(value: SigmaType, lists: Lists, asked: set[str]) -> list[SigmaType]:
    match value:
        case SigmaExpansion():
            return [SigmaExpansion([one for written in value.values for one in _value(written, lists, asked)])]
        case _Networks():
            (name,) = _names(value, lists, asked)
            return [_network(name, text, lists) for text in lists.values[name]] or [Nothing()]
        case SigmaString():
            # A wildcard in a list is one in the rule.
            return list(_filled(value, lists, asked, lambda text: SigmaString(text).s)) or [Nothing()]
        case SigmaRegularExpression():
            filled = _filled(value.regexp, lists, asked, lambda text: [text])
            return [SigmaRegularExpression(one.to_plain(True), value.flags, policy=value.policy) for one in filled] or [
                Nothing()
            ]
    return [value]


def _names(value: SigmaString, lists: Lists, asked: set[str]) -> list[str]:
    """The placeholders in a value, each with a list."""
    names = [part.name for part in value.s if isinstance(part, Placeholder)]
    asked.update(names)
    for name in names:
        if name not in lists.values:
            hint = f"write them, one a line, to {lists.source(name)}"
            raise UntranslatableError(f"expands %{name}%, for which there is no list of values", hint)
    return names


def _filled(
    value: SigmaString, lists: Lists, asked: set[str], parts: Callable[[str], Iterable[Any]]
) -> Iterator[SigmaString]:
    """`value` with each combination of list values in place of its placeholders."""
    texts = [lists.values[name] for name in _names(value, lists, asked)]
    total = math.prod(map(len, texts))
    if total > MAX_EXPANDED:
        raise UntranslatableError(f"expands to {total} values", f"{MAX_EXPANDED} at most: shorten the lists")
    for combination in itertools.product(*texts):
        filled, waiting = value.__class__(), iter(combination)
        for part in value.s:
            filled.s += parts(next(waiting)) if isinstance(part, Placeholder) else [part]
        yield filled


def _network(name: str, text: str, lists: Lists) -> SigmaCIDRExpression:
    try:
        return SigmaCIDRExpression(str(ip_network(text)))
    except ValueError as error:
        what = f"expands %{name}%, whose value '{text}' is no network: {error}"
        raise UntranslatableError(what, f"write 192.0.2.0/24 or 2001:db8::/32 in {lists.source(name)}") from error
