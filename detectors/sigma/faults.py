"""faults: what pySigma does not take, at its line and with what to write instead.

In:   a document, its detection, and pySigma's error
Out:  one complaint
Docs: Sigma specification 2.1
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sigma.exceptions import SigmaError
from sigma.modifiers import modifier_mapping
from sigma.policy import SigmaPolicy
from sigma.rule import SigmaDetection
from sigma.rule.detection import SigmaDetectionItem

from detectors.sigma.document import Document
from detectors.sigma.metadata import Complain, closest, shown

WORDS = "write and, or, not, brackets, '1 of name*', 'all of them'"
HINTS = {
    "pipe syntax": "write a correlation that counts this rule: docs/reference/sigma.md",
    "CIDR": "write an address or a network, as 192.0.2.0/24",
    "incompatible to value type": "gt, gte, lt and lte take a number, re and contains take text",
}
"""By what pySigma's own sentence contains."""


def locate(
    document: Document,
    key: str,
    detection: dict[str, Any],
    error: SigmaError,
    policy: SigmaPolicy,
    complain: Complain,
) -> None:
    """Complains of the part that pySigma does not take: a test, a selection, else the condition."""
    for name, definition in detection.items():
        if name == "condition":
            continue
        for path, test, value in _tests((key, name), definition):
            odd = _odd(value)
            if odd is not None:
                hint = "write one value, or a list of values"
                complain(document.line_of(*path), f"{test or name:.80}: {shown(odd)} is no value", hint)
                return
            try:
                SigmaDetectionItem.from_mapping(test, value, policy=policy)
            except (SigmaError, TypeError, AttributeError) as fault:
                complain(document.line_of(*path), f"{test or name:.80}: {_plain(fault)}", _test_hint(test, fault))
                return
        try:
            SigmaDetection.from_definition(definition, policy=policy)
        except (SigmaError, TypeError, AttributeError) as fault:
            complain(document.line_of(key, name), f"{name:.80}: {_plain(fault)}", "write 'field: value' lines below it")
            return
    line = document.line_of(key, "condition")
    unknown = re.search(r"Detection '(.+?)' not defined", str(error))
    if unknown:
        names = [name for name in detection if name != "condition"]
        complain(line, f"condition names '{unknown[1]}', not defined", closest(unknown[1], names))
    else:
        complain(line, f"condition: {_plain(error)}", _hint(error, WORDS))


def _tests(path: tuple[str, ...], definition: Any) -> Iterator[tuple[tuple[str, ...], str | None, Any]]:
    if isinstance(definition, dict):
        for test, value in definition.items():
            yield (*path, test), test, value
    elif isinstance(definition, list) and any(isinstance(item, (dict, list)) for item in definition):
        for item in definition:
            yield from _tests(path, item)
    else:
        yield path, None, definition


def _test_hint(test: str | None, fault: Exception) -> str:
    for modifier in (test or "").split("|")[1:]:
        if modifier not in modifier_mapping:
            return closest(modifier, modifier_mapping)
    return _hint(fault, "see docs/reference/sigma.md for what goes with what")


def _hint(fault: Exception, otherwise: str) -> str:
    return next((hint for what, hint in HINTS.items() if what in str(fault)), otherwise)


def _odd(value: Any) -> Any:
    """What stands where a value should be; None = nothing."""
    items = value if isinstance(value, list) else [value]
    return next((item for item in items if isinstance(item, (dict, list))), None)


def _plain(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")[:300]
