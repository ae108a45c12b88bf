"""directions: whether a connection comes in or goes out.

In:   columns of the addresses of both ends
Out:  `network.direction`
Docs: ECS network.direction; RFC 1918, RFC 4193
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

ADDRESS = r"^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*$"
PRIVATE = r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|[fF][cdCD][0-9a-fA-F]{2}:)"


def directions(sources: pa.Array, destinations: pa.Array) -> pa.Array:
    """inbound, outbound, internal or external, with the private networks as the inside; null where an end is none."""
    inside, aim = _is_private(sources), _is_private(destinations)
    return pc.if_else(inside, pc.if_else(aim, "internal", "outbound"), pc.if_else(aim, "inbound", "external"))


def _is_private(addresses: pa.Array) -> pa.Array:
    private = pc.match_substring_regex(addresses, PRIVATE)
    return pc.if_else(pc.match_substring_regex(addresses, ADDRESS), private, pa.scalar(None, pa.bool_()))
