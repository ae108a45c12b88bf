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
        {"destination.ip": "2001:db8::1", "related.ip": ["2001:db8::1"]},
    ]


def test_related_names_each_once() -> None:
    events = completed(
        user__name=["An", "An", None], user__effective__name=["root", "An", None], host__name=["h", None, None]
    )
    assert events[0]["related.user"] == ["An", "root"]
    assert events[0]["related.hosts"] == ["h"]
    assert events[1]["related.user"] == ["An"]
    assert events[2] == {}


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
