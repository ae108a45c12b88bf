"""counters: what the gateway has taken in, given on and dropped, by name.

In:   increments from the listeners and the producer
Out:  a JSON object; every line that is not handed on is in exactly one counter
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Listened:
    """One listener's share."""

    connections: int = 0
    received: int = 0
    """Lines, the cut and bad ones too."""
    bytes: int = 0
    cut: int = 0
    bad_frame: int = 0
    empty: int = 0
    """Frames or datagrams without a message."""


@dataclass
class Counters:
    """Since the start of the process. `listeners` is the event loop's, the rest the producer's thread's."""

    listeners: dict[str, Listened] = field(default_factory=dict)
    dropped_udp: int = 0
    """Datagrams not taken in since the spool was full."""
    dropped_udp_kernel: int = 0
    """Datagrams that the system dropped since we did not read fast enough."""
    spooled: int = 0
    sent: int = 0
    acknowledged: int = 0
    """Lines that Kafka has for certain, and the spool has forgotten or will."""
    found_in_kafka: int = 0
    """Lines that an earlier session had sent without learning of it; not sent again."""
    dead: int = 0
    """Lines that the topic did not take; they went, cut, to the dead-letter topic."""

    def document(self, **more: Any) -> dict[str, Any]:
        return dataclasses.asdict(self) | more
