"""load: one rule file -> its rules, correlations and filters, parsed but not yet tied to each other.

In:   the bytes of a YAML file
Out:  `Loaded`: JSON-able entries, so that a cache keyed by content can hold them, and the problems found
Docs: Sigma specification 2.1; `action: global | repeat | reset` from its multi-document files

Nothing of pySigma leaves this module, `faults` and `translate`; a warm start imports neither.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sigma.exceptions import SigmaError
from sigma.modifiers import SigmaWideModifier, modifier_mapping
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import PythonRegexEngine, RegexPattern
from sigma.rule import SigmaDetections

from detectors.sigma import document as documents
from detectors.sigma.correlation_document import correlation_entry
from detectors.sigma.document import Document
from detectors.sigma.expand import expand
from detectors.sigma.faults import locate
from detectors.sigma.lists import NONE, Lists
from detectors.sigma.metadata import Complain, metadata, shown
from detectors.sigma.patterns import engine
from detectors.sigma.translate import UntranslatableError, translate
from hamrong.errors import Problem

MAX_REGEX = 4096
MAX_CONDITION = 8192
MAX_VALUES = 50_000
MAX_VALUE = 64 << 10
"""Characters of one value."""
MAX_PROBLEM = 500


class _Syntax(PythonRegexEngine):
    """Lets pass what is a regular expression anywhere: `translate` then says what can run it, and why not."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return super().compile(pattern, flags)
            except re.error:
                if engine(pattern) is None:
                    raise
                return super().compile("")


# The specification's own name for `wide`, which pySigma lacks.
modifier_mapping.setdefault("utf16le", SigmaWideModifier)

POLICY = SigmaPolicy(regex_engine=_Syntax())

Entry = dict[str, Any]
"""`kind` (rule, correlation, filter), `metadata`, and what the kind has beside."""


@dataclass
class Loaded:
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """Faults: the file must be mended."""
    refused: list[Problem] = field(default_factory=list)
    """Right Sigma that cannot be used here: a placeholder without a list, a bound passed."""
    asked: set[str] = field(default_factory=set)
    """The lists whose values are in it, or would be if they were there."""


def load(name: str, content: bytes, lists: Lists = NONE) -> Loaded:
    """What a file holds. A faulty document is left out, the others stand."""
    found, problems = documents.read(name, content)
    loaded = Loaded(problems=problems)
    if not found and not problems:
        loaded.problems.append(Problem(name, 1, "is empty", "write a rule, or delete the file"))
    for document in with_actions(name, found, loaded.problems):
        _document(name, document, lists, loaded)
    return loaded


def with_actions(name: str, found: list[Document], problems: list[Problem]) -> Iterator[Document]:
    base: Document | None = None
    previous: Document | None = None
    for document in found:
        if not isinstance(document.data, dict):
            problems.append(Problem(name, document.line, "holds no rule", "write 'title:', 'logsource:' and so on"))
            continue
        action = document.data.pop("action", None)
        match action:
            case "global":
                base = _merge(base, document)
            case "reset":
                base = None
            case "repeat" if previous is not None:
                previous = _merge(previous, document)
                yield previous
            case None:
                previous = _merge(base, document)
                yield previous
            case _:
                hint = "write global, reset, or repeat after a first rule"
                problems.append(Problem(name, document.line_of("action"), f"has the action {shown(action)}", hint))


def _merge(base: Document | None, document: Document) -> Document:
    if base is None:
        return document
    return Document(_update(base.data, document.data), document.line, {**base.lines, **document.lines})


def _update(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _update(old.get(key), value) for key, value in new.items()}}
    return new


def _document(name: str, document: Document, lists: Lists, loaded: Loaded) -> None:
    faults: list[Problem] = []

    def complain(line: int, what: str, hint: str) -> None:
        # A name in a file may be as long as the file.
        faults.append(Problem(name, line, what[:MAX_PROBLEM], hint[:MAX_PROBLEM]))

    def expression(key: str) -> list[Any] | None:
        return _expression(document, key, complain, lists, loaded.asked)

    entry: Entry = {"metadata": metadata(document, complain)}
    try:
        if "correlation" in document.data:
            entry |= correlation_entry(document, complain)
        elif "filter" in document.data:
            entry |= _filter_entry(document, expression, complain)
        else:
            entry |= {"kind": "rule", "logsource": _logsource(document, complain)}
            entry["expression"] = expression("detection")
    except UntranslatableError as refusal:
        line = document.line_of("detection" if "detection" in document.data else "filter")
        loaded.refused.append(Problem(name, line, refusal.what, refusal.hint))
        loaded.problems.extend(faults)
        return
    loaded.problems.extend(faults)
    if not faults:
        loaded.entries.append(entry)


