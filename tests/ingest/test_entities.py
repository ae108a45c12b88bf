import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import Sheet
from ingest.entities import complete, domain, ip
from ingest.event import to_documents


def completed(**fields: list[str | None]) -> list[dict[str, object]]:
    sheet = Sheet(len(next(iter(fields.values()))))
    sheet.put({name.replace("__", "."): pa.array(values, pa.string()) for name, values in fields.items()})
    complete(sheet)
    return to_documents(sheet.batch())


def test_an_address_is_an_ip_or_a_domain_or_neither() -> None:
    assert completed(source__address=["192.0.2.1", "a.example.org", "unix:", None, "::ffff:192.0.2.1"]) == [
        {"source.address": "192.0.2.1", "source.ip": "192.0.2.1", "related.ip": ["192.0.2.1"]},
        {"source.address": "a.example.org", "source.domain": "a.example.org", "related.hosts": ["a.example.org"]},
        {"source.address": "unix:"},
        {},
        {"source.address": "::ffff:192.0.2.1", "source.ip": "192.0.2.1", "related.ip": ["192.0.2.1"]},
    ]


def test_what_is_no_address_does_not_stay_in_an_ip_field() -> None:
    assert completed(destination__ip=["999.1.1.1", "2001:db8::1"]) == [
        {},
        {"destination.address": "2001:db8::1", "destination.ip": "2001:db8::1", "related.ip": ["2001:db8::1"]},
    ]


def test_related_names_each_once() -> None:
    events = completed(
        user__name=["An", "An", None], user__effective__name=["root", "An", None], host__name=["h", None, None]
    )
    assert events[0]["related.user"] == ["An", "root"]
    assert events[0]["related.hosts"] == ["h"]
    assert events[1]["related.user"] == ["An"]
    assert events[2] == {}


def test_related_takes_members_of_lists_and_hashes() -> None:
    sheet = Sheet(2)
    sheet.put({"dns.resolved_ip": pa.array([["192.0.2.1", "192.0.2.2", "192.0.2.1"], None])})
    sheet.put({"source.ip": pa.array(["192.0.2.2", None]), "process.hash.md5": pa.array([None, "ab"])})
    complete(sheet)
    first, second = to_documents(sheet.batch())
    assert first["related.ip"] == ["192.0.2.2", "192.0.2.1"]
    assert second == {"process.hash.md5": "ab", "related.hash": ["ab"]}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("00:00:5e:00:53:2f", "00-00-5E-00-53-2F"),
        ("0000.5e00.532f", "00-00-5E-00-53-2F"),
        ("0000-5E00-532F", "00-00-5E-00-53-2F"),
        ("00005e00532f", "00-00-5E-00-53-2F"),
        ("00-00-5E-00-53-2F", "00-00-5E-00-53-2F"),
        ("00:00:5e-00:53:2f", "00:00:5e-00:53:2f"),
        ("ff:ff:ff:ff:ff:ff:52:54:00:12:34:56:08:00", "ff:ff:ff:ff:ff:ff:52:54:00:12:34:56:08:00"),
        ("unknown", "unknown"),
    ],
)
def test_macs_are_written_as_ecs_does_and_what_is_none_is_kept(written: str, kept: str) -> None:
    assert completed(source__mac=[written]) == [{"source.mac": kept}]


def connection(source: str, port: int, destination: str, its_port: int) -> dict[str, object]:
    sheet = Sheet(1)
    fields = {"source.ip": source, "destination.ip": destination, "network.transport": "tcp"}
    sheet.put({name: pa.array([value]) for name, value in fields.items()})
    sheet.put({"source.port": pa.array([port]), "destination.port": pa.array([its_port])})
    complete(sheet)
    return to_documents(sheet.batch())[0]


def test_both_directions_of_a_connection_have_one_community_id() -> None:
    there = connection("192.0.2.7", 51000, "198.51.100.9", 443)
    back = connection("198.51.100.9", 443, "192.0.2.7", 51000)
    other = connection("192.0.2.7", 51001, "198.51.100.9", 443)
    # The expected value was computed with the code that gives the specification's own vectors.
    assert there["network.community_id"] == back["network.community_id"] == "1:vkizCbOlRoUveCX+bh6uUtFD7p8="
    assert other["network.community_id"] != there["network.community_id"]
    assert there["network.type"] == "ipv4"
    assert connection("2001:db8::1", 1, "2001:db8::2", 2)["network.type"] == "ipv6"
    assert "network.community_id" not in connection("192.0.2.7", 70000, "198.51.100.9", 443)


addresses = st.ip_addresses().map(str) | st.text(alphabet="0123456789abf:.%x ", max_size=20)


@given(addresses)
def test_ip_agrees_with_the_standard_library(text: str) -> None:
    try:
        standard = ipaddress.ip_address(text)
    except ValueError:
        assert ip(text) is None or text.lower().startswith("::ffff:")
        return
    if "%" in text:
        assert ip(text) is None  # a zone is of one machine only
        return
    assert ip(text) in (text, text[7:])
    assert standard.version == (6 if ":" in text else 4)


@pytest.mark.parametrize("text", ["", "192.0.2.1.", "999.1.1.1", "a b", "a/b", "<b>", "x" * 300, "-" * 5])
def test_what_is_no_domain(text: str) -> None:
    assert domain(text) is None
