"""metadata: everything of a rule document but its condition.

In:   a Document
Out:  the keyword arguments of `rule.Metadata`, and Problems for what is wrong
Docs: Sigma specification 2.1 (rule attributes); docs/reference/sigma.md for the keys below `hamrong:`
"""

from __future__ import annotations

import difflib
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from detectors.sigma.document import Document
from detectors.sigma.rule import LEVELS

STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
EXTENSION = "hamrong"
OF_RULES = ("entity", "window", "reason", "reason_vi", "runbook")
OF_FILTERS = ("reason", "expires")
RELATIONS = ("correlation", "derived", "merged", "obsolete", "renamed", "similar")
MAX_TITLE = 256
"""The specification's own bound."""
MAX_TEXT = 64 << 10
MAX_SHOWN = 100
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_WINDOW_SECONDS = 31 * 86400
MAX_ALERT_SECONDS = 86_400
"""The longest that matches become one alert: `jobs.count` keeps what it counts as long, for every alert there is."""
_IDS = uuid.UUID("6f0c7a52-6a0f-5b0e-9a51-5b1c0c6a9a11")

Complain = Callable[[int, str, str], None]
"""Takes line, what and hint of a problem."""


def duration(text: Any) -> int | None:
    """Seconds of `90s`, `5m`, `1h`, `2d`, `1w`; None if it is no such text."""
    match = re.fullmatch(r"(\d{1,9})([smhdw])", str(text))
    return int(match[1]) * _UNITS[match[2]] if match and int(match[1]) else None


def _day(value: Any) -> str | None:
    """A date as YAML or as text -> `2027-01-31`; None if it is none."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}[-/]\d{2}[-/]\d{2}", value):
        try:
            return date.fromisoformat(value.replace("/", "-")).isoformat()
        except ValueError:
            return None
    # A datetime is a date too, and says more than a day.
    return value.isoformat() if type(value) is date else None


def closest(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not among the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def metadata(document: Document, complain: Complain) -> dict[str, Any]:
    """Title, id, level and so on, and the extension. A document without `id` gets one made of its content.

    What Sigma knows and nobody here reads is looked at all the same: its types are a promise to other tools.
    """
    data = document.data
    found: dict[str, Any] = {
        "id": _id(document, complain),
        **{key: _text(document, key, complain) for key in ("name", "title", "description", "author")},
        "line": document.line,
    }
    for key in ("tags", "references", "falsepositives"):
        found[key] = _texts(document, key, complain)
    for key, known, default in (("level", LEVELS, "medium"), ("status", STATUSES, "test")):
        value = data.get(key)
        if value is not None and value not in known:
            complain(document.line_of(key), f"{key} is {shown(value)}", f"write one of {', '.join(known)}")
        found[key] = value if value in known else default
    if not found["title"].strip():
        complain(document.line_of("title"), "has no title", "write 'title: what happened'")
    elif len(found["title"]) > MAX_TITLE:
        hint = f"{MAX_TITLE} at most: say the rest in the description"
        complain(document.line_of("title"), f"title has {len(found['title'])} characters", hint)
    for key in ("license", "taxonomy"):
        _text(document, key, complain)
    for key in ("fields", "scope"):
        _texts(document, key, complain)
    for key in ("date", "modified"):
        if data.get(key) is not None and _day(data[key]) is None:
            complain(document.line_of(key), f"{key} is {shown(data[key])}", "write a day, as 2026-11-24")
    _related(document, complain)
    found.update(_extension(document, complain))
    return found


def shown(value: Any) -> str:
    """A wrong value as a problem shows it: whatever it is, briefly."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _id(document: Document, complain: Complain) -> str:
    value = document.data.get("id")
    if isinstance(value, (dict, list)) or len(str(value)) > MAX_TITLE:
        hint = "give it its own: python3 -c 'import uuid; print(uuid.uuid4())'"
        complain(document.line_of("id"), f"id is {shown(value)}", hint)
        return ""
    return str(value or uuid.uuid5(_IDS, repr(document.data)))


def _text(document: Document, key: str, complain: Complain) -> str:
    value = document.data.get(key)
    if value is None or _is_text(value):
        return value or ""
    if isinstance(value, list) and key == "author" and all(map(_is_text, value)):
        return ", ".join(value)
    complain(
        document.line_of(key), f"{key} is {shown(value)}", f"write '{key}: some text', in quotes if it is a number"
    )
    return ""


def _texts(document: Document, key: str, complain: Complain) -> tuple[str, ...]:
    value = document.data.get(key)
    if value is None:
        return ()
    if _is_text(value):
        return (value,)
    if isinstance(value, list) and all(item is None or _is_text(item) for item in value):
        return tuple(item for item in value if item is not None)
    complain(document.line_of(key), f"{key} is {shown(value)}", f"write '{key}:' and '- some text' lines below it")
    return ()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _related(document: Document, complain: Complain) -> None:
    value = document.data.get("related")
    hint = "write '- id: …' and 'type: derived' lines below it"
    for item in value if isinstance(value, list) else [] if value is None else [value]:
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            complain(document.line_of("related"), f"related holds {shown(item)}", hint)
        elif item.get("type") not in RELATIONS:
            complain(
                document.line_of("related", "type"),
                f"related has the type {shown(item.get('type'))}",
                f"write one of {', '.join(RELATIONS)}",
            )


def _extension(document: Document, complain: Complain) -> dict[str, Any]:
    extension = document.data.get(EXTENSION)
    if extension is None:
        return {}
    if not isinstance(extension, dict):
        complain(document.line_of(EXTENSION), f"{EXTENSION} is not a mapping", "write 'entity: source.ip' below it")
        return {}
    found: dict[str, Any] = {}
    known = OF_FILTERS if "filter" in document.data else OF_RULES
    for key, value in extension.items():
        line = document.line_of(EXTENSION, key)
        if key not in known:
            complain(line, f"{EXTENSION} has the unknown key '{key}'", closest(key, known))
        elif key == "expires":
            found[key] = _day(value)
            if found[key] is None:
                complain(line, f"{EXTENSION}.expires is {shown(value)}", "write the last day, as 2027-01-31")
        elif not _is_text(value):
            complain(line, f"{EXTENSION}.{key} is {shown(value)}", "write text")
        elif key == "window":
            seconds = duration(value)
            if seconds is None or seconds > MAX_ALERT_SECONDS:
                complain(line, f"{EXTENSION}.window is {shown(value)}", "write 30m, 1h, 6h … up to 1d")
            else:
                found["window_seconds"] = seconds
        else:
            found[key] = value.strip()
    return found
