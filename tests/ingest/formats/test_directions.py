import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.event import TEXT
from ingest.formats.directions import directions

INSIDE = ("10.1.2.3", "192.168.0.9", "172.16.0.1", "172.31.255.255", "fd00::1")
OUTSIDE = ("198.51.100.7", "172.15.0.1", "172.32.0.1", "2001:db8::1", "11.0.0.1", "fd:1::")


def of(source: str | None, destination: str | None) -> str | None:
    found: list[str | None] = directions(pa.array([source], TEXT), pa.array([destination], TEXT)).to_pylist()
    return found[0]


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("outside", OUTSIDE)
def test_directions(inside: str, outside: str) -> None:
    assert of(inside, outside) == "outbound"
    assert of(outside, inside) == "inbound"
    assert of(inside, inside) == "internal"
    assert of(outside, outside) == "external"


@pytest.mark.parametrize("end", [None, "", "portal.example.org", "bad"])
def test_an_end_that_is_no_address(end: str | None) -> None:
    assert of(end, "10.0.0.1") is None
    assert of("10.0.0.1", end) is None


PRIVATE = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_private_networks_are_those_of_the_rfc(source: ipaddress.IPv4Address, target: ipaddress.IPv4Address) -> None:
    inside, aim = (any(address in net for net in PRIVATE) for address in (source, target))
    wanted = {
        (True, True): "internal",
        (True, False): "outbound",
        (False, True): "inbound",
        (False, False): "external",
    }
    assert of(str(source), str(target)) == wanted[inside, aim]
