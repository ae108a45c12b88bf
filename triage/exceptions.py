"""exceptions: an alert that should not be raised again -> a Sigma filter for an engineer to review.

In:   the rule set, the alert's document, which of its fields make the exception, why and until when
Out:  a file in the review folder; nothing is live before somebody moves it to `rules/filters/`
Docs: Sigma specification 2.1, filters; docs/reference/sigma.md
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.ruleset import Ruleset
from hamrong import zone
from triage.life import RefusedChangeError

MAX_DAYS = 366
MAX_VALUE = 512
MAX_REASON = 1_000
OF_ONE_EVENT = ("event.original", "message", "event.id", "event.ingested", "event.created", "@timestamp")


@dataclass(frozen=True)
class Wanted:
    author: str
    reason: str
    expires: str
    """ISO date, the last day on which it applies."""
    fields: Mapping[str, str]
    """Dotted field -> value; all must be so for the exception."""


@dataclass(frozen=True)
class Written:
    path: Path
    text: str


def write(
    ruleset: Ruleset, source: Mapping[str, Any], wanted: Wanted, folder: Path, today: date | None = None
) -> Written:
    """Writes `exception-RULE-NUMBER.yml`. Raises RefusedChangeError with what to write instead."""
    today = today or zone.today()
    _check(wanted, today)
    rules = list(_narrowed(ruleset, source["rule"]["id"]))
    if not rules:
        raise RefusedChangeError(
            "bộ luật hiện tại không có luật nào sinh ra cảnh báo này, nên không thể đặt ngoại lệ",
            "no rule of the set raised this alert, so no exception can narrow it",
        )
    documents = [_document(rule, source["rule"]["name"], wanted, today) for rule in rules]
    text = "---\n".join(
        yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120) for document in documents
    )
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", str(source["rule"]["name"]).casefold()).strip("-")[:60] or "rule"
    path = folder / f"exception-{name}-{uuid.uuid4().hex[:8]}.yml"
    path.write_text(text, encoding="utf-8")
    return Written(path, text)


def may_rest_on(name: str, value: str) -> bool:
    """Whether a field can be part of an exception: not a whole line, nor what is of one event alone."""
    return name not in OF_ONE_EVENT and len(value) <= MAX_VALUE and bool(re.fullmatch(r"[\w.@-]{1,200}", name))


def _check(wanted: Wanted, today: date) -> None:
    if not wanted.reason.strip() or len(wanted.reason) > MAX_REASON:
        raise RefusedChangeError(
            f"hãy viết vì sao là ngoại lệ, nhiều nhất {MAX_REASON} ký tự",
            f"write why it is an exception, in at most {MAX_REASON} characters",
        )
    if not wanted.fields:
        raise RefusedChangeError(
            "hãy chọn ít nhất một trường: ngoại lệ cho mọi thứ là tắt luật",
            "choose at least one field: an exception for everything is a rule switched off",
        )
    for name, value in wanted.fields.items():
        if not may_rest_on(name, value):
            raise RefusedChangeError(
                f"trường {name[:80]} không dùng làm ngoại lệ được; hãy chọn trường ngắn hơn",
                f"the field {name[:80]} cannot make an exception; choose a shorter one",
            )
    try:
        until = date.fromisoformat(wanted.expires)
    except ValueError as error:
        raise RefusedChangeError(
            f"ngày cuối là '{wanted.expires[:40]}'; hãy viết như 2027-01-31",
            f"the last day is '{wanted.expires[:40]}'; write it like 2027-01-31",
        ) from error
    if not today < until <= today + timedelta(days=MAX_DAYS):
        raise RefusedChangeError(
            f"ngày cuối phải sau hôm nay và trong vòng {MAX_DAYS} ngày",
            f"the last day must come after today and within {MAX_DAYS} days",
        )


def _narrowed(ruleset: Ruleset, identity: str) -> Iterator[Rule]:
    """The rule, or every rule that a correlation counts."""
    rules = {rule.id: rule for rule in ruleset.rules}
    below: dict[str, Correlation] = {one.id: one for one in ruleset.correlations}
    todo, done = [identity], set()
    while todo:
        name = todo.pop(0)
        if name in done:
            continue
        done.add(name)
        if name in rules:
            yield rules[name]
        elif name in below:
            todo += below[name].rules


def _document(rule: Rule, title: str, wanted: Wanted, today: date) -> dict[str, Any]:
    source = {name: value for name, value in vars(rule.logsource).items() if value}
    return {
        "title": f"Exception: {title}"[:200],
        "id": str(uuid.uuid4()),
        "description": "Proposed on the alert page; an engineer reviews it and moves it to rules/filters.",
        "author": wanted.author,
        "date": today.isoformat(),
        "logsource": source,
        "filter": {
            "rules": [rule.id],
            "exception": {name: _literal(value) for name, value in wanted.fields.items()},
            "condition": "not exception",
        },
        "hamrong": {"reason": wanted.reason.strip(), "expires": wanted.expires},
    }


def _literal(value: str) -> str:
    """A value that Sigma reads as itself: `*`, `?` and backslashes before them mean something there."""
    return re.sub(r"(\\*)([*?])", lambda found: found[1] * 2 + "\\" + found[2], value)
