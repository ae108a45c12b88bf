"""One Windows event is the same event, whoever sends it: same ECS, and the same rules fire on it."""

import datetime
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import ndjson
from detectors.sigma.ruleset import Ruleset
from ingest import files
from ingest.event import to_documents
from ingest.parse import parse
from ingest.sources import Register
from ingest.vendors import windows_text
from ingest.vendors.windows_actions import MEANINGS, TABLE

SHARED = Path(__file__).parents[4] / "shared"
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
SECURITY, SYSMON = "Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Sysmon"
CHANNELS = {SECURITY: "Security", SYSMON: "Microsoft-Windows-Sysmon/Operational"}

# (provider, event id, data, text of the event as Windows shows it)
PROCESS = {
    "RuleName": "-",
    "UtcTime": "2026-03-05 01:15:02.000",
    "ProcessGuid": "{0f1e2d3c-aaaa-6000-0100-000000000000}",
    "ProcessId": "7300",
    "Image": r"C:\Windows\System32\vssadmin.exe",
    "CommandLine": "vssadmin.exe delete shadows /all /quiet",
    "CurrentDirectory": "C:\\Users\\",
    "User": r"EXAMPLE\quantri",
    "Hashes": "MD5=0123456789ABCDEF0123456789ABCDEF",
    "ParentProcessId": "1380",
    "ParentImage": r"C:\Windows\System32\cmd.exe",
    "ParentCommandLine": "cmd.exe",
}
CREATED = {
    "SubjectUserSid": "S-1-5-21-1-2-3-500",
    "SubjectUserName": "quantri",
    "SubjectDomainName": "EXAMPLE",
    "SubjectLogonId": "0x3e7a1",
    "NewProcessId": "0x1c84",
    "NewProcessName": r"C:\Windows\System32\vssadmin.exe",
    "ProcessId": "0x564",
    "ParentProcessName": r"C:\Windows\System32\cmd.exe",
    "CommandLine": "vssadmin.exe delete shadows /all /quiet",
}
CREATED_TEXT = r"""A new process has been created.

Creator Subject:
	Security ID:		S-1-5-21-1-2-3-500
	Account Name:		quantri
	Account Domain:		EXAMPLE
	Logon ID:		0x3e7a1

Process Information:
	New Process ID:		0x1c84
	New Process Name:	C:\Windows\System32\vssadmin.exe
	Creator Process ID:	0x564
	Creator Process Name:	C:\Windows\System32\cmd.exe
	Process Command Line:	vssadmin.exe delete shadows /all /quiet

Token Elevation Type indicates the type of token that was assigned to the new process."""
EVENTS = {
    "sysmon": (
        SYSMON,
        1,
        PROCESS,
        "Process Create:\n" + "\n".join(f"{name}: {value}" for name, value in PROCESS.items()),
    ),
    "security": (SECURITY, 4688, CREATED, CREATED_TEXT),
}
Data = dict[str, str]


def nxlog(provider: str, event_id: int, data: Data, text: str) -> str:
    header = {"EventTime": "2026-03-05 08:15:02", "Hostname": "pc17.example.org", "EventType": "AUDIT_SUCCESS"}
    return json.dumps(
        header | {"EventID": event_id, "SourceName": provider, "Channel": CHANNELS[provider], "Message": text} | data
    )


def winlogbeat(provider: str, event_id: int, data: Data, text: str) -> str:
    winlog = {
        "channel": CHANNELS[provider],
        "event_id": str(event_id),
        "provider_name": provider,
        "computer_name": "pc17.example.org",
        "keywords": ["Audit Success"],
        "event_data": data,
    }
    event = {"code": str(event_id), "action": "Process Create", "provider": provider}
    return json.dumps({"@timestamp": "2026-03-05T01:15:02.000Z", "winlog": winlog, "event": event, "message": text})


def evtx(provider: str, event_id: int, data: Data, text: str) -> str:
    system = {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": event_id,
        "Keywords": "0x8020000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-03-05T01:15:02.000Z"}},
        "Channel": CHANNELS[provider],
        "Computer": "pc17.example.org",
    }
    return json.dumps({"Event": {"System": system, "EventData": data, "RenderingInfo": {"Message": text}}})


def wazuh(provider: str, event_id: int, data: Data, text: str) -> str:
    system = {
        "providerName": provider,
        "eventID": str(event_id),
        "keywords": "0x8020000000000000",
        "systemTime": "2026-03-05T01:15:02.000Z",
        "channel": CHANNELS[provider],
        "computer": "pc17.example.org",
        "message": text,
    }
    return json.dumps(
        {"win": {"system": system, "eventdata": {k[0].lower() + k[1:]: value for k, value in data.items()}}}
    )


