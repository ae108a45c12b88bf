import pyarrow as pa

from ingest.event import Columns
from ingest.formats import flows


def completed(**columns: list[object]) -> dict[str, list[object]]:
    given: Columns = {name.replace("__", "."): pa.array(values) for name, values in columns.items()}
    return {name: column.to_pylist() for name, column in flows.complete(given).items()}


def test_transport_and_number_name_each_other() -> None:
    found = completed(
        network__transport=["TCP", "17", "ICMPv6", "unheard", None], network__iana_number=[None, None, None, None, "47"]
    )
    assert found["network.transport"] == ["tcp", "udp", "ipv6-icmp", "unheard", "gre"]
    assert found["network.iana_number"] == ["6", "17", "58", None, "47"]


def test_sums_of_both_ways_unless_the_device_wrote_its_own() -> None:
    found = completed(
        source__bytes=["1", "2", "x"], destination__bytes=["10", None, "3"], network__packets=["7", None, None]
    )
    assert found["network.bytes"] == [11, None, None]
    assert found["network.packets"] == [7, None, None]


def test_nothing_is_made_of_nothing() -> None:
    assert flows.complete({}) == {}
    made = completed(source__ip=["192.0.2.1"])
    assert {name: values for name, values in made.items() if values != [None]} == {"source.ip": ["192.0.2.1"]}


def test_icmp_has_type_and_code_for_ports_and_others_are_left_alone() -> None:
    columns = {
        "source.address": pa.array(["192.168.0.89"] * 4),
        "destination.address": pa.array(["192.168.0.1"] * 4),
        "network.transport": pa.array(["ICMP", "tcp", "1", None]),
        "kind": pa.array(["8", "3", "8", "8"]),
        "code": pa.array(["0", "1", None, "0"]),
    }
    found = flows.icmp(columns, "kind", "code")["network.community_id"].to_pylist()
    assert found == ["1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", None, None, None]