def _logsource(document: Document, complain: Complain) -> list[str | None]:
    source = document.data.get("logsource")
    line = document.line_of("logsource")
    if not isinstance(source, dict):
        what = "has no logsource" if source is None else f"logsource is {shown(source)}"
        complain(line, what, "write 'logsource:' and 'product:', 'category:' or 'service:' below it")
        return [None, None, None]
    values = [source.get(key) for key in ("product", "category", "service")]
    for key, value in zip(("product", "category", "service"), values, strict=True):
        if value is not None and not isinstance(value, str):
            complain(document.line_of("logsource", key), f"logsource.{key} is {shown(value)}", "write text")
    if all(value is None for value in values):
        complain(line, "has an empty logsource", "name a product, category or service")
    return [str(value).casefold() if value is not None else None for value in values]


def _filter_entry(document: Document, expression: Callable[[str], list[Any] | None], complain: Complain) -> Entry:
    body = document.data["filter"]
    rules = body.pop("rules", None) if isinstance(body, dict) else None
    if isinstance(rules, str):
        rules = [] if rules.casefold() == "any" else [rules]
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        complain(document.line_of("filter", "rules"), "filter names no rules", "write 'rules: any', or ids or names")
        rules = []
    if isinstance(body, dict) and isinstance(body.get("condition"), list):
        complain(document.line_of("filter", "condition"), "filter has several conditions", "join them by and, or")
    source = _logsource(document, complain)
    return {"kind": "filter", "logsource": source, "rules": rules, "expression": expression("filter")}


def _expression(document: Document, key: str, complain: Complain, lists: Lists, asked: set[str]) -> list[Any] | None:
    """The translated condition; None after a complaint. Raises UntranslatableError."""
    detection = document.data.get(key)
    if not isinstance(detection, dict):
        what = f"has no {key}" if detection is None else f"{key} is {shown(detection)}"
        complain(document.line_of(key), what, f"write '{key}:', a selection and a condition below it")
        return None
    if not within_bounds(document, key, detection, complain):
        return None
    try:
        detections = SigmaDetections.from_dict(detection, policy=POLICY)
        expand(detections, lists, asked)
        return translate(detections)
    except SigmaError as error:
        locate(document, key, detection, error, POLICY, complain)
    except RecursionError:
        complain(document.line_of(key, "condition"), "nests too deeply", "split the rule")
    except (TypeError, AttributeError, KeyError) as error:
        # pySigma trusts the shape of what it is given.
        complain(document.line_of(key), f"has a form that Sigma does not know: {error}", "compare with a simple rule")
    return None


def within_bounds(document: Document, key: str, detection: dict[str, Any], complain: Complain) -> bool:
    condition = detection.get("condition")
    if len(str(condition)) > MAX_CONDITION:
        complain(document.line_of(key, "condition"), "condition is too long", f"{MAX_CONDITION} characters at most")
        return False
    if not isinstance(condition, (str, list)) or not all(isinstance(c, str) for c in condition):
        what = "has no condition" if condition is None else f"condition is {shown(condition)}"
        complain(document.line_of(key, "condition"), what, "write 'condition: selection'")
        return False
    counted = 0
    for path, value in _leaves((key,), detection):
        counted += 1
        modifiers = path[-1].split("|")[1:]
        length = len(str(value))
        if "re" in modifiers and length > MAX_REGEX:
            hint = f"{MAX_REGEX} characters at most: split it, or use contains with a list"
            complain(document.line_of(*path), f"regular expression has {length} characters", hint)
            return False
        if length > MAX_VALUE:
            complain(document.line_of(*path), f"has a value of {length} characters", f"{MAX_VALUE} at most")
            return False
    if counted > MAX_VALUES:
        complain(document.line_of(key), f"has {counted} values", f"{MAX_VALUES} at most: split the rule")
        return False
    return True


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves((*path, str(name)), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner)
    else:
        yield path, value