def xml(provider: str, event_id: int, data: Data, text: str) -> str:
    pairs = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    lines = text.replace("\n", "&#10;").replace("\t", "&#9;")
    return (
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>"
        f"<EventID>{event_id}</EventID><Keywords>0x8020000000000000</Keywords><TimeCreated "
        f"SystemTime='2026-03-05T01:15:02.0000000Z'/><Channel>{CHANNELS[provider]}</Channel><Computer>pc17.example.org"
        f"</Computer></System><EventData>{pairs}</EventData><RenderingInfo Culture='en-US'><Message>{lines}</Message>"
        "</RenderingInfo></Event>"
    )


def snare(provider: str, event_id: int, _: Data, text: str) -> str:
    flat = text.replace("\n", "  ").replace("\t", " ")
    fields = ["1", CHANNELS[provider], "771", "Thu Mar 05 08:15:02 2026", str(event_id), provider, "N/A", "N/A"]
    return "<13>Mar  5 08:15:02 pc17 " + "\t".join(
        ["MSWinEventLog", *fields, "Success Audit", "pc17.example.org", "Process Creation", "", flat, "9"]
    )


def structured(provider: str, event_id: int, data: Data, text: str) -> str:
    values = {"EventID": str(event_id), "Channel": CHANNELS[provider], "EventType": "AUDIT_SUCCESS"} | data
    escaped = (f'{name}="{value.replace(chr(92), chr(92) * 2)}"' for name, value in values.items())
    return (
        f"<14>1 2026-03-05T08:15:02+07:00 pc17.example.org {provider} 672 - [NXLOG@14506 {' '.join(escaped)}] "
        + text.replace("\n", " ").replace("\t", " ")
    )


def program(provider: str, _: int, __: Data, text: str) -> str:
    return f"<14>Mar  5 08:15:02 pc17.example.org {provider}[672]: " + text.replace("\n", "#012").replace("\t", "#011")


SHAPES: list[Callable[[str, int, Data, str], str]] = [
    nxlog,
    winlogbeat,
    evtx,
    wazuh,
    xml,
    snare,
    structured,
    program,
]
RULES = {
    "process_creation": "Image|endswith: \\vssadmin.exe\n    CommandLine|contains|all: [delete, shadows]\n"
    "    ParentImage|endswith: \\cmd.exe\n    User|contains: quantri",
    "file_event": "TargetFilename|contains: vssadmin",
}


def events(lines: list[bytes]) -> tuple[pa.RecordBatch, list[dict[str, Any]]]:
    batch = parse(files.batch(lines, RECEIVED, "winlog"), Register())
    return batch, to_documents(batch)


