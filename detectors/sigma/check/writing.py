"""writing: how a rule file is written, each file by itself.

In:   the files of a rule set
Out:  Doubts "sigma", "attack-tag" and, of our own, "convention"; remembered by the content of the file
Docs: pySigma, rule validators; docs/reference/sigma.md says which of them are asked and why not the others
"""

from __future__ import annotations

import difflib
import hashlib
import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from functools import cache as remember
from importlib import metadata as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from detectors.sigma.attack import OLDER, TACTICS, technique_name
from detectors.sigma.cache import read_json, write_whole
from detectors.sigma.check.doubt import Doubt
from detectors.sigma.document import Document
from hamrong.errors import Problem

if TYPE_CHECKING:
    from sigma.validators.base import SigmaRuleValidator, SigmaValidationIssue

FORMAT = 6
"""Raise it when something else is found in the same file, or ATT&CK's table has changed."""
VALIDATORS = (
    "all_of_them_condition", "cartag", "control_character", "custom_attributes", "cvetag", "dangling_condition",
    "dangling_detection", "detection_tag", "double_wildcard", "duplicate_references", "duplicate_tag",
    "fieldname_logsource", "invalid_modifier_combinations", "namespace_tag", "specific_instead_of_generic_logsource",
    "stptag", "tag_format", "them_condition_with_single_detection", "tlptag", "wildcards_instead_of_modifiers",
)  # fmt: skip
KEYS = (
    "action", "author", "correlation", "date", "description", "detection", "falsepositives", "fields", "filter",
    "hamrong", "id", "level", "license", "logsource", "modified", "name", "references", "related", "scope", "status",
    "tags", "taxonomy", "title",
)  # fmt: skip
"""That Sigma knows, and ours. A rule may have others."""
NAMES = {*TACTICS, *OLDER}
_ATTACK = re.compile(r"t\d{4}(\.\d{3})?|[gsmc]\d{4}|ds\d{4}|ta\d{4}")
WANTED = {
    "author": "write who wrote it",
    "date": "write the day it was written, as 2026-11-24",
    "description": "write what happens and why it matters",
    "status": "write test, or experimental for one that is to be watched first",
    "level": "write informational, low, medium, high or critical",
}
"""Of every rule of ours."""

Found = list[Any]
"""kind, line, what, hint, and whether it is asked of our own only."""


def doubts(files: Sequence[tuple[str, bytes]], own: Collection[str], cache: Path | None) -> Iterator[Doubt]:
    file = cache / f"checked-{FORMAT}-{installed.version('pysigma')}.json" if cache else None
    cached = read_json(file) if file else None
    known: dict[str, list[Found]] = cached if isinstance(cached, dict) else {}
    asked: dict[str, list[Found]] = {}
    for path, content in files:
        digest = hashlib.sha256(content).hexdigest()
        found = asked[digest] = known[digest] if digest in known else _look(path, content)
        for kind, line, what, hint, only_own in found:
            if path in own or not only_own:
                yield Doubt(Problem(path, line, what, hint), kind)
    if file and asked.keys() - known.keys():
        write_whole(file, orjson.dumps({**known, **asked}))


def _look(path: str, content: bytes) -> list[Found]:
    from detectors.sigma import document
    from detectors.sigma.load import with_actions

    found: list[Found] = []
    for each in with_actions(path, document.read(path, content)[0], []):
        found += _misspelt(each)
        if "filter" in each.data:
            continue
        found += _conventions(each)
        found += _tags(each)
        if isinstance(each.data.get("detection"), dict):
            found += _objections(each)
    return found


def _misspelt(document: Document) -> Iterator[Found]:
    """Keys that nobody reads, but for one or two letters."""
    for key in map(str, document.data):
        near = key not in KEYS and len(key) < 50 and difflib.get_close_matches(key, KEYS, 1, 0.8)
        if near:
            what, hint = f"has the key '{key}', which nobody reads", f"did you mean '{near[0]}'?"
            yield ["misspelt-key", document.line_of(key), what, hint, False]


def _conventions(document: Document) -> Iterator[Found]:
    identity = document.data.get("id")
    try:
        uuid.UUID(str(identity))
    except ValueError:
        what = "has no id" if identity is None else f"id '{identity!s:.60}' is no UUID"
        hint = "python3 -c 'import uuid; print(uuid.uuid4())'"
        yield ["convention", document.line_of("id"), what, hint, True]
    for key, hint in WANTED.items():
        if not document.data.get(key):
            yield ["convention", document.line_of("title"), f"has no {key}", hint, True]


def _tags(document: Document) -> Iterator[Found]:
    tags, line = document.data.get("tags"), document.line_of("tags")
    for tag in tags if isinstance(tags, list) else []:
        name = str(tag).removeprefix("attack.")
        if name == str(tag) or name in NAMES:
            continue
        if not _ATTACK.fullmatch(name):
            from detectors.sigma.metadata import closest

            hint = closest(name, NAMES) if len(name) < 50 else "write a tactic, or a technique as t1110.003"
            yield ["attack-tag", line, f"tag 'attack.{name:.60}' is not of ATT&CK", hint, False]
        elif re.fullmatch(r"t\d{4}.*", name) and not technique_name(name.upper()):
            # Others may know a newer ATT&CK than our table.
            hint = "look it up; a new one goes into detectors/sigma/attack.json"
            yield ["convention", line, f"tag 'attack.{name}' is no technique that our table has", hint, True]


@remember
def _validators() -> dict[str, SigmaRuleValidator]:
    from sigma.validators.core import validators

    return {name: validators[name]() for name in VALIDATORS}


def _objections(document: Document) -> Iterator[Found]:
    """pySigma's; none of a rule that it cannot read, whose faults `load` tells."""
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    from detectors.sigma.load import POLICY, within_bounds

    if not within_bounds(document, "detection", document.data["detection"], lambda *_: None):
        return
    try:
        # What an id is not we say ourselves; to pySigma it would be a fault that hides the rest.
        rule = SigmaRule.from_dict({**document.data, "id": str(uuid.UUID(int=0))}, collect_errors=True, policy=POLICY)
        if rule.errors:
            return
        issues = [(name, issue) for name, validator in _validators().items() for issue in validator.validate(rule)]
    except (SigmaError, TypeError, AttributeError, KeyError, ValueError, RecursionError):
        return
    for name, issue in issues:
        key, told = _about(issue)
        text = f"{issue.description.rstrip('.')}{': ' if told else ''}{told:.100}"
        yield ["sigma", _line(document, key, told), text, f"pySigma's validator {name}", False]


def _about(issue: SigmaValidationIssue) -> tuple[str, str]:
    """The section of the rule that the issue is about, and the name in it."""
    for name, key in (("tag", "tags"), ("detection_name", "detection"), ("condition_name", "condition")):
        if hasattr(issue, name):
            return key, str(getattr(issue, name))
    if hasattr(issue, "detection_item"):
        return "detection", str(issue.detection_item.field or "")
    if hasattr(issue, "event_id") and hasattr(issue, "generic_logsource"):
        return "logsource", f"{issue.event_id} is {issue.generic_logsource.category}"
    for name, key in (("string", "detection"), ("fieldname", "logsource"), ("reference", "references")):
        if hasattr(issue, name):
            return key, str(getattr(issue, name))
    return "condition", ""


def _line(document: Document, key: str, name: str) -> int:
    if key == "condition":
        return document.line_of("detection", "condition")
    for path, line in document.lines.items():
        if path[0] == key and path[-1].split("|")[0] == name:
            return line
    return document.line_of(key)
