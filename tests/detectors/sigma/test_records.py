"""Windows records in JSON, as the tools that read .evtx write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import ndjson, records
from detectors.sigma.ruleset import Ruleset

SYSMON = "Microsoft-Windows-Sysmon/Operational"


def record(channel: str, event_id: object, **parts: object) -> dict[str, Any]:
    provider = {"#attributes": {"Name": "Provider", "Guid": "5770385F"}}
    return {"Event": {"System": {"Provider": provider, "EventID": event_id, "Channel": channel}, **parts}}


RULES = """
title: process
id: process
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: a.exe}, condition: s}
---
title: threat
id: threat
logsource: {product: windows, service: windefend}
detection: {s: {EventID: 1116, ThreatName|startswith: Trojan}, condition: s}
---
title: script
id: script
logsource: {product: windows, category: ps_classic_provider_start}
detection: {s: {Data|contains: Set-Mp, Provider_Name: Provider}, condition: s}
---
title: cleared
id: cleared
logsource: {product: windows, service: system}
detection: {s: {EventID: 104, SubjectUserName: an}, condition: s}
"""


def test_records_raise_the_rules_of_their_log_source(load: Callable[..., Ruleset]) -> None:
    ruleset = load(RULES)
    image = {"Image": "C:\\a.exe"}
    cleared = {"LogFileCleared": {"#attributes": {"xmlns": "x"}, "SubjectUserName": "An", "Channel": "Security"}}
    events = [
        record(SYSMON, 1, EventData=image),
        record(SYSMON, 7, EventData=image),
        record("Microsoft-Windows-Windows Defender/Operational", 1116, EventData={"Threat Name": "Trojan:x"}),
        record("Windows PowerShell", {"#text": 600}, EventData={"Data": {"#text": ["a", "b Set-MpPreference"]}}),
        record("System", 104, UserData=cleared),
        record("Security", 104, UserData=cleared),
    ]
    matches = ruleset.match(ndjson.read(b"\n".join(map(orjson.dumps, events)))[0])
    found = zip(matches["row"].to_pylist(), ruleset.matched_ids(matches).to_pylist(), strict=True)
    assert list(found) == [(0, "process"), (2, "threat"), (3, "script"), (4, "cleared")]


NAMES = st.sampled_from(["#text", "#attributes", "a b"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["#text", "#attributes", "a b"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, JSON)
def test_any_record_becomes_fields(system: Any, data: Any) -> None:
    event = {"Event": {"System": system, "EventData": data, "UserData": data}}
    assert not any(isinstance(value, dict) for value in records.flat(event).values())
    assert records.is_record(event) == isinstance(system, dict)


def test_what_a_shipper_put_beside_a_record_is_kept() -> None:
    beside = {"shipper": {"name": "pc1.example.org"}, "tags": ["x"], **record(SYSMON, 1, EventData={"Image": "a.exe"})}
    columns = ndjson.read(orjson.dumps(beside))[0].batch().to_pylist()
    assert columns[0].items() >= {"shipper.name": "pc1.example.org", "tags": ["x"], "Image": "a.exe"}.items()


def test_depth_is_its_senders_to_choose() -> None:
    deep: Any = {"a": 1}
    for _ in range(20_000):
        deep = {"b": deep}
    assert records.flat({"Event": {"System": {}, "EventData": deep}})["a"] == 1
