r"""eventlog_json: Windows events as JSON, of every common sender -> ECS.

In:   NXLog's to_json and other flat objects; Winlogbeat, of version 6 too; evtx tools, `{"Event": {"System": ...}}`;
      Wazuh's `win`; Fluent Bit; osquery's windows_events
Out:  `winlog.*` and ECS, see ingest/vendors/winlog.py
Docs: NXLog im_msvistalog, "Fields"; Winlogbeat, "Exported fields"; Windows event schema

Named so that it comes before parsers that take any object: Winlogbeat writes an `event.action` of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ingest.columns import Sheet
from ingest.event import Columns
from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.lines import Context, Parsed, Parser
from ingest.vendors import winlog

# Key of a flat object -> part of the header. Keys are written as each sender writes them: ProcessID is whose event it
# is, ProcessId is a value of the event.
FLAT = {
    **dict.fromkeys(("EventID", "EventId", "event_id", "eventid"), "event_id"),
    **dict.fromkeys(("Channel", "channel", "log_name", "LogName"), "channel"),
    **dict.fromkeys(("SourceName", "Provider_Name", "ProviderName", "provider_name", "source_name"), "provider"),
    **dict.fromkeys(("ProviderGuid", "provider_guid"), "provider_guid"),
    **dict.fromkeys(("Hostname", "Computer", "computer_name", "MachineName"), "computer"),
    **dict.fromkeys(("EventTime", "TimeCreated", "time_created", "datetime", "@timestamp"), "time"),
    **dict.fromkeys(("SeverityName", "Severity", "level", "Level"), "level"),
    **dict.fromkeys(("Keywords", "keywords"), "keywords"),
    **dict.fromkeys(("Opcode", "opcode", "OpcodeValue"), "opcode"),
    **dict.fromkeys(("Category", "task", "Task", "TaskValue"), "task"),
    **dict.fromkeys(("RecordNumber", "record_number", "RecordId", "EventRecordID", "EventRecordId"), "record_id"),
    **dict.fromkeys(("ExecutionProcessID", "ProcessID", "process_id"), "pid"),
    **dict.fromkeys(("ExecutionThreadID", "ThreadID", "thread_id"), "tid"),
    "UserID": "user_id", "AccountName": "user_name", "Domain": "user_domain", "AccountType": "user_type",
    **dict.fromkeys(("ActivityID", "ActivityId", "activity_id"), "activity_id"),
    **dict.fromkeys(("Version", "version"), "version"),
    **dict.fromkeys(("Message", "message"), "message"),
}  # fmt: skip
# Of the sender's own affairs.
IGNORED = frozenset(
    (
        "@version", "tags", "host", "hostname", "port", "type", "path", "beat", "agent", "ecs", "input", "prospector",
        "offset", "source", "user", "EventReceivedTime", "EventTimeWritten", "SourceModuleName", "SourceModuleType",
        "SeverityValue", "LevelValue", "EventTypeOrignal", "Qualifiers", "RelatedActivityID", "ERROR_EVT_UNRESOLVED",
    )
)  # fmt: skip
NESTED = ("EventType", "StringInserts", "data", "event_data", "EventData", "user_data")
WINLOG = {
    "event_id": "event_id", "channel": "channel", "provider_name": "provider", "provider_guid": "provider_guid",
    "computer_name": "computer", "time_created": "time", "level": "level", "opcode": "opcode", "task": "task",
    "record_id": "record_id", "activity_id": "activity_id", "version": "version",
}  # fmt: skip
SYSTEM = {
    "Channel": "channel", "Computer": "computer", "Level": "level", "Keywords": "keywords", "Opcode": "opcode",
    "Task": "task", "EventRecordID": "record_id", "Version": "version", "EventID": "event_id",
}  # fmt: skip
WAZUH = {
    "providerName": "provider", "providerGuid": "provider_guid", "eventID": "event_id", "channel": "channel",
    "computer": "computer", "systemTime": "time", "level": "level", "keywords": "keywords", "opcode": "opcode",
    "task": "task", "eventRecordID": "record_id", "processID": "pid", "threadID": "tid", "version": "version",
    "message": "message",
}  # fmt: skip
# What a Winlogbeat that ran its modules, or Elastic's agent, has filled in already.
SENT = ("user", "source", "destination", "process", "file", "registry", "network", "dns", "group", "rule", "powershell")
AUDITED = {"AUDIT_SUCCESS": "success", "AUDIT_FAILURE": "failure"}
NXLOG_TYPES = frozenset((*AUDITED, "INFO", "WARNING", "ERROR", "CRITICAL", "VERBOSE", "DEBUG"))

Header = dict[str, Any]
Read = tuple[Header, Document, Document]
"""Header, data, and ECS fields as sent."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _picked(document: Document, names: dict[str, str]) -> Header:
    found: Header = {}
    for key, part in names.items():
        value = document.get(key)
        if value is not None and value != "":
            found.setdefault(part, value)
    return found


