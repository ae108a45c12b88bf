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
from typing import Any

from detectors.sigma.document import Document
from detectors.sigma.rule import LEVELS

STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
EXTENSION = "hamrong"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_WINDOW_SECONDS = 31 * 86400
_IDS = uuid.UUID("6f0c7a52-6a0f-5b0e-9a51-5b1c0c6a9a11")

Complain = Callable[[int, str, str], None]
"""Takes line, what and hint of a problem."""


def duration(text: Any) -> int | None:
    """Seconds of `90s`, `5m`, `1h`, `2d`, `1w`; None if it is no such text."""
    match = re.fullmatch(r"(\d{1,9})([smhdw])", str(text))
    return int(match[1]) * _UNITS[match[2]] if match and int(match[1]) else None


def closest(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not among the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def metadata(document: Document, complain: Complain) -> dict[str, Any]:
    """Title, id, level and so on, and the extension. A document without `id` gets one made of its content."""
    data = document.data
    found: dict[str, Any] = {
        "id": str(data.get("id") or uuid.uuid5(_IDS, repr(data))),
        "name": _text(document, "name", complain),
        "title": _text(document, "title", complain),
        "description": _text(document, "description", complain).strip(),
        "author": _text(document, "author", complain),
        "line": document.line,
    }
    for key in ("tags", "references", "falsepositives"):
        found[key] = _texts(document, key, complain)
    for key, known, default in (("level", LEVELS, "medium"), ("status", STATUSES, "test")):
        value = data.get(key)
        if value is not None and value not in known:
            complain(document.line_of(key), f"{key} is {value!r}", f"write one of {', '.join(known)}")
        found[key] = value if value in known else default
    if not found["title"]:
        complain(document.line_of("title"), "has no title", "write 'title: what happened'")
    found.update(_extension(document, complain))
    return found


def _text(document: Document, key: str, complain: Complain) -> str:
    value = document.data.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (int, float)):
        return str(value)
    complain(document.line_of(key), f"{key} is not text", f"write '{key}: some text'")
    return ""


def _texts(document: Document, key: str, complain: Complain) -> tuple[str, ...]:
    value = document.data.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(str(item) for item in value if item is not None)
    complain(document.line_of(key), f"{key} is not a list", f"write '{key}:' and '- item' lines below it")
    return ()


def _extension(document: Document, complain: Complain) -> dict[str, Any]:
    extension = document.data.get(EXTENSION)
    if extension is None:
        return {}
    if not isinstance(extension, dict):
        complain(document.line_of(EXTENSION), f"{EXTENSION} is not a mapping", "write 'entity: source.ip' below it")
        return {}
    found: dict[str, Any] = {}
    known = ("entity", "window", "reason", "reason_vi", "runbook")
    for key, value in extension.items():
        line = document.line_of(EXTENSION, key)
        if key not in known:
            complain(line, f"{EXTENSION} has the unknown key '{key}'", closest(key, known))
        elif not isinstance(value, str):
            complain(line, f"{EXTENSION}.{key} is {value!r}", "write text")
        elif key == "window":
            seconds = duration(value)
            if seconds is None or seconds > MAX_WINDOW_SECONDS:
                complain(line, f"{EXTENSION}.window is '{value}'", "write 30m, 1h, 2d … up to 31d")
            else:
                found["window_seconds"] = seconds
        else:
            found[key] = value.strip()
    return found
