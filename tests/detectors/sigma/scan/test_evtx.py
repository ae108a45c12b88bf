"""Windows event logs: files that are written here, since strangers' logs are not ours to ship."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma.scan import evtx
from tests.detectors.sigma.scan.evtx_file import Element, chunk, event

COMMAND = {"CommandLine": 'x & "kim" đ 🎉', "Process Id": "7", "Image": "C:\\a.exe"}


def read(content: bytes, first: int = 0) -> tuple[list[dict[str, object]], list[str]]:
    lines, faults = evtx.lines(content, first)
    return [json.loads(line) for line in lines.splitlines()], faults


def test_a_record_has_the_names_that_rules_use() -> None:
    (fields,), faults = read(chunk([event(41, COMMAND)], 41))
    assert faults == []
    assert fields == {
        "product": "windows",
        "@timestamp": "2026-03-05T01:15:02.123456Z",
        "TimeCreated": "2026-03-05T01:15:02.123456Z",
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "Provider_Guid": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
        "EventID": "1",
        "EventID_Qualifiers": "0",
        "Level": "4",
        "EventRecordID": "41",
        "Execution_ProcessID": "4",
        "Execution_ThreadID": "8",
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "pc1.example.org",
        "Security_UserID": "S-1-5-18",
        "CommandLine": 'x & "kim" đ 🎉',
        "ProcessId": "7",
        "Image": "C:\\a.exe",
    }


def test_values_without_a_name_and_user_data() -> None:
    nameless = [Element("Data", {}, "one"), Element("Data", {}, "two")]
    inside = [Element("RuleAndFileData", {}, [Element("PolicyName", {}, "EXE"), Element("FilePath", {}, "C:\\b.exe")])]
    (plain, user), _ = read(chunk([event(1, nameless), event(2, inside, part="UserData")]))
    assert plain["Data"] == ["one", "two"]
    assert (user["PolicyName"], user["FilePath"]) == ("EXE", "C:\\b.exe")


def test_what_an_event_is_cannot_be_written_over_by_its_data() -> None:
    told = {"Channel": "Security", "EventID": "4688", "Level": "9", "product": "linux"}
    ((fields),), _ = read(chunk([event(1, told)]))
    assert (fields["Channel"], fields["EventID"]) == ("Microsoft-Windows-Sysmon/Operational", "1")
    assert (fields["Level"], fields["product"]) == ("9", "windows")


def test_a_record_as_the_library_documents_it() -> None:
    """Numbers are numbers there, an element without attributes is its text, and an empty one null."""
    record = {
        "Event": {
            "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            "System": {"EventID": 4688, "Channel": "Security", "Version": 2, "Correlation": None},
            "EventData": {"#attributes": {"Name": "x"}, "NewProcessName": "C:\\c.exe", "Empty": None, "Id": 3},
        }
    }
    assert evtx.flat(record) == {
        "EventID": 4688,
        "Channel": "Security",
        "Version": 2,
        "NewProcessName": "C:\\c.exe",
        "Id": 3,
        "product": "windows",
    }
    assert evtx.flat({"Event": None}) == evtx.flat({}) == {"product": "windows"}


GOOD = [chunk([event(number, COMMAND)] * 3, number) for number in (1, 4, 7)]


def test_chunks_that_windows_made_room_for_are_no_fault() -> None:
    records, faults = read(GOOD[0] + bytes(evtx.CHUNK) + GOOD[1])
    assert (len(records), faults) == (6, [])


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (b"GARBAGE!" + GOOD[1][8:], r"chunk 6: does not begin as a chunk"),
        (GOOD[1][:512] + b"xxxx" + GOOD[1][516:], r"chunk 6: .*record header"),
    ],
)
def test_a_broken_chunk_is_named_and_the_others_are_read(broken: bytes, told: str) -> None:
    records, faults = read(GOOD[0] + broken + GOOD[2], first=5)
    assert [record["EventRecordID"] for record in records] == ["1"] * 3 + ["7"] * 3
    assert len(faults) == 1
    assert re.match(told, faults[0])


def test_a_file_that_ends_within_a_chunk() -> None:
    records, faults = read(GOOD[0] + GOOD[1][:1000])
    assert (len(records), faults) == (
        3,
        ["chunk 1: the file ends 64536 bytes before the chunk does; its records are left out"],
    )


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=300)
def test_whatever_a_chunk_holds_is_read_or_named(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(GOOD[1])
    for at, byte in changes:
        changed[at] = byte
    records, faults = read(GOOD[0] + bytes(changed) + GOOD[2])
    assert {"1", "7"} <= {record.get("EventRecordID") for record in records}
    assert all(fault.startswith("chunk 1: ") for fault in faults)


@pytest.mark.parametrize("table", [128, 384])
def test_a_table_that_goes_round_does_not_hang(table: int) -> None:
    """Two strings or templates that name each other as the next."""
    changed = bytearray(GOOD[1])
    changed[table : table + 4] = (60_000).to_bytes(4, "little")
    changed[60_000:60_004] = (60_100).to_bytes(4, "little")
    changed[60_100:60_104] = (60_000).to_bytes(4, "little")
    records, faults = read(bytes(changed))
    assert (len(records), faults) == (3, [])
