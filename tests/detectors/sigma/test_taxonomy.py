"""The tables: which events are of which log source, and where their fields lie."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.sigma import taxonomy
from detectors.sigma.columns import Columns
from detectors.sigma.rule import LogSource

TABLES = taxonomy.load()


def membership(**event: str) -> taxonomy.Membership:
    batch = pa.RecordBatch.from_pydict({name.replace("__", "."): [value] for name, value in event.items()})
    codes, memberships = TABLES.memberships(Columns(batch))
    return memberships[codes[0]]


@pytest.mark.parametrize(
    ("event", "fits", "foreign"),
    [
        ({"event__dataset": "linux.sshd"}, ["linux//sshd", "linux//auth", "linux//"], ["linux//sudo", "windows//"]),
        ({"event__dataset": "nginx.access"}, ["/webserver/", "nginx/webserver/", "//nginx"], ["apache/webserver/"]),
        ({"event__dataset": "province.audit"}, ["hamrong//audit"], ["linux//", "/webserver/"]),
        ({"event__dataset": "nginx.error"}, ["nginx//error"], ["/webserver/"]),
        (
            {"Channel": "Security", "EventID": "4688"},
            ["windows//security", "windows/process_creation/"],
            ["windows//system"],
        ),
        (
            {"winlog__channel": "Microsoft-Windows-Sysmon/Operational", "event__code": "13"},
            ["windows/registry_set/", "windows/registry_event/", "windows//sysmon"],
            ["windows/registry_add/", "windows/process_creation/"],
        ),
        ({"Channel": "MICROSOFT-WINDOWS-SYSMON/OPERATIONAL", "EventID": "1"}, ["windows/process_creation/"], []),
        ({"product": "windows", "category": "registry_add"}, ["windows/registry_event/"], ["windows/registry_set/"]),
        (
            {"product": "windows", "service": "system", "EventID": "1"},
            ["windows//system"],
            ["windows/process_creation/"],
        ),
        ({"category": "webserver"}, ["/webserver/", "nginx/webserver/"], ["/proxy/"]),
        ({"message": "?"}, ["/webserver/", "windows//security"], []),
        # What holds the channel and the event id may be called otherwise, and each may be called its own way.
        ({"winlog__channel": "Security", "EventID": "4657"}, ["windows/registry_event/", "windows/registry_set/"], []),
        ({"Channel": "Security", "winlog__event_id": "5156"}, ["windows/network_connection/"], ["windows//sysmon"]),
        (
            {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "12", "EventType": "DeleteValue"},
            ["windows/registry_delete/", "windows/registry_event/"],
            ["windows/registry_add/", "windows/registry_set/"],
        ),
        (
            {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "26"},
            ["windows/file_delete/", "windows/file_delete_detected/"],
            ["windows/file_event/"],
        ),
        (
            {"Channel": "Microsoft-Windows-Windows Defender/Operational", "EventID": "1116"},
            ["/antivirus/", "windows//windefend"],
            ["windows//security"],
        ),
        (
            {"Channel": "Microsoft-Windows-Windows Defender/Operational", "EventID": "5007"},
            ["windows//windefend"],
            ["/antivirus/"],
        ),
        ({"Channel": "RPCFW", "EventID": "3"}, ["rpc_firewall/application/"], ["windows//security"]),
        # The product that an event states narrows what tables say, and does not silence those that name none.
        ({"product": "squid", "event__dataset": "squid.access"}, ["/proxy/", "squid/proxy/"], ["/webserver/"]),
        ({"product": "linux", "Channel": "Security", "EventID": "4688"}, ["linux//"], ["windows//security"]),
        ({"product": "windows", "Channel": "Unheard-Of/Operational"}, ["windows//"], ["windows//security", "linux//"]),
        ({"process__name": "java"}, ["jvm/application/", "velocity/application/"], ["python/application/"]),
        (
            {"event__dataset": "kubernetes.audit"},
            ["kubernetes//audit", "kubernetes/application/audit"],
            ["azure//auditlogs"],
        ),
    ],
)
def test_events_are_of_their_log_sources(event: dict[str, str], fits: list[str], foreign: list[str]) -> None:
    found = membership(**event)

    def source(text: str) -> LogSource:
        return LogSource(*(part or None for part in text.split("/")))

    assert [text for text in fits if not found.fits(source(text))] == []
    assert [text for text in foreign if found.fits(source(text))] == []


def test_a_field_is_found_under_its_own_name_first() -> None:
    assert TABLES.columns("c-ip", LogSource(category="webserver"))[:2] == ("c-ip", "source.ip")
    assert TABLES.columns("user.name", LogSource(product="linux", service="sshd")) == ("user.name",)
    assert TABLES.columns("LogonType", LogSource("windows", None, "security"))[:2] == (
        "LogonType",
        "winlog.event_data.LogonType",
    )


def test_a_process_has_its_names_in_the_security_log_too() -> None:
    process = LogSource("windows", "process_creation")
    assert TABLES.columns("Image", process)[:2] == ("Image", "NewProcessName")
    assert "ParentProcessName" in TABLES.columns("ParentImage", process)
    assert "NewProcessName" not in TABLES.columns("Image", LogSource("windows", "image_load"))


def test_fields_of_a_known_schema_are_known_by_name() -> None:
    assert TABLES.knows("GrantedAccess", LogSource("windows", "process_access"))
    assert TABLES.knows("EventID", LogSource("windows", "process_access"))
    assert not TABLES.knows("GrantedAcces", LogSource("windows", "process_access"))
    assert TABLES.knows("AnythingAtAll", LogSource("windows", None, "security"))


def test_the_narrower_table_knows_better() -> None:
    assert TABLES.columns("exe", LogSource("linux", None, "auditd"))[1] == "process.executable"
    assert len(TABLES.columns("exe", LogSource("linux"))) == 1


def test_every_dataset_of_the_parsers_is_of_a_log_source() -> None:
    page = Path(__file__).parents[3] / "docs/formats/README.md"
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| (?!none)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 10
    # A parser sets both; some tables go by the one and some by the other.
    unknown = [row for row in rows if not any(membership(event__module=row[0], event__dataset=row[1]))]
    assert unknown == []


def test_a_cache_of_tables_may_be_broken_at_any_time(tmp_path: Path) -> None:
    table, cache = tmp_path / "t.yml", tmp_path / "cache"
    source = LogSource(product="p")
    for mapped in ("one", "two"):
        table.write_text(f"- logsource: {{product: p}}\n  fields: {{F: {mapped}}}\n")
        for broken in (None, b"{", b"{}"):
            for kept in cache.glob("*") if broken else ():
                kept.write_bytes(broken)
            assert taxonomy.load(cache, tmp_path).columns("F", source) == ("F", mapped)
        assert taxonomy.load(cache, tmp_path).columns("F", source) == ("F", mapped)


def test_a_senders_own_key_does_not_choose_the_rules() -> None:
    vendor = pa.array([[("category", "x"), ("product", "windows")]], pa.map_(pa.string(), pa.string()))
    batch = pa.RecordBatch.from_pydict({"event.dataset": ["province.audit"], "vendor": vendor})
    codes, memberships = TABLES.memberships(Columns(batch))
    assert memberships[codes[0]] == membership(event__dataset="province.audit")