@pytest.fixture(scope="module")
def ruleset(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    folder = tmp_path_factory.mktemp("rules")
    for number, (category, selection) in enumerate(RULES.items()):
        (folder / f"{category}.yml").write_text(
            f"title: {category}\nid: 00000000-0000-4000-8000-00000000000{number}\nstatus: test\nlevel: high\n"
            f"logsource: {{product: windows, category: {category}}}\n"
            f"detection:\n  selection:\n    {selection}\n  condition: selection\n"
        )
    return Ruleset.load([folder], strict=False)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("kind", EVENTS)
def test_every_shape_gives_the_same_event(shape: Callable[..., str], kind: str, ruleset: Ruleset) -> None:
    batch, (event,) = events([shape(*EVENTS[kind]).encode()])
    wanted = {
        "@timestamp": "2026-03-05T01:15:02.000Z",
        "event.module": "windows",
        "event.code": str(EVENTS[kind][1]),
        "event.provider": EVENTS[kind][0],
        "event.category": ["process"],
        "event.type": ["start"],
        "host.name": "pc17.example.org",
        "process.executable": r"C:\Windows\System32\vssadmin.exe",
        "process.name": "vssadmin.exe",
        "process.pid": 7300,
        "process.command_line": "vssadmin.exe delete shadows /all /quiet",
        "process.parent.executable": r"C:\Windows\System32\cmd.exe",
        "process.parent.pid": 1380,
        "user.name": "quantri",
        "user.domain": "EXAMPLE",
        "winlog.channel": CHANNELS[EVENTS[kind][0]],
        **{
            f"winlog.event_data.{name}": value
            for name, value in EVENTS[kind][2].items()
            if name in ("Image", "User", "NewProcessId", "SubjectUserName", "CommandLine")
        },
    }
    assert {name: event.get(name) for name in wanted} == wanted
    matches = ruleset.match(batch)
    assert [ruleset.rules[rule].title for rule in matches.column("rule").to_pylist()] == ["process_creation"]


def test_an_event_id_has_one_meaning() -> None:
    ids = [f"{channel} {one}" for channel, _, _, actions in TABLE for ids in actions.values() for one in ids.split()]
    assert len(ids) == len(set(ids)) == len(MEANINGS)


def test_a_command_line_in_a_flat_text_forges_no_other_field() -> None:
    command = (
        r"cmd /c echo  Subject: Account Name: evil New Process Name: C:\evil.exe  Source Network Address: 192.0.2.66"
    )
    text = CREATED_TEXT.replace("vssadmin.exe delete shadows /all /quiet", command)
    read = windows_text.data(text.replace("\n", "  ").replace("\t", " "), SECURITY, "4688")
    assert read["SubjectUserName"] == "quantri"
    assert read["NewProcessName"] == CREATED["NewProcessName"]
    assert read["CommandLine"].startswith("cmd /c echo")
    assert windows_text.data(text, SECURITY, "4688")["CommandLine"] == command


@given(st.text(max_size=60), st.sampled_from([SECURITY, SYSMON, "Service Control Manager", "PowerShell", None]))
def test_any_text_is_read_or_left(text: str, provider: str | None) -> None:
    for name, value in windows_text.data(text, provider, "4688").items():
        assert name
        assert isinstance(value, str)


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
objects = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "EventID", "Channel", "SourceName", "EventTime", "Message", "winlog", "event", "Event", "System", "EventData",
    "win", "data", "columns", "EventType", "StringInserts", "event_data", "Keywords", "ProcessId", "UserData",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), objects, max_size=8))
def test_any_object_with_the_keys_of_an_event_is_read_or_left(document: dict[str, Any]) -> None:
    _, (event,) = events([json.dumps({"EventID": 4624, "Channel": "Security", **document}).encode()])
    assert "a parser failed" not in event.get("error.message", "")


@given(st.text("<>/='\" EventSystemDaN14&;", max_size=80))
def test_any_xml_is_read_or_left(text: str) -> None:
    _, (event,) = events([f"<Event><System>{text}</System><EventData>{text}</EventData></Event>".encode()])
    assert "a parser failed" not in event.get("error.message", "")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the events are not here")
def test_rules_fire_on_lines_as_on_the_flat_events(tmp_path: Path) -> None:
    """Ten thousand real events: what fires on the sender's own field names fires on our event, too."""
    flat = gzip.decompress((SHARED / "bench/windows-events.ndjson.gz").read_bytes()).splitlines()[::2]
    added = ("product", "category", "service", "Provider_Name")
    lines = [
        orjson.dumps({name: value for name, value in orjson.loads(line).items() if name not in added}) for line in flat
    ]
    folders = (
        "rules/windows/process_access",
        "rules/windows/registry",
        "rules/windows/builtin",
        "rules/windows/image_load",
    )
    ruleset = Ruleset.load([SHARED / "sigmahq" / folder for folder in folders], tmp_path, strict=False)
    batch, _ = ndjson.flat_batch(flat)
    wanted = {(match["row"], match["rule"]) for match in ruleset.match(batch).to_pylist()}
    parsed, _ = events(lines)
    found = {(match["row"], match["rule"]) for match in ruleset.match(parsed).to_pylist()}
    assert len(wanted) >= 10
    assert wanted <= found


@pytest.mark.skipif(not SHARED.exists(), reason="the rules are not here")
def test_public_rules_fire_on_every_shape(tmp_path: Path) -> None:
    rules = sorted((SHARED / "sigmahq/rules/windows/process_creation").glob("*shadow*.yml"))
    ruleset = Ruleset.load(rules, tmp_path, strict=False)
    for kind in EVENTS:
        fired = {}
        for shape in SHAPES:
            batch, _ = events([shape(*EVENTS[kind]).encode()])
            fired[shape.__name__] = {
                ruleset.rules[rule].title for rule in ruleset.match(batch).column("rule").to_pylist()
            }
        assert fired["nxlog"]
        assert all(titles == fired["nxlog"] for titles in fired.values()), (kind, fired)
