"""records: Windows event records, as the tools that read .evtx write them in JSON -> Sigma's field names.

In:   `{"Event": {"System": {…}, "EventData": {…}}}`, or `UserData` in the place of `EventData`
Out:  flat events with `Channel`, `EventID`, `Provider_Name` and the names of the event's own data without blanks
Docs: Windows event schema; evtx_dump (its JSON: `#attributes`, `#text`); Sigma taxonomy appendix, Windows
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ATTRIBUTES = "#attributes"
_TEXT = "#text"
_BLANKS = re.compile(r"\s+")

# What rules call the parts of Event/System that have attributes; the others keep their element's name.
_SYSTEM = {
    ("Provider", "Name"): "Provider_Name",
    ("Provider", "Guid"): "Provider_Guid",
    ("TimeCreated", "SystemTime"): "TimeCreated",
    ("Correlation", "ActivityID"): "Correlation_ActivityID",
    ("Correlation", "RelatedActivityID"): "Correlation_RelatedActivityID",
    ("Execution", "ProcessID"): "Execution_ProcessID",
    ("Execution", "ThreadID"): "Execution_ThreadID",
    ("Security", "UserID"): "Security_UserID",
}
_TELLING = ("Channel", "EventID", "Provider_Name", "Computer")


def is_record(event: dict[str, Any]) -> bool:
    inner = event.get("Event")
    return isinstance(inner, dict) and isinstance(inner.get("System"), dict)


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """One record with Sigma's names.

    A field of EventData hides one of System, but not those that tell what the event is.
    """
    event = _parts(record.get("Event"))
    system = {name: value for name, value in _system(_parts(event.get("System"))) if not isinstance(value, dict)}
    told = {name: system[name] for name in _TELLING if name in system}
    fields = {
        **system,
        **dict(_data(_parts(event.get("UserData")))),
        **dict(_data(_parts(event.get("EventData")))),
        **told,
    }
    if "TimeCreated" in system:
        fields["@timestamp"] = system["TimeCreated"]
    fields["product"] = "windows"
    return fields


def _system(system: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for element, value in system.items():
        if isinstance(value, dict):
            if _TEXT in value:
                yield element, value[_TEXT]
            for name, inner in _parts(value.get(_ATTRIBUTES)).items():
                yield _SYSTEM.get((element, name), f"{element}_{name}"), inner
        elif value is not None:
            yield element, value


def _data(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """EventData is flat, UserData has elements around its fields: a field is named by its own element alone."""
    # A stack, not a recursion: how deep JSON goes is its sender's to choose.
    stack = [iter(data.items())]
    while stack:
        for name, inner in stack[-1]:
            if isinstance(inner, dict) and _TEXT in inner:
                inner = inner[_TEXT]
            if name == _ATTRIBUTES or inner is None:
                continue
            if isinstance(inner, dict):
                stack.append(iter(inner.items()))
                break
            yield _BLANKS.sub("", name), inner
        else:
            stack.pop()


def _parts(element: Any) -> dict[str, Any]:
    """What is in an element; nothing when it is empty or but text."""
    return element if isinstance(element, dict) else {}
