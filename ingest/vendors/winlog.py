"""winlog: a Windows event, whoever sent it -> ECS.

In:   the parts of `<System>` as columns, and the pairs of `<EventData>`
Out:  `winlog.*` as Winlogbeat names it, and ECS as its modules for Security and Sysmon fill it
Docs: Windows event schema; Windows security auditing events; Sysmon, "Events"; Winlogbeat, "Modules"

All event data stay under `winlog.event_data.*` as they are: Sigma's rules are written with those names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import Mask, is_true, is_valid, list_of
from ingest.event import TEXT, TEXTS, Columns
from ingest.vendors import iis_events, windows_text
from ingest.vendors.event_data import EventData, base, each, where
from ingest.vendors.windows_actions import is_any, meaning
from ingest.vendors.windows_users import users

HEADER = (
    "event_id", "channel", "provider", "provider_guid", "computer", "time", "level", "keywords", "opcode", "task",
    "record_id", "pid", "tid", "user_id", "user_name", "user_domain", "user_type", "activity_id", "version", "outcome",
    "message",
)  # fmt: skip
"""The parts of an event beside its data."""

Record = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The header, by names of HEADER, and the data; values as JSON has them, None is none."""

KEPT = {
    "winlog.channel": "channel", "winlog.event_id": "event_id", "winlog.provider_name": "provider",
    "winlog.provider_guid": "provider_guid", "winlog.computer_name": "computer", "winlog.record_id": "record_id",
    "winlog.task": "task", "winlog.opcode": "opcode", "winlog.keywords": "keywords", "winlog.version": "version",
    "winlog.level": "level",
    "winlog.process.pid": "pid", "winlog.process.thread.id": "tid", "winlog.activity_id": "activity_id",
    "winlog.user.identifier": "user_id", "winlog.user.name": "user_name", "winlog.user.domain": "user_domain",
    "winlog.user.type": "user_type",
}  # fmt: skip

# Sysmon's events whose Hashes are those of a file, not of the process.
OF_FILE = "6 7 15 26 27 28 29"

FAILURES = "4625 4771 5031 5152 5155 5157 5159"
AUDIT_FAILURE, AUDIT_SUCCESS = 1 << 52, 1 << 53
LEVELS = {
    "0": "information", "1": "critical", "2": "error", "3": "warning", "4": "information", "5": "verbose",
    "info": "information", "success": "information", "success audit": "information", "failure audit": "information",
}  # fmt: skip
LOGON_TYPES = {
    "2": "Interactive", "3": "Network", "4": "Batch", "5": "Service", "7": "Unlock", "8": "NetworkCleartext",
    "9": "NewCredentials", "10": "RemoteInteractive", "11": "CachedInteractive",
}  # fmt: skip
TRANSPORTS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}
DIRECTIONS = {"%%14592": "ingress", "%%14593": "egress", "inbound": "ingress", "outbound": "egress"}
DATASETS = {
    "security": "security", "system": "system", "application": "application", "windows powershell": "powershell",
    "microsoft-windows-powershell/operational": "powershell_operational",
    "powershellcore/operational": "powershell_operational",
    "microsoft-windows-sysmon/operational": "sysmon_operational",
    "microsoft-windows-windows defender/operational": "windows_defender",
}  # fmt: skip


def is_event(header: Mapping[str, Any]) -> bool:
    return str(header.get("event_id")).isdecimal() and bool(header.get("channel") or header.get("provider"))


def events(records: Sequence[Record], zones: pa.Array) -> Columns:
    """Stamps without an offset are in `zones`. An event that brings a text and no data has them read from the text."""
    data = [
        pairs or windows_text.data(_text(header["message"]), header.get("provider"), _text(header.get("event_id")))
        if header.get("message")
        else pairs
        for header, pairs in records
    ]
    lengths = [sum(value is not None for value in pairs.values()) for pairs in data]
    names = [name for pairs in data for name, value in pairs.items() if value is not None]
    values = _texts([value for pairs in data for value in pairs.values() if value is not None])
    headers = [header for header, _ in records]
    columns = {name: _texts([header.get(name) for header in headers]) for name in HEADER}
    return _ecs(columns, EventData(lengths, names, values), zones)


