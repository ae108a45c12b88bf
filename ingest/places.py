"""places: which system a line is of, by who sent it and by the host that it names.

In:   the systems of the register, its relays; peers and hosts as columns
Out:  positions in the list of systems

Each peer and each host is looked at once, by itself: behind a relay there are thousands of pairs of them.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from ingest.sources import Network, System

Positions = np.ndarray[Any, np.dtype[np.int64]]

REMEMBERED = 50_000
"""Peers and hosts are few, but a host name is whatever a sender writes."""


class Places:
    def __init__(self, systems: Sequence[System], relays: Sequence[Network]) -> None:
        self._systems = systems
        self._relays = relays
        self._of_peer = lru_cache(maxsize=REMEMBERED)(self._speaks_for)
        self._of_host = lru_cache(maxsize=REMEMBERED)(self._named_so)

    def find(self, peer: str | None, host: str | None) -> int | None:
        return _place(self._of_peer(peer), self._of_host(host))

    def locate(self, peers: pa.Array, hosts: pa.Array) -> Positions:
        """Of each row; the number of systems stands for "no system"."""
        peer, host = peers.dictionary_encode(), hosts.dictionary_encode()
        of_peer = [self._of_peer(name) for name in (*peer.dictionary.to_pylist(), None)]
        of_host = [self._of_host(name) for name in (*host.dictionary.to_pylist(), None)]
        distinct, inverse = np.unique(_codes(peer) * len(of_host) + _codes(host), return_inverse=True)
        places = [_place(of_peer[code // len(of_host)], of_host[code % len(of_host)]) for code in distinct.tolist()]
        none = len(self._systems)
        return np.array([none if place is None else place for place in places], dtype=np.int64)[inverse]

    def _speaks_for(self, peer: str | None) -> tuple[int, int | None]:
        """The systems whose hosts it may name, bit by bit, and the first that holds its address."""
        address = _address(peer)
        if address is None:
            return 0, None
        own = _bits(any(address in network for network in system.addresses) for system in self._systems)
        relayed = any(address in network for network in self._relays)
        return _bits(True for _ in self._systems) if relayed else own, _first(own)

    def _named_so(self, host: str | None) -> int:
        """The systems whose patterns the host fits, bit by bit."""
        name = host.lower() if host else None
        return _bits(
            name is not None and any(fnmatch.fnmatchcase(name, glob) for glob in system.hosts)
            for system in self._systems
        )


def _place(of_peer: tuple[int, int | None], of_host: int) -> int | None:
    speaks_for, own = of_peer
    both = speaks_for & of_host
    return _first(both) if both else own


def _bits(flags: Iterable[bool]) -> int:
    return sum(flag << position for position, flag in enumerate(flags))


def _first(bits: int) -> int | None:
    return (bits & -bits).bit_length() - 1 if bits else None


def _codes(column: pa.DictionaryArray) -> Positions:
    codes: Positions = column.indices.cast(pa.int64()).fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)
    return codes


def _address(peer: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return None
    # A listener on both families shows an IPv4 client as ::ffff:192.0.2.1.
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