def _winlogbeat(document: Document, inner: Document) -> Read:
    header = _picked(inner, WINLOG)
    event, user = _object(document.get("event")), _object(inner.get("user"))
    header.setdefault("event_id", event.get("code", ""))
    header.setdefault("computer", _object(document.get("host")).get("name"))
    # A collector's own @timestamp may be when it read the event.
    header.setdefault("time", document.get("@timestamp"))
    if message := document.get("message"):
        header["message"] = message
    if event.get("outcome") in ("success", "failure"):
        header["outcome"] = event["outcome"]
    if keywords := inner.get("keywords"):
        header["keywords"] = ", ".join(map(_text, keywords)) if isinstance(keywords, list) else keywords
    process = _object(inner.get("process"))
    thread = _object(process.get("thread"))
    parts = {"pid": process.get("pid"), "tid": thread.get("id")}
    parts |= {
        f"user_{name}": user.get(key) for name, key in (("id", "identifier"), ("name", "name"), ("domain", "domain"))
    }
    header |= parts
    pairs = {**_object(inner.get("event_data")), **_object(inner.get("user_data"))}
    return header, pairs, {name: document[name] for name in SENT if name in document}


def _evtx(event: Document) -> Read | None:
    """Attributes stand under `#attributes`, or with `@` before their names; values under `#text`, or bare."""
    system = event.get("System")
    if not isinstance(system, dict):
        return None
    header = _picked({key: _bare(value) for key, value in system.items()}, SYSTEM)
    attributes = {key: _attributes(value) for key, value in system.items()}
    named = {
        "provider": attributes.get("Provider", {}).get("Name"),
        "provider_guid": attributes.get("Provider", {}).get("Guid"),
        "time": attributes.get("TimeCreated", {}).get("SystemTime") or _bare(system.get("TimeCreated")),
        "pid": attributes.get("Execution", {}).get("ProcessID"),
        "tid": attributes.get("Execution", {}).get("ThreadID"),
        "user_id": attributes.get("Security", {}).get("UserID"),
        "activity_id": attributes.get("Correlation", {}).get("ActivityID"),
    }
    rendered = _object(event.get("RenderingInfo")).get("Message")
    return header | named | {"message": rendered}, _data(event), {}


def _bare(value: Any) -> Any:
    return value.get("#text", value.get("Value")) if isinstance(value, dict) else value


def _attributes(value: Any) -> Document:
    if not isinstance(value, dict):
        return {}
    inner = value.get("#attributes")
    return inner if isinstance(inner, dict) else {key.lstrip("@"): content for key, content in value.items()}


def _data(event: Document) -> Document:
    """EventData is an object, a list of `{"@Name", "#text"}`, or values without names; UserData lies one level down."""
    found: Document = {}
    for key in ("EventData", "UserData"):
        for name, value in _object(event.get(key)).items():
            if name == "Data" and isinstance(value, (list, str)):
                found |= _listed(value if isinstance(value, list) else [value])
            elif key == "UserData" and isinstance(value, dict):
                found |= {inner: _bare(content) for inner, content in value.items() if inner[:1] not in "#@"}
            elif name[:1] not in "#@":
                found[name] = _bare(value)
    return found


def _listed(values: list[Any]) -> Document:
    named = {value["@Name"]: value.get("#text") for value in values if isinstance(value, dict) and "@Name" in value}
    bare = [_text(_bare(value)) for value in values if not (isinstance(value, dict) and "@Name" in value)]
    return named | winlog.unnamed(bare)


