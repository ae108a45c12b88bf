"""community_id: the same name for a connection in every tool that saw it.

In:   the two ends of a connection and its transport, as columns
Out:  `network.community_id`, null where an end is missing
Docs: Community ID Flow Hashing Specification, version 1, seed 0; ECS network.community_id
"""

from __future__ import annotations

import base64
import hashlib
import socket

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import LONG, TEXT

WITH_PORTS = {"tcp": 6, "udp": 17, "sctp": 132}
# Type of a request -> type of its answer, and back: the two sides of one exchange are one flow.
ICMP = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10}
ICMP6 = {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 139: 140, 140: 139}
NO_PORTS = {"icmp": (1, ICMP), "ipv6-icmp": (58, ICMP6)}


def community_ids(
    source: pa.Array, source_port: pa.Array, destination: pa.Array, destination_port: pa.Array, transport: pa.Array
) -> pa.Array:
    """Ids of connections, row by row. For ICMP the ports are type and code."""
    known = pc.is_in(transport, pa.array([*WITH_PORTS, *NO_PORTS]))
    ends = [source, source_port.cast(LONG), destination, destination_port.cast(LONG)]
    for column in ends:
        known = pc.and_(known, column.is_valid())
    if not pc.any(known).as_py():
        return pa.nulls(len(source), TEXT)
    flows = pa.table([*ends, transport], names=["a", "b", "c", "d", "e"]).filter(known)
    ids = [_id(*flow) for flow in zip(*(column.to_pylist() for column in flows.columns), strict=True)]
    place = pc.cumulative_sum(known.cast(LONG))
    return pa.array(ids, TEXT).take(pc.if_else(known, pc.subtract(place, 1), pa.scalar(None, LONG)))


def _id(source: str, source_port: int, destination: str, destination_port: int, transport: str) -> str | None:
    first, second = _packed(source), _packed(destination)
    if first is None or second is None or not (0 <= source_port < 65536 and 0 <= destination_port < 65536):
        return None
    both_ways = True
    if transport in NO_PORTS:
        number, answers = NO_PORTS[transport]
        both_ways = source_port in answers
        destination_port = answers.get(source_port, destination_port)
    else:
        number = WITH_PORTS[transport]
    begin = first + source_port.to_bytes(2, "big"), second + destination_port.to_bytes(2, "big")
    if both_ways and begin[0] > begin[1]:
        begin = begin[1], begin[0]
    one, two = begin
    parts = b"\0\0", one[:-2], two[:-2], number.to_bytes(1, "big"), b"\0", one[-2:], two[-2:]
    return "1:" + base64.b64encode(hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()).decode()


def _packed(address: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return None
