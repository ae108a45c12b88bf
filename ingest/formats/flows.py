"""flows: what every event of a connection gets from its own columns.

In:   columns of ECS fields, those of one batch of lines
Out:  `network.transport` and `network.iana_number` from each other, the sums `network.bytes` and `network.packets`,
      and of ICMP `network.community_id`
Docs: ECS network.*; IANA protocol numbers
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import typed
from ingest.community_id import NO_PORTS, community_ids
from ingest.event import FIELDS, TEXT, Columns

# As ECS writes them: Elastic's names for IANA's.
PROTOCOLS = {
    "0": "hopopt", "1": "icmp", "2": "igmp", "4": "ipv4", "6": "tcp", "8": "egp", "9": "igp", "17": "udp",
    "27": "rdp", "33": "dccp", "41": "ipv6", "46": "rsvp", "47": "gre", "50": "esp", "51": "ah", "58": "ipv6-icmp",
    "88": "eigrp", "89": "ospf", "103": "pim", "112": "vrrp", "115": "l2tp", "132": "sctp",
}  # fmt: skip
NAMES = pa.array(PROTOCOLS.values(), TEXT)
NUMBERS = pa.array(PROTOCOLS.keys(), TEXT)
OTHER_NAMES = {"icmpv6": "ipv6-icmp", "icmp6": "ipv6-icmp", "ipv6icmp": "ipv6-icmp"}


def complete(columns: Columns) -> Columns:
    """These columns with the network's fields added; what a column has already stands."""
    if not columns:
        return columns
    rows = len(next(iter(columns.values())))

    def column(name: str) -> pa.Array:
        return typed(columns[name], FIELDS[name]) if name in columns else pa.nulls(rows, FIELDS[name])

    number = column("network.iana_number")
    transport = _name(pc.utf8_lower(column("network.transport")), number)
    added = {
        "network.transport": transport,
        "network.iana_number": pc.coalesce(number, NUMBERS.take(pc.index_in(transport, NAMES))),
        "network.bytes": _sum(column, "bytes"),
        "network.packets": _sum(column, "packets"),
    }
    return columns | added


def icmp(columns: Columns, kind: str, code: str) -> Columns:
    """`network.community_id` of ICMP, of which the specification takes type and code for ports."""
    ends = (columns["source.address"], columns[kind], columns["destination.address"], columns[code])
    lower = pc.utf8_lower(columns["network.transport"])
    transport = _name(lower, pa.nulls(len(lower), TEXT))
    # An access list names a type and code for TCP too, of the message that refused it.
    is_icmp = pc.is_in(transport, pa.array([*NO_PORTS]))
    return {"network.community_id": community_ids(*ends, pc.if_else(is_icmp, transport, pa.scalar(None, TEXT)))}


def _name(names: pa.Array, numbers: pa.Array) -> pa.Array:
    """The transport's name; a device may write its number in its place."""
    numeric = pc.match_substring_regex(names, "^[0-9]+$")
    numbers = pc.coalesce(numbers, pc.if_else(numeric, names, pa.scalar(None, TEXT)))
    names = pc.if_else(numeric, pa.scalar(None, TEXT), names)
    for other, name in OTHER_NAMES.items():
        names = pc.if_else(pc.equal(names, other), name, names)
    return pc.coalesce(names, NAMES.take(pc.index_in(numbers, NUMBERS)))


def _sum(column: Callable[[str], pa.Array], unit: str) -> pa.Array:
    return pc.coalesce(column(f"network.{unit}"), pc.add(column(f"source.{unit}"), column(f"destination.{unit}")))