def _wazuh(inner: Document) -> Read:
    pairs = {name[:1].upper() + name[1:]: value for name, value in _object(inner.get("eventdata")).items()}
    return _picked(_object(inner.get("system")), WAZUH), pairs, {}


def flat(document: Document) -> Read:
    """An object whose keys are the parts of an event and its data side by side."""
    parts, names, nested = _plan(tuple(document))
    header = {part: value for key, part in parts if (value := document[key]) is not None and value != ""}
    if "EventID" not in document and "EventId" not in document and "provider" not in header:
        return {}, {}, {}  # an event_id of a channel is no name that Windows alone uses
    pairs = {key: value for key in names if (value := document[key]) != ""}
    for key in nested:
        value = document[key]
        if key == "EventType" and isinstance(value, str) and value in NXLOG_TYPES:
            header |= {"outcome": AUDITED[value]} if value in AUDITED else {}
        elif key == "StringInserts" and isinstance(value, list):
            pairs |= winlog.unnamed([_text(item) for item in value])
        elif key == "data" and isinstance(value, str):
            pairs |= _data(_object(_json(value)))
        else:
            pairs |= value if isinstance(value, dict) else {key: value}
    return header, pairs, {}


@lru_cache(4096)
def _plan(keys: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """What the keys of a flat object are: of the header (of two keys for one part the first counts), data, or more."""
    parts: dict[str, str] = {}
    # Beside NXLog's ExecutionProcessID, ProcessID is a value of the event itself.
    flat_keys = FLAT if "ExecutionProcessID" not in keys else {key: FLAT[key] for key in FLAT if key != "ProcessID"}
    for key in keys:
        if key in flat_keys:
            parts.setdefault(flat_keys[key], key)
    names = [key for key in keys if key not in flat_keys and key not in IGNORED and key not in NESTED]
    return [(key, part) for part, key in parts.items()], names, [key for key in keys if key in NESTED]


def _object(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _json(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return None


def _read(document: Document) -> Read | None:
    for key, of in INSIDE.items():
        if isinstance(inner := document.get(key), dict):
            return of(document, inner)
    return flat(document)


def _in_data(document: Document, inner: Document) -> Read | None:
    return _wazuh(inner["win"]) if isinstance(inner.get("win"), dict) else flat(document)


INSIDE: dict[str, Callable[[Document, Document], Read | None]] = {
    "winlog": _winlogbeat,
    "Event": lambda _, inner: _evtx(inner),
    "win": lambda _, inner: _wazuh(inner),
    "data": _in_data,
    "columns": lambda _, inner: flat(inner),
}
"""Where the event lies in the object -> how it is read there."""


def read(messages: pa.Array, context: Context) -> Parsed:
    rows: list[int] = []
    records: list[winlog.Record] = []
    sent: list[Document] = []
    for row, text in enumerate(messages.to_pylist()):
        document = _json(text)
        found = _read(document) if isinstance(document, dict) else None
        if found is not None and winlog.is_event(found[0]):
            rows.append(row)
            records.append(found[:2])
            sent.append(found[2])
    known = np.array(rows, dtype=np.int64)
    if not rows:
        return known, {}
    columns = winlog.events(records, context.zone.take(pa.array(known)))
    return known, _overlaid(columns, sent) if any(sent) else columns


def _overlaid(columns: Columns, sent: list[Document]) -> Columns:
    """What the sender's own modules filled in counts before what is made of the event's data here."""
    sheet = Sheet(len(sent))
    sheet.put(columns)
    texts = pa.array([orjson.dumps(document).decode() if document else None for document in sent], pa.string())
    at, filled = json_lines.read(texts, pa.repeat(pa.scalar("UTC"), len(texts)), lambda document: document)
    sheet.put(filled, at)
    whole = sheet.batch()
    return dict(zip(whole.schema.names, whole.columns, strict=True))


PARSER = Parser(
    module="windows",
    dataset="windows.forwarded",
    signature=r'\s*\{.*"(?:winlog|EventID|EventId|event_id|eventid|Event|win|eventID)" ?:',
    read=read,
)