def _ecs(header: Columns, data: EventData, zones: pa.Array) -> Columns:
    security = is_true(pc.equal(pc.utf8_lower(header["channel"]), "security"))
    sysmon = is_true(pc.equal(header["provider"], "Microsoft-Windows-Sysmon"))
    columns = {
        **{name: header[part] for name, part in KEPT.items()},
        **meaning(header["channel"], header["event_id"]),
        "@timestamp": _time(header["time"], data, sysmon, zones),
        "event.code": header["event_id"],
        "event.provider": header["provider"],
        "event.module": pa.repeat(pa.scalar("windows"), data.rows),
        "event.dataset": each(header["channel"], lambda name: f"windows.{DATASETS.get(name.lower(), 'forwarded')}"),
        "event.outcome": pc.coalesce(
            header["outcome"], each(header["keywords"], _outcome), _result(header, data, security)
        ),
        "log.level": each(header["level"], lambda level: LEVELS.get(level.lower(), level.lower())),
        "host.name": header["computer"],
        "message": header["message"],
        "winlog.logon.type": each(data["LogonType"], LOGON_TYPES.get),
        "rule.name": data["RuleName"],
        "vendor": data.map("winlog.event_data."),
    }
    columns |= _process(header["event_id"], data, security) | _hashes(header["event_id"], data)
    columns |= users(header, data, security) | _network(header["event_id"], data)
    columns |= iis_events.request(header["provider"], columns, data)
    return columns | _objects(header["event_id"], data, security)


def _time(time: pa.Array, data: EventData, sysmon: Mask, zones: pa.Array) -> pa.Array:
    """Sysmon's own UtcTime is when it happened, the header's when it was written down."""
    if not sysmon.any():
        return stamps.iso(time, zones)
    utc = pc.binary_join_element_wise(where(sysmon, data["UtcTime"]), "Z", "")
    return pc.coalesce(stamps.iso(utc, zones), stamps.iso(time, zones))


def _outcome(keywords: str) -> str | None:
    """Of the bits (`0x8020000000000000`, or signed decimal) or of their names."""
    named = keywords.lower()
    number = _number(keywords)
    if "audit failure" in named or "audit_failure" in named or (number or 0) & AUDIT_FAILURE:
        return "failure"
    return "success" if "audit success" in named or "audit_success" in named or (number or 0) & AUDIT_SUCCESS else None


def _result(header: Columns, data: EventData, security: Mask) -> pa.Array:
    """Of an audited event whose sender left its keywords out."""
    code = header["event_id"]
    known = security & is_valid(meaning(header["channel"], code)["event.action"])
    refused = is_true(pc.invert(pc.match_substring_regex(data["Status"], "^0x0+$")))
    failed = is_any(code, FAILURES) | (is_any(code, "4768 4769 4776") & refused)
    return where(known, pc.if_else(pa.array(failed), "failure", "success"))


def _number(text: str) -> int | None:
    try:
        return int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        return None


def _decimal(text: str) -> str | None:
    """`0x1f4` -> `500`."""
    number = _number(text) if len(text) < 20 else None
    return None if number is None or number < 0 else str(number)


def _process(event_id: pa.Array, data: EventData, security: Mask) -> Columns:
    started = security & is_any(event_id, "4688")
    pid = data.first("ProcessId", "SourceProcessId", "ProcessID", "CallerProcessId")
    executable = data.first(
        "Image", "SourceImage", "NewProcessName", "ProcessName", "CallerProcessName", "Application", "Process Name"
    )
    parent = data.first("ParentImage", "ParentProcessName")
    return {
        "process.pid": each(pc.if_else(pa.array(started), data["NewProcessId"], pid), _decimal),
        "process.parent.pid": each(pc.coalesce(data["ParentProcessId"], where(started, pid)), _decimal),
        "process.executable": executable,
        "process.name": each(executable, base),
        "process.command_line": data["CommandLine"],
        "process.working_directory": data["CurrentDirectory"],
        "process.entity_id": data.first("ProcessGuid", "SourceProcessGUID", "SourceProcessGuid"),
        "process.thread.id": data["SourceThreadId"],
        "process.parent.executable": parent,
        "process.parent.name": each(parent, base),
        "process.parent.command_line": data["ParentCommandLine"],
        "process.parent.entity_id": data["ParentProcessGuid"],
        "process.pe.original_file_name": where(~is_any(event_id, "7"), data["OriginalFileName"]),
    }


