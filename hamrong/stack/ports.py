"""ports: TCP ports on loopback, kept from one start to the next while they stay free.

In:   the port used last time, the ports a reader would expect
Out:  a port that is free now
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"


def choose_port(memory: Path, wishes: Iterable[int]) -> int | None:
    """The port that the file `memory` holds if it is free, else the first of the wishes that is; None = none is.

    The choice is written to `memory`.
    """
    last = [int(memory.read_text(encoding="ascii"))] if memory.exists() else []
    chosen = next((port for port in [*last, *wishes] if is_free(port)), None)
    if chosen is not None:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(str(chosen), encoding="ascii")
    return chosen


def any_port() -> int:
    """A free port, from the range the system hands out."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server may listen on the port now; one whose old connections linger is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def is_served(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
