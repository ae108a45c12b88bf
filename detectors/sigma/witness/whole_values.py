"""whole_values: numbers, addresses and times, which are a value as they stand or not at all.

In:   atoms of one field; one of them, perhaps, that is to be missed narrowly
Out:  candidates for the value; none when an atom is not of that kind
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from detectors.sigma.expression import Atom

COMPARE = ("lt", "lte", "gt", "gte")
TIME = ("minute", "hour", "day", "week", "month", "year")
_HANOI = timezone(timedelta(hours=7))


def candidates(atoms: Sequence[Atom], off: Atom | None) -> Iterator[str]:
    tests = {atom.test for atom in (*atoms, *([off] if off else ()))}
    if tests <= {"number", *COMPARE}:
        yield from _numbers(atoms, off)
    elif tests == {"cidr"}:
        yield from _addresses(atoms, off)
    elif tests <= set(TIME):
        yield from _times(atoms, off)


def _numbers(atoms: Sequence[Atom], off: Atom | None) -> Iterator[str]:
    """About every bound, off which one is to be missed first; and between two that are close."""
    bounds = [float(atom.value) for atom in atoms]
    about = [float(off.value)] if off else bounds
    found = [bound + step for bound in about for step in (0, 1, -1, 2, -2, 10)]
    found += [(low + high) / 2 for low, high in itertools.combinations(bounds, 2)] + [0.0, 1.0]
    yield from (str(int(number)) if number == int(number) else str(number) for number in dict.fromkeys(found))


def _addresses(atoms: Sequence[Atom], off: Atom | None) -> Iterator[str]:
    """Hosts of the networks; beyond the ends of the one that is to be missed."""
    for atom in (off, *atoms) if off else atoms:
        network = ipaddress.ip_network(str(atom.value))
        first, last = int(network.network_address), int(network.broadcast_address)
        kind = type(network.network_address)
        steps = [last + 1, first - 1] if atom is off else [first + 1, first, last, *range(first + 2, first + 50, 7)]
        steps += [] if atom is off else [first + (last - first) * part // 16 for part in range(1, 16)]
        yield from (str(kind(step)) for step in steps if 0 <= step < 1 << network.max_prefixlen)


def _times(atoms: Sequence[Atom], off: Atom | None) -> Iterator[str]:
    parts = {"year": 2026, "month": 3, "day": 5, "hour": 9, "minute": 0}
    parts |= {atom.test: int(float(atom.value)) for atom in atoms}
    if off:
        parts[off.test] = int(float(off.value)) + (1 if off.test != "week" and off.value == 0 else -1)
    try:
        if "week" in parts:
            day = datetime.fromisocalendar(parts["year"], parts["week"], 4)
            parts |= {"month": day.month, "day": day.day}
        at = datetime(parts["year"], parts["month"], parts["day"], parts["hour"], parts["minute"], tzinfo=_HANOI)
    except ValueError:
        return
    for hours in (0, 1, -1, 24, -24, 24 * 32):
        yield (at + timedelta(hours=hours)).isoformat()