def _hashes(event_id: pa.Array, data: EventData) -> Columns:
    """`SHA1=...,MD5=...,SHA256=...,IMPHASH=...` in any order."""
    written = data.first("Hashes", "Hash")
    if written.null_count == len(written):
        return {}
    kinds = {"md5": 32, "sha1": 40, "sha256": 64, "imphash": 32}
    found = {
        kind: pc.utf8_lower(
            pc.struct_field(
                pc.extract_regex(written, rf"(?i)(?:^|,){kind}=(?P<value>[0-9a-f]{{{length}}})(?:,|$)"), "value"
            )
        )
        for kind, length in kinds.items()
    }
    found = {kind: each(column, lambda value: value if value.strip("0") else None) for kind, column in found.items()}
    of_file = is_any(event_id, OF_FILE)
    hashes: Columns = {"related.hash": list_of(list(found.values()))}
    for kind, column in found.items():
        name = "pe.imphash" if kind == "imphash" else f"hash.{kind}"
        hashes |= {f"process.{name}": where(~of_file, column), f"file.{name}": where(of_file, column)}
    return hashes


def _network(event_id: pa.Array, data: EventData) -> Columns:
    source = data.first("IpAddress", "SourceIp", "SourceAddress", "ClientAddress", "Address", "ClientIP")
    source = pc.coalesce(source, where(is_any(event_id, "1149"), data["Param3"]))
    transport = data["Protocol"]
    initiated = data["Initiated"]
    ports = data.first("DestinationPortName", "SourcePortName")
    query = data["QueryName"]
    destination = data.first("DestinationIp", "DestAddress")
    return {
        "source.ip": source,
        "source.port": each(data.first("IpPort", "SourcePort", "ClientPort"), _decimal),
        "source.domain": each(
            data.first("WorkstationName", "Workstation", "SourceHostname", "ClientName"),
            lambda name: name.lstrip("\\") or None,
        ),
        "destination.ip": destination,
        "destination.port": data.first("DestinationPort", "DestPort"),
        "destination.domain": data["DestinationHostname"],
        "network.transport": each(transport, lambda name: TRANSPORTS.get(name, name.lower())),
        "network.type": each(pc.coalesce(destination, data["SourceIp"]), lambda ip: "ipv6" if ":" in ip else "ipv4"),
        "network.protocol": pc.coalesce(ports, pc.if_else(query.is_valid(), "dns", pa.scalar(None, TEXT))),
        "network.direction": pc.coalesce(
            each(initiated, {"true": "egress", "false": "ingress"}.get),
            each(data["Direction"], lambda name: DIRECTIONS.get(name.lower())),
        ),
        "dns.question.name": query,
        "dns.resolved_ip": _answers(data["QueryResults"]),
        "sysmon.dns.status": data["QueryStatus"],
    }


def _answers(results: pa.Array) -> pa.Array:
    """The addresses of `type:  5 www.example.org;::ffff:192.0.2.1;`."""
    if results.null_count == len(results):
        return pa.nulls(len(results), TEXTS)
    addresses = [
        None
        if text is None
        else [part.removeprefix("::ffff:") for part in text.split(";") if part and not part.startswith("type:")]
        for text in results.to_pylist()
    ]
    return pa.array([found or None for found in addresses], TEXTS)


def _objects(event_id: pa.Array, data: EventData, security: Mask) -> Columns:
    """Files and registry keys."""
    object_name = where(security, data["ObjectName"])
    is_file = is_true(pc.equal(data["ObjectType"], "File"))
    shared = pc.binary_join_element_wise(
        pc.utf8_rtrim(data["ShareLocalPath"], characters="\\"), data["RelativeTargetName"], "\\"
    )
    # Of a script block, or what Windows Defender found: `file:_C:\\x.exe; ...`.
    found = each(data["Path"], lambda text: text.removeprefix("file:_").split(";")[0])
    path = pc.coalesce(
        data.first("TargetFilename", "ImageLoaded", "Device"), where(is_file, object_name), shared, found
    )
    named = pc.coalesce(each(path, base), data.first("PipeName", "RelativeTargetName"))
    value = security & is_any(event_id, "4657")
    key = pc.coalesce(
        data["TargetObject"], where(value, pc.binary_join_element_wise(object_name, data["ObjectValueName"], "\\"))
    )
    set_value = where(is_valid(data["Details"]) | value, each(key, base))
    return {
        "file.path": path,
        "file.name": named,
        "file.extension": each(named, lambda name: name.rpartition(".")[2] if "." in name else None),
        "registry.path": key,
        "registry.value": set_value,
        "registry.data.strings": where(is_valid(key), data.first("Details", "NewValue")),
    }


def _texts(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except pa.ArrowException:  # numbers are among them, or objects
        return pa.array([_text(value) for value in values], TEXT)


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def unnamed(values: Sequence[str]) -> dict[str, str]:
    """Data without names, by the names that Winlogbeat gives them, and all of them as Sigma's `Data`."""
    numbered = {f"param{number}": value for number, value in enumerate(values, start=1)}
    return {**numbered, "Data": "\n".join(values)} if values else {}
