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


def test_the_narrower_table_knows_better() -> None:
    assert TABLES.columns("exe", LogSource("linux", None, "auditd"))[1] == "process.executable"
    assert len(TABLES.columns("exe", LogSource("linux"))) == 1


def test_every_dataset_of_the_parsers_is_of_a_log_source() -> None:
    page = Path(__file__).parents[3] / "docs/formats/README.md"
    datasets = re.findall(r"^\| `\w+` \| `([\w.]+)` \| (?!none)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(datasets) > 10
    unknown = [dataset for dataset in datasets if not any(membership(event__dataset=dataset))]
    # A plain syslog line is known by its module, which the parser sets with it.
    assert [dataset for dataset in unknown if not dataset.startswith("syslog")] == []
