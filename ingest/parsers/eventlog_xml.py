r"""eventlog_xml: a Windows event as its own XML in one line -> ECS.

In:   `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>...</Event>`
Out:  `winlog.*` and ECS, see ingest/vendors/winlog.py
Docs: Windows event schema, EventType; XML 1.0 §2.4

Windows writes this XML and nothing else: elements without mixed content. So expressions read it, in linear time, where
an XML library would expand entities that the sender defines.
"""

from __future__ import annotations

import html
import re

import numpy as np
import pyarrow as pa

from ingest.lines import Context, Parsed, Parser
from ingest.vendors import winlog

ELEMENT = re.compile(r"<(\w+)([^<>]*?)(?:/>|>([^<]*)</\1>)")
ATTRIBUTE = re.compile(r"(\w+)=(?:'([^'<]*)'|\"([^\"<]*)\")")
DATA = re.compile(r"<Data(?: +Name=(?:'([^'<]*)'|\"([^\"<]*)\"))? *(?:/>|>([^<]*)</Data>)")

TEXTS = {
    "EventID": "event_id", "Version": "version", "Level": "level", "Task": "task", "Opcode": "opcode",
    "Keywords": "keywords", "EventRecordID": "record_id", "Channel": "channel", "Computer": "computer",
}  # fmt: skip
ATTRIBUTES = {
    ("Provider", "Name"): "provider", ("Provider", "Guid"): "provider_guid", ("TimeCreated", "SystemTime"): "time",
    ("Correlation", "ActivityID"): "activity_id", ("Execution", "ProcessID"): "pid", ("Execution", "ThreadID"): "tid",
    ("Security", "UserID"): "user_id",
}  # fmt: skip


def _inside(text: str, name: str) -> str:
    """What stands between the first `<name...>` and its end; "" when there is none."""
    start = text.find(f"<{name}")
    end = text.find(f"</{name}>", start)
    return text[text.find(">", start) + 1 : end] if 0 <= start < end else ""


def _value(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _record(text: str) -> winlog.Record | None:
    if not text.rstrip().endswith("</Event>"):
        return None
    header: dict[str, str] = {}
    for name, attributes, content in ELEMENT.findall(_inside(text, "System")):
        if name in TEXTS and content:
            header[TEXTS[name]] = _value(content)
        for attribute, single, double in ATTRIBUTE.findall(attributes):
            if (name, attribute) in ATTRIBUTES and (single or double):
                header[ATTRIBUTES[name, attribute]] = _value(single or double)
    if not winlog.is_event(header):
        return None
    if message := _inside(_inside(text, "RenderingInfo"), "Message"):
        header["message"] = _value(message)
    return header, _data(text)


def _data(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    bare: list[str] = []
    for single, double, content in DATA.findall(_inside(text, "EventData")):
        if name := single or double:
            found[_value(name)] = _value(content)
        else:
            bare.append(_value(content))
    for name, _, content in ELEMENT.findall(_inside(text, "UserData")):
        found[name] = _value(content)
    return found | winlog.unnamed(bare)


def read(messages: pa.Array, context: Context) -> Parsed:
    found = [(row, record) for row, text in enumerate(messages.to_pylist()) if (record := _record(text))]
    rows = np.array([row for row, _ in found], dtype=np.int64)
    if not found:
        return rows, {}
    return rows, winlog.events([record for _, record in found], context.zone.take(pa.array(rows)))


PARSER = Parser(
    module="windows",
    dataset="windows.forwarded",
    signature=r"\s*(?:<\?xml[^>]*>\s*)?<Event[ >]",
    read=read,
)
