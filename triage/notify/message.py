"""message: alerts -> what is sent of them.

In:   alert documents; the templates
Out:  a `Message`: subject, text and JSON
Docs: RFC 5322; `templates/*.txt` (Jinja), of which a site may have its own
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from triage import words

SHOWN = 20
"""Alerts that one message lists; the queue has the rest."""
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class Message:
    identity: str
    """The same for the same alerts, so that a message that is sent twice can be known as one."""
    subject: str
    text: str
    payload: dict[str, Any]


class Writer:
    def __init__(self, pages_url: str, templates: str = "") -> None:
        """`templates` is a folder with subject.txt and text.txt that stand for our own."""
        own = jinja2.PackageLoader("triage.notify")
        loaders = [jinja2.FileSystemLoader(templates), own] if templates else [own]
        self._pages = pages_url.rstrip("/")
        # Plain text: nothing of it is markup.
        self._environment = jinja2.Environment(loader=jinja2.ChoiceLoader(loaders), autoescape=False, trim_blocks=True)  # noqa: S701

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
            "risk_score": alert["risk_score"],
            "reason": _line(alert["reason"]),
            "reason_vi": _line(alert["reason_vi"]),
            "runbook": _line(alert.get("runbook") or ""),
            "entity": {"type": alert["entity"]["type"], "value": _line(alert["entity"]["value"])},
            "service": (document.get("service") or {}).get("name") or "",
            "count": alert["count"],
            "first_seen": f"{datetime.fromisoformat(alert['first_seen']).astimezone(ZONE):%d/%m/%Y %H:%M:%S}",
            "rule": document["rule"]["name"],
            "link": f"{self._pages}/soc/alert/{alert['id']}",
        }


def _line(text: str) -> str:
    """One line without control characters: what stood in a log must not become a header or a line of ours."""
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)[:1000]
