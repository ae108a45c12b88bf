"""message: alerts -> what is sent of them.

In:   alert documents; the templates
Out:  a `Message`: subject, text and JSON
Docs: RFC 5322; `templates/*.txt` (Jinja), of which a site may have its own
"""

from __future__ import annotations

import hashlib
import unicodedata
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from hamrong.errors import HamrongError
from hamrong.zone import ZONE
from triage import words

SHOWN = 20
"""Alerts that one message lists; the queue has the rest."""


@dataclass(frozen=True)
class Message:
    identity: str
    """The same for the same alerts, so that a message that is sent twice can be known as one."""
    subject: str
    text: str
    payload: dict[str, Any]


class Writer:
    def __init__(self, pages_url: str, templates: str = "") -> None:
        """`templates` is a folder with subject.txt and text.txt that stand for our own.

        Raises HamrongError for a folder or a template that is none.
        """
        own = jinja2.PackageLoader("triage.notify")
        loaders = [jinja2.FileSystemLoader(templates), own] if templates else [own]
        self._pages = pages_url.rstrip("/")
        # Plain text: nothing of it is markup.
        self._environment = jinja2.Environment(loader=jinja2.ChoiceLoader(loaders), autoescape=False, trim_blocks=True)  # noqa: S701
        if templates and not Path(templates).is_dir():
            raise HamrongError(f"notify.templates is '{templates}', which is no folder")
        try:
            for name in ("subject.txt", "text.txt"):
                self._environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            raise HamrongError(f"{error.filename}:{error.lineno}: {error.message}") from error

    def write(self, alerts: Sequence[Mapping[str, Any]]) -> Message:
        shown = [self._alert(document) for document in alerts[:SHOWN]]
        values = {"alerts": shown, "more": len(alerts) - len(shown), "queue": f"{self._pages}/soc/queue"}
        subject = " ".join(self._environment.get_template("subject.txt").render(values).split())
        text = self._environment.get_template("text.txt").render(values)
        ids = sorted(str(document["soc"]["alert"]["id"]) for document in alerts)
        identity = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]
        return Message(identity, subject[:200], text, {"text": subject[:200], **values})

    def _alert(self, document: Mapping[str, Any]) -> dict[str, Any]:
        alert = document["soc"]["alert"]
        return {
            "id": alert["id"],
            "severity": alert["severity"],
            "severity_vi": words.of(words.SEVERITY, alert["severity"])[0],
            "risk_score": int(alert["risk_score"]),
            "reason": _line(alert["reason"]),
            "reason_vi": _line(alert["reason_vi"]),
            # The rule's author wrote it, so its links may be followed.
            "runbook": _line(alert.get("runbook") or "", links=True),
            "entity": {"type": alert["entity"]["type"], "value": _line(alert["entity"]["value"])},
            "service": _line((document.get("service") or {}).get("name") or ""),
            "count": int(alert["count"]),
            "first_seen": f"{datetime.fromisoformat(alert['first_seen']).astimezone(ZONE):%d/%m/%Y %H:%M:%S}",
            "rule": _line(document["rule"]["name"]),
            "link": f"{self._pages}/soc/alert/{urllib.parse.quote(str(alert['id']), safe='')}",
        }


def _line(text: str, links: bool = False) -> str:
    """One line without control characters: what stood in a log must not become a header or a line of ours.

    Nor a link of ours: mail and chat programs make one of each address that they see.
    """
    kinds = ("C", "Zl", "Zp")
    line = "".join(" " if unicodedata.category(letter).startswith(kinds) else letter for letter in text)[:1000]
    return line if links else line.replace("://", "[:]//")
